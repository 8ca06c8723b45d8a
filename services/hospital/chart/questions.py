"""What a clinician asks of a chart: which tests, medicines or problems, and what of them.

Every word of a question has to be understood. One that is not in the tables, a name of somebody
else, or two kinds of things at once, and there is no answer: half a question is never guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

from compliance.yamltext import read_yaml
from services.consult.record import words

MAX_CHARS = 300
"""Longest question, in characters."""
_DATA = Path(__file__).parent / "data/asking.yaml"
_YEAR = re.compile(r"(?:19|20)\d\d")

Subject = Literal["tests", "medicines", "classes", "conditions", "vaccines", "procedures", "topic"]


@dataclass(frozen=True)
class Asked:
    """A question taken apart.

    Attributes:
        subject: which kind of thing it is about; None where it names none, or two kinds.
        names: what it names of that kind, keys of the tables.
        said: the phrase of each key, as it stands in the question.
        intents: what is asked of it.
        year: the year it is about; with ``onward`` from its beginning on.
        onward: whether the year is where the time begins.
        unknown: words that were not understood, as typed without accents.
    """

    subject: Subject | None
    names: tuple[str, ...] = ()
    said: Mapping[str, str] = field(default_factory=dict)
    intents: frozenset[str] = frozenset()
    year: str | None = None
    onward: bool = False
    unknown: tuple[str, ...] = ()

    @property
    def understood(self) -> bool:
        """Whether every word was, and one kind of thing is meant."""
        return self.subject is not None and not self.unknown


@lru_cache(maxsize=1)
def _tables() -> tuple[frozenset[str], words.Phrases, words.Phrases]:
    loaded = read_yaml(_DATA.read_text("utf-8"))
    filler = frozenset(word for line in loaded["filler"] for word in line.split())
    intents, topics = words.Phrases(), words.Phrases()
    for made, name in ((intents, "intents"), (topics, "topics")):
        for key, phrases in loaded[name].items():
            made.add(key, phrases)
    return filler, intents, topics


def understand(question: str, names: Iterable[str] = ()) -> Asked:
    """Take a question apart.

    Args:
        question: as typed, in English or Spanish.
        names: of the person of the chart; they may stand in the question.
    """
    filler, intents, topics = _tables()
    text = words.fold(question[:MAX_CHARS])
    found, left = _subjects(text, topics)
    wanted = intents.find(left)
    left = _without(left, (phrase for phrase, _ in intents.mentions(left)))
    years = _YEAR.findall(left)
    mine = {part for name in names for part in words.fold(name).split()}
    unknown = [w for w in left.split() if w not in filler | mine and w not in years[:1]]
    kinds = list(found)
    subject = kinds[0] if len(kinds) == 1 else None
    if len(kinds) > 1:
        unknown += [phrase for kind in kinds for phrase in found[kind].values()]
    return Asked(
        subject,
        tuple(found[subject]) if subject else (),
        found[subject] if subject else {},
        frozenset(wanted),
        years[0] if years else None,
        bool(years) and bool(re.search(rf"\b(since|desde) {years[0]}\b", text)),
        tuple(dict.fromkeys(unknown)),
    )


def _subjects(text: str, topics: words.Phrases) -> tuple[dict[Subject, dict[str, str]], str]:
    """What a folded question names, by kind, and what is left of it.

    The longest phrase wins over all tables; of the same phrase the first table.
    """
    tables: tuple[tuple[Subject, words.Phrases], ...] = (
        ("topic", topics),
        ("tests", words.test_phrases()),
        ("classes", words.class_phrases()),
        ("medicines", words.medicine_phrases()),
        ("vaccines", words.vaccine_phrases()),
        ("procedures", words.procedure_phrases()),
        ("conditions", words.condition_phrases()),
    )
    mentions = [
        (phrase, rank, kind, keys)
        for rank, (kind, table) in enumerate(tables)
        for phrase, keys in table.mentions(text)
    ]
    found: dict[Subject, dict[str, str]] = {}
    left = text
    for phrase, _, kind, keys in sorted(mentions, key=lambda m: (-len(m[0].split()), m[1])):
        if re.search(rf"\b{phrase}\b", left):
            left = _without(left, [phrase])
            for key in keys:
                found.setdefault(kind, {}).setdefault(key, phrase)
    topic = found.get("topic", {})
    if set(topic) == {"allergies"} and set(found) <= {"topic", "medicines", "classes"}:
        return {"topic": topic}, left  # of one medicine too, all allergies are told
    narrowed = set(topic) & {"medicines", "vaccines", "procedures", "problems", "allergies"}
    if len(found) > 1 and topic and narrowed == set(topic) and _narrows(topic, found):
        found.pop("topic")  # "heart medicines", "flu vaccine": the other word says which
    return found, left


def _narrows(topic: Mapping[str, str], found: Mapping[Subject, Mapping[str, str]]) -> bool:
    fits = {"medicines": {"medicines", "classes"}, "vaccines": {"vaccines"}}
    fits |= {"procedures": {"procedures"}, "problems": {"conditions"}}
    others = {kind for kind in found if kind != "topic"}
    return all(others <= fits.get(name, set()) for name in topic)


def _without(text: str, phrases: Iterable[str]) -> str:
    for phrase in phrases:
        text = re.sub(rf"\b{re.escape(phrase)}\b", " ", text, count=1)
    return " ".join(text.split())
