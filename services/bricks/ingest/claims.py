"""What a sentence claims, as far as two sentences can be set against one another.

Quantities are brought to one unit (4 g and 4,000 mg are one), numbers and negations are taken out
of the words, and what a claim is limited to (children, adults, type 2) is kept apart: sentences on
different people do not contradict one another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.bricks.words import STOPWORDS, fold, stem

ALIKE = 0.5
"""Share of common words from which two sentences speak of the same quantity."""
NEARLY_IDENTICAL = 0.75
"""Share of common words from which "should" and "should not" contradict one another."""
LENGTH = 3
"""By so many words they may differ in length then."""
COMMON = 4
"""So many words must be common at least, the small ones counted."""

_NUMBERS = dict(
    zip(
        "one two three four five six seven eight nine ten eleven twelve".split(),
        range(1, 13),
        strict=True,
    )
)
_UNITS = {
    "mcg": ("mass", 0.001),
    "microgram": ("mass", 0.001),
    "mg": ("mass", 1.0),
    "milligram": ("mass", 1.0),
    "g": ("mass", 1000.0),
    "gram": ("mass", 1000.0),
    "kg": ("mass", 1e6),
    "ml": ("volume", 1.0),
    "milliliter": ("volume", 1.0),
    "liter": ("volume", 1000.0),
    "teaspoon": ("volume", 5.0),
    "tablespoon": ("volume", 15.0),
    "minute": ("time", 1.0),
    "hour": ("time", 60.0),
    "day": ("time", 1440.0),
    "week": ("time", 10080.0),
    "month": ("time", 43800.0),
    "year": ("time", 525600.0),
    "percent": ("share", 1.0),
    "%": ("share", 1.0),
    "mmhg": ("mmHg", 1.0),
    "mm hg": ("mmHg", 1.0),
    "time": ("times", 1.0),
    "tablet": ("tablets", 1.0),
    "pill": ("tablets", 1.0),
    "capsule": ("tablets", 1.0),
    "drink": ("drinks", 1.0),
    "unit": ("units", 1.0),
    "f": ("degrees F", 1.0),
    "c": ("degrees C", 1.0),
}
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|" + "|".join(_NUMBERS)
_NAMES = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
_QUANTITY = re.compile(
    rf"(?<![\w.,/-])({_NUMBER})(?:\s*(?:to|or|and|-|\u2013)\s*({_NUMBER}))?"
    rf"[\s-]*(?:degrees?\s*|°\s*)?({_NAMES})s?(?![\w-])(\s*/\s*\w+)?(\s+(?:old|of age))?"
)
_AGE = re.compile(
    rf"\bage[sd]?\s+(?:of\s+)?({_NUMBER})(?:\s*(?:to|and|-|\u2013)\s*({_NUMBER}))?(?!\s*[\w-]*\d)"
)
_NEGATION = re.compile(
    r"\b(?:not|no|never|cannot|avoid(?:ed|ing)?|unsafe|ineffective|unlikely)\b"
    r"|\b(?:ca|do|does|did|is|are|was|were|has|have|should|would|could|must|wo)n['\u2019]?t\b"
)
_LIMITS = frozenset(
    """child children adult adults baby babies infant infants newborn newborns toddler teen teens
    teenager teenagers older elderly younger man men woman women male female pregnant pregnancy
    breastfeeding kidney liver mild moderate severe acute chronic type stage first second third
    least most maximum minimum before after morning night high low""".split()
)
_TYPED = re.compile(r"\b(type|stage|grade|phase|hepatitis|vitamin) (\d|i{1,3}v?|[a-e])\b")
_WORD = re.compile(r"[a-z]+\d?")


@dataclass(frozen=True)
class Claim:
    """A sentence taken apart.

    Attributes:
        words: stems that carry meaning, without numbers, units and negations.
        said: all words but numbers, units and negations.
        limits: words that say to whom or what it is limited.
        quantities: dimension to the values in their order, each from and to, in the base unit.
        negated: whether it says "not" anywhere; length: words of all kinds.
        left: it in folded letters, without its quantities.
    """

    text: str
    words: frozenset[str]
    said: frozenset[str]
    limits: frozenset[str]
    quantities: dict[str, tuple[tuple[float, float], ...]]
    negated: bool
    length: int
    left: str

    @classmethod
    def of(cls, text: str) -> Claim:
        """Take a sentence apart."""
        plain = _TYPED.sub(r"\1\2", fold(text))
        quantities: dict[str, list[tuple[float, float]]] = {}
        for dimension, value in (*_measures(plain), *_ages(plain)):
            quantities.setdefault(dimension, []).append(value)
        left = _AGE.sub(" ", _QUANTITY.sub(" ", plain))
        said = _WORD.findall(_NEGATION.sub(" ", left))
        return cls(
            text,
            frozenset(stem(w) for w in said if w not in STOPWORDS and not _limits(w)),
            frozenset(said),
            frozenset(w for w in said if _limits(w)),
            {name: tuple(values) for name, values in quantities.items()},
            _NEGATION.search(plain) is not None,
            len(plain.split()),
            left,
        )


def _limits(word: str) -> bool:
    return word in _LIMITS or word[-1].isdigit()  # type2, stage3


def _measures(plain: str) -> list[tuple[str, tuple[float, float]]]:
    out = []
    for low, high, unit, per, old in _QUANTITY.findall(plain):
        dimension, factor = _UNITS[unit]
        name = "age" if old and dimension == "time" else dimension
        out.append((f"{name}{per.replace(' ', '')}", _span(low, high, factor)))
    return out


def _ages(plain: str) -> list[tuple[str, tuple[float, float]]]:
    factor = _UNITS["year"][1]
    return [
        ("age", _span(m[1], m[2] or "", factor))
        for m in _AGE.finditer(plain)
        if not _QUANTITY.match(plain, m.start(1))
    ]


def _span(low: str, high: str, factor: float) -> tuple[float, float]:
    first = _value(low) * factor
    return first, _value(high) * factor if high else first


def _value(number: str) -> float:
    return float(_NUMBERS[number] if number in _NUMBERS else number.replace(",", ""))


def contradiction(a: Claim, b: Claim) -> tuple[str, str] | None:
    """How two claims on the same matter contradict one another: kind and detail, or None."""
    common = a.words & b.words
    share = len(common) / max(1, len(a.words | b.words))
    if share < ALIKE or len(a.said & b.said) < COMMON or a.limits != b.limits:
        return None
    for name in sorted(a.quantities.keys() & b.quantities.keys()):
        if _differ(a.quantities[name], b.quantities[name]):
            return "numbers", name
    alike = share >= NEARLY_IDENTICAL and abs(a.length - b.length) <= LENGTH
    if alike and a.negated != b.negated and a.quantities == b.quantities:
        return "polarity", "one says not"
    return None


def _differ(a: tuple[tuple[float, float], ...], b: tuple[tuple[float, float], ...]) -> bool:
    """Whether values differ, and neither side only says more than the other."""
    return not (set(a) <= set(b) or set(b) <= set(a))
