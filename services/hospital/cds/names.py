"""What an order is called, and which medicines it is known to hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.consult.record import words
from services.hospital.cds.tables import RXNORM, table

UNNAMED = "an order without a name"
_PICTURES = re.compile(r"(?i)\b(ct|computed tomography|angiogra\w+)\b")
_CONTRAST = re.compile(r"(?i)\b(contrast|dye)\b")
_WITHOUT = re.compile(r"(?i)\b(without|w/o|wo|no|non)\W*(iv |intravenous )?(contrast|dye)\b")
_PARTS = re.compile(r"(?<!\s)\s+(?:/|and)\s+|;", re.IGNORECASE)
"""A gap is looked at once, from its beginning: it may be as long as a name."""


@dataclass(frozen=True)
class Named:
    """A medicine as recorded.

    Attributes:
        name: what the record calls it.
        generics: names that the rules know.
        unknown: ingredients that they do not know.
    """

    name: str
    generics: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def classes(self) -> frozenset[str]:
        """The classes of all ingredients."""
        return frozenset().union(*(words.classes_of(g) for g in self.generics))

    @property
    def terms(self) -> frozenset[str]:
        """Everything that a rule may name it by."""
        return self.classes | frozenset(self.generics)


def named(concept: object) -> Named:
    """Read a CodeableConcept of a medicine: its text, displays, and codes without a display."""
    texts = list(dict.fromkeys(_texts(concept)))
    known = dict.fromkeys(g for text in texts for g in words.medicine_phrases().find(text))
    by_code = table("rxnorm")["codes"]
    coded = [by_code[c] for c in _codes(concept) if c in by_code]
    generics = tuple(dict.fromkeys([*known, *coded]))
    if not texts:
        return Named(coded[0] if coded else UNNAMED, generics, () if coded else (UNNAMED,))
    unknown = tuple(_unknown(texts[0], partly=bool(generics)))
    return Named(texts[0], generics, unknown if generics or unknown else (texts[0],))


def of_service(concept: object) -> Named:
    """Read what a service is called; of what it may give, only contrast is known."""
    texts = list(_texts(concept))
    given = any(_names_contrast(text) and not _WITHOUT.search(text) for text in texts)
    generics = ("contrast dye",) if given else ()
    return Named(texts[0] if texts else UNNAMED, generics, ())


def _names_contrast(text: str) -> bool:
    """Whether a picture is named, and contrast after it."""
    found = _PICTURES.search(text)
    return found is not None and _CONTRAST.search(text, found.end()) is not None


def as_known(concept: Mapping[str, Any]) -> dict[str, Any]:
    """The concept with the names of codes that came without any."""
    if next(_texts(concept), None) is not None:
        return dict(concept)
    return {**concept, "text": ", ".join(named(concept).generics)}


def _unknown(name: str, *, partly: bool) -> Iterator[str]:
    """The ingredients of a name in which no medicine of the rules is recognised."""
    for part in _PARTS.split(name):
        folded = words.fold(part)
        partner = partly and any(word in folded for word in table("rxnorm")["partners"])
        if folded and not partner and not words.medicine_phrases().find(part):
            yield part.strip()


def _texts(concept: object) -> Iterator[str]:
    if not isinstance(concept, Mapping):
        return
    for found in (concept.get("text"), *(c.get("display") for c in _codings(concept))):
        if isinstance(found, str) and found.strip():
            yield found


def _codes(concept: object) -> Iterator[str]:
    for coding in _codings(concept):
        if coding.get("system") == RXNORM and isinstance(coding.get("code"), str):
            yield coding["code"]


def _codings(concept: object) -> Iterator[Mapping[str, Any]]:
    found = concept.get("coding") if isinstance(concept, Mapping) else None
    yield from (c for c in found if isinstance(c, Mapping)) if isinstance(found, list) else ()
