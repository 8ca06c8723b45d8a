"""A statement taken apart, so that it can be set against another one.

Quantities are read by `services.bricks.ingest.claims`; beside them stand the words that could turn
a statement round (``data/relations.yaml``): negations, sides of an opposite, steps of a scale, and
whom it is limited to. A Spanish statement is put into rough English first, so that one set of
rules reads both languages, and a Spanish one against an English one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from services.bricks.ingest.claims import Claim
from services.bricks.words import STOPWORDS, stem, words
from services.consult.record import words as record
from services.consult.spanish import in_english
from services.hospital.opinions.lists import Words, relation_words
from services.hospital.opinions.terms import Span, Terms, terms

_NEGATION = frozenset("not no never cannot avoid avoids avoided avoiding nor nobody none".split())
_NOT = re.compile(r"\b(\w+)n['\u2019]t\b")
_GROUPS = {
    mark: re.compile(rf"(?<![\d.,])[1-9]\d{{0,2}}(?:{re.escape(mark)}\d{{3}})+(?![\d.,]*\d)")
    for mark in (",", ".")
}
"""Numbers in groups of thousands, by the mark between them: "1,250", and in Spanish "1.250"."""
_DECIMAL = re.compile(r"(?<=\d)[.,](?=\d)")
_TYPED = re.compile(r"\b(type|stage|grade|phase|hepatitis|vitamin) (\d|i{1,3}v?|[a-e])\b")
_COUNTED = {
    word: str(number)
    for number, word in enumerate(
        "two three four five six seven eight nine ten eleven twelve".split(), 2
    )
}
_COUNT = re.compile(rf"\b(?:{'|'.join(_COUNTED)})\b")
_POINT = "x9point9x"
"""Stands for a decimal point while a statement is put into English, which knows words alone."""
LONG = 3
"""Letters that are left of a word at least when its ending is cut off."""


@dataclass(frozen=True)
class Statement:
    """What one sentence says.

    Attributes:
        plain: its words in order, for two that are one but for case and punctuation.
        core: stems of what it speaks of.
        sides: pairs of opposites that it takes a side of, with the side.
        steps: its step on each scale that it stands on.
        limits: whom it is limited to.
        named: medicines, vaccines, tests and problems that it names.
        negations: how often it says "not".
        quantities: by dimension, each from and to, in the base unit; numbers: all others.
        conditions: stems of its conditions ("if the fever lasts"), with their negations.
        bounds: whether it holds only from or up to some number.
    """

    plain: tuple[str, ...]
    core: frozenset[str]
    sides: Mapping[int, int]
    steps: Mapping[str, int]
    limits: frozenset[str]
    named: frozenset[str]
    negations: int
    quantities: Mapping[str, tuple[Span, ...]]
    numbers: tuple[str, ...]
    conditions: frozenset[str]
    bounds: frozenset[str]

    @classmethod
    def of(cls, text: str) -> Statement:
        """Take a sentence apart."""
        lists = relation_words()
        english = _english(text)
        on = terms(english)
        claim = Claim.of(on.left)
        left, sides = _sides(claim.left, lists)
        said = words(left)
        return cls(
            plain=tuple(words(text)),
            core=frozenset(_root(w) for w in said if _tells(w, lists)),
            sides=sides,
            steps=dict(lists.steps[w] for w in words(claim.left) if w in lists.steps),
            limits=_limits(words(english), lists),
            named=_named(f"{text} {english}"),
            negations=_denied(said) - _denied(words(on.conditions)),
            quantities=claim.quantities | ({"every": on.every} if on.every else {}),
            numbers=tuple(sorted(w for w in said if w.isdigit())),
            conditions=_conditions(on, lists),
            bounds=on.bounds,
        )


def _english(text: str) -> str:
    """In English, with the phrases that are read as others put in their form."""
    lists = relation_words()
    whole = text.replace("\u2019", "'")
    given = re.findall(r"\w+", whole.lower())
    spanish = sum(w in lists.spanish for w in given) > sum(w in lists.english for w in given)
    mark = "." if spanish else ","
    whole = _GROUPS[mark].sub(lambda m: m[0].replace(mark, ""), whole)
    said = in_english(_DECIMAL.sub(_POINT, whole), surely=spanish).replace(_POINT, ".")
    plain = _NOT.sub(lambda m: "can not" if m[1] == "ca" else f"{m[1]} not", said.lower())
    told = lists.phrases.sub(lambda m: lists.same[m[0]], plain)
    return _TYPED.sub(r"\1\2", _COUNT.sub(lambda m: _COUNTED[m[0]], told))


def _sides(english: str, lists: Words) -> tuple[str, dict[int, int]]:
    """The rest of a text without its words of opposites, and the sides that it takes."""
    sides: dict[int, int] = {}
    both: set[int] = set()

    def take(found: re.Match[str]) -> str:
        for pair, side in lists.sides[found[0]]:
            both.update({pair} if sides.setdefault(pair, side) != side else ())
        return " "

    left = lists.opposed.sub(take, english)
    return left, {pair: side for pair, side in sides.items() if pair not in both}


def _root(word: str) -> str:
    """A word without the endings of number and tense."""
    plain = stem(word)
    ending = next((e for e in ("ing", "ed") if plain.endswith(e)), "")
    return plain.removesuffix(ending) if len(plain) - len(ending) > LONG else plain


def _limits(said: list[str], lists: Words) -> frozenset[str]:
    """Whom it is limited to; "type2" and its like among them."""
    people = {lists.limited[w] for w in said if w in lists.limited}
    return frozenset(people | {w for w in said if w[-1].isdigit() and not w[0].isdigit()})


def _named(text: str) -> frozenset[str]:
    """What a text names of the things that two statements can be about."""
    tables = (
        record.medicine_phrases(),
        record.class_phrases(),
        record.vaccine_phrases(),
        record.test_phrases(),
        record.condition_phrases(),
    )
    return frozenset(key for table in tables for _, keys in table.mentions(text) for key in keys)


def _conditions(on: Terms, lists: Words) -> frozenset[str]:
    """What tells the conditions of a statement from others'."""
    said = words(Claim.of(on.conditions).left)
    return frozenset(_root(w) for w in said if _tells(w, lists) or w in _NEGATION)


def _denied(said: list[str]) -> int:
    return sum(word in _NEGATION for word in said)


def _tells(word: str, lists: Words) -> bool:
    """Whether a word says what a statement is about."""
    kept = word in lists.steps or word in lists.limited or word in _NEGATION
    return not (kept or word in STOPWORDS or word in lists.filler or word[0].isdigit())
