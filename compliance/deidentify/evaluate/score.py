"""Counts over documents: what was found, what leaked, what was removed without need."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from math import sqrt
from typing import Literal

import regex

from compliance.deidentify import KnownIdentifiers

_Z = 1.959964
_WORD = regex.compile(r"[\p{L}\d]+")
Span = tuple[int, int, str]
"""Start, end, class."""


@dataclass(frozen=True, slots=True)
class Document:
    """A text and what is marked in it.

    Attributes:
        text: the text.
        spans: what should be found.
        language: of the text.
        known: the patient's record, where the set has one.
        excluded: what the set marks and nobody asks for: neither wanted nor unwanted.
    """

    text: str
    spans: tuple[Span, ...]
    language: Literal["en", "es"] = "en"
    known: KnownIdentifiers | None = None
    excluded: tuple[Span, ...] = ()

    def lowered(self) -> Document:
        """The document in lower case, letter by letter, so that offsets stay."""
        text = "".join(c.lower() if len(c.lower()) == 1 else c for c in self.text)
        return replace(self, text=text)


@dataclass(slots=True)
class Score:
    """Counts over one set of documents."""

    found: Counter[str] = field(default_factory=Counter)
    total: Counter[str] = field(default_factory=Counter)
    excluded: Counter[str] = field(default_factory=Counter)
    documents: int = 0
    leaking: int = 0
    refused: int = 0
    words: int = 0
    removed: int = 0

    def add(self, document: Document, covered: list[tuple[int, int]]) -> None:
        """Count one document by the spans that were masked."""
        text = document.text
        mask = _marked(text, covered)
        whole = [
            all(mask[i] for i in range(start, end) if text[i].isalnum())
            for start, end, _ in document.spans
        ]
        for (_, _, kind), hit in zip(document.spans, whole, strict=True):
            self.total[kind] += 1
            self.found[kind] += hit
        self.excluded.update(kind for _, _, kind in document.excluded)
        self.documents += 1
        self.leaking += not all(whole)
        told = _marked(text, [(s, e) for s, e, _ in (*document.spans, *document.excluded)])
        for word in _WORD.finditer(text):
            if not any(told[word.start() : word.end()]):
                self.words += 1
                self.removed += any(mask[word.start() : word.end()])

    def recall(self) -> float:
        """Share of identifiers found whole; 1 when there are none."""
        return self.found.total() / self.total.total() if self.total else 1.0

    def leak(self) -> float:
        """Share of documents with anything left."""
        return self.leaking / self.documents if self.documents else 0.0

    def over(self) -> float:
        """Share of the other words that were removed."""
        return self.removed / self.words if self.words else 0.0


def _marked(text: str, spans: list[tuple[int, int]]) -> bytearray:
    """A byte for each code point: 1 inside a span."""
    found = bytearray(len(text))
    for start, end in spans:
        found[start:end] = b"\1" * (end - start)
    return found


def wilson(hits: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share."""
    if not total:
        return 0.0, 1.0
    share, z2 = hits / total, _Z * _Z
    centre = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = _Z * sqrt(share * (1 - share) / total + z2 / (4 * total * total)) / (1 + z2 / total)
    return max(0.0, centre - half), min(1.0, centre + half)
