"""The words of clinicians' questions: what they stand for, shorthand, and slips of the finger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from compliance.yamltext import read_yaml
from services.consult.record import spelling, words
from services.consult.triage.spelling import Speller

Subject = Literal[
    "tests", "medicines", "classes", "conditions", "vaccines", "procedures", "treatment", "topic"
]
_DATA = Path(__file__).parent / "data/asking.yaml"
_PLURAL = 4
"""Letters of the shortest plural of an abbreviation ("INRs")."""


@dataclass(frozen=True)
class Tables:
    """The words that may stand in a question.

    Attributes:
        filler: single words that say nothing by themselves.
        polite: phrases that say nothing.
        refused: phrases that nothing may answer.
        intents: what is asked of a thing.
        fits: the intents that each kind of thing may be asked.
        names: what each kind of thing is called; of the same phrase the first kind wins.
        shorthand: what a word is read as.
        illnesses: phrases that mean a vaccine only beside a word of ``given``.
        given: words of vaccinating.
        purposes: what classes of medicines are taken for.
    """

    filler: frozenset[str]
    polite: words.Phrases
    refused: words.Phrases
    intents: words.Phrases
    fits: Mapping[str, frozenset[str]]
    names: Mapping[Subject, words.Phrases]
    shorthand: Mapping[str, str]
    illnesses: frozenset[str]
    given: frozenset[str]
    purposes: words.Phrases


def _phrases(held: Mapping[str, list[str]], known: words.Phrases | None = None) -> words.Phrases:
    """Phrases of a table, beside those that are known."""
    made = words.Phrases()
    for phrase, keys in known.keys.items() if known else ():
        made.keys[phrase] = set(keys)
    for key, phrases in held.items():
        made.add(key, phrases)
    return made


@lru_cache(maxsize=1)
def tables() -> Tables:
    """The tables of ``data/asking.yaml`` with those of the record's rules."""
    held: dict[str, Any] = read_yaml(_DATA.read_text("utf-8"))
    more = held["names"]
    lines = [line for line in held["filler"] if isinstance(line, str)]
    names: dict[Subject, words.Phrases] = {
        "topic": _phrases(held["topics"]),
        "tests": _phrases(more["tests"], words.test_phrases()),
        "vaccines": _phrases(more["vaccines"], words.vaccine_phrases()),
        "classes": _phrases(more["classes"], words.class_phrases()),
        "medicines": _phrases(more["medicines"], words.medicine_phrases()),
        "procedures": _phrases(more["procedures"], words.procedure_phrases()),
        "conditions": _phrases(more["conditions"], words.condition_phrases()),
    }
    return Tables(
        frozenset(word for line in lines for word in line.split()),
        _phrases({"polite": [one for line in held["filler"] if line not in lines for one in line]}),
        _phrases({"refused": held["refused"]}),
        _phrases(held["intents"]),
        {kind: frozenset(intents) for kind, intents in held["fits"].items()},
        names,
        held["shorthand"],
        frozenset(held["illnesses"]),
        frozenset(held["given"]),
        _phrases(held["purposes"], _phrases(words.data("lay")["purposes"])),
    )


def _words() -> Iterator[str]:
    held = tables()
    yield from held.filler
    told = (held.polite, held.refused, held.intents, held.purposes, *held.names.values())
    for phrases in told:
        for phrase in phrases.keys:
            yield from phrase.split()


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    return frozenset(_words())


@lru_cache(maxsize=1)
def _speller() -> Speller:
    ordinary = read_yaml(_DATA.read_text("utf-8"))["ordinary"]
    friends = {*ordinary, *words.data("spelling")["ordinary"]}
    return Speller((w for w in _known() if len(w) >= spelling.SHORTEST), friends)


def read(question: str, mine: frozenset[str]) -> tuple[str, dict[str, str]]:
    """Return a folded question with shorthand written out, and the slips that were mended in it.

    Args:
        question: as typed.
        mine: words of the person's own name, which are left as they are.
    """
    held, slips = tables(), dict[str, str]()
    short = {**words.data("shorthand"), **held.shorthand}
    said = []
    for word in words.fold(question).split():
        plain = short.get(word) or _singular(word)
        if plain not in _known() | mine and " " not in plain and (mended := _mended(plain)):
            slips[word] = plain = mended
        said.append(plain)
    return " ".join(said), slips


def _singular(word: str) -> str:
    """An abbreviation of a test without its plural's ending."""
    one = word[:-1]
    short = len(word) == _PLURAL and word.endswith("s") and word not in _known()
    return one if short and one in tables().names["tests"].keys else word


def _mended(word: str) -> str | None:
    """The known word that is one slip apart; of several only where all name the same things."""
    if len(word) < spelling.SHORTEST or not word.isalpha():
        return None
    readings = _speller().readings(word)
    meant = {_meanings(reading) for reading in readings}
    alike = len(readings) == 1 or (len(meant) == 1 and meant != {frozenset()})
    return readings[0] if readings and alike else None


def _meanings(word: str) -> frozenset[str]:
    """The keys that a word stands for by itself."""
    return frozenset(k for table in tables().names.values() for k in table.keys.get(word, ()))
