"""One SMART scope for FHIR data, ``patient/Observation.rs?category=…``, read and compared."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Literal, Self

Letter = Literal["c", "r", "u", "d", "s"]
"""Create, read, update, delete, search."""
Context = Literal["patient", "user", "system"]
"""Whose access it is: within one record, a person's own, or a program's."""

ANY = "*"
_OLD = {"read": "rs", "write": "cud", "*": "cruds"}
"""Spellings of version 1, and the letters that they stand for."""
_SCOPE = re.compile(
    r"(?P<context>patient|user|system)/(?P<kind>\*|[A-Z][A-Za-z]{2,63})"
    r"\.(?P<letters>read|write|\*|(?=[cruds])c?r?u?d?s?)(?:\?(?P<query>.+))?"
)
_TERM = r"[A-Za-z_][A-Za-z-]*=[!#-%'-<>-\[\]-~]+"
_QUERY = re.compile(rf"{_TERM}(?:&{_TERM})*")
"""No chain and no modifier: what a scope means must not hang on another resource."""


@dataclass(frozen=True)
class Grant:
    """What one scope lets do.

    Attributes:
        context: patient, user or system.
        kind: resource type, or ``*``.
        letters: some of ``cruds``, in that order.
        query: search that a resource must match; empty where the type is not narrowed.
        spelling: as it was asked for; in version 1's words, perhaps.
    """

    context: Context
    kind: str
    letters: str
    query: str = ""
    spelling: str = field(default="", compare=False)

    @classmethod
    def read(cls, scope: str) -> Self | None:
        """What a scope means; None when it is none for FHIR data, or not understood."""
        found = _SCOPE.fullmatch(scope)
        if found is None:
            return None
        kind, query = found["kind"], found["query"] or ""
        if query and (kind == ANY or not _QUERY.fullmatch(query)):
            return None
        letters = _OLD.get(found["letters"], found["letters"])
        return cls(found["context"], kind, letters, query, scope)  # type: ignore[arg-type]

    def __str__(self) -> str:
        if self.spelling:
            return self.spelling
        narrowed = f"?{self.query}" if self.query else ""
        return f"{self.context}/{self.kind}.{self.letters}{narrowed}"

    def allows(self, kind: str, letter: Letter) -> bool:
        """Whether it lets do something with resources of a type."""
        return letter in self.letters and self.kind in {kind, ANY}

    def covers(self, other: Grant) -> bool:
        """Whether this allows everything that the other one does."""
        return (
            self.context == other.context
            and self.kind in {other.kind, ANY}
            and set(other.letters) <= set(self.letters)
            and self.query in {"", other.query}
        )

    def meet(self, other: Grant) -> Grant | None:
        """What both allow; None when that is nothing."""
        kinds = {self.kind, other.kind} - {ANY}
        letters = "".join(letter for letter in self.letters if letter in other.letters)
        if self.context != other.context or len(kinds) > 1 or not letters:
            return None
        if other.covers(self):
            return self
        queries = dict.fromkeys(query for query in (self.query, other.query) if query)
        return replace(
            self,
            kind=next(iter(kinds), ANY),
            letters=letters,
            query="&".join(queries),  # of a search, every term must hold
            spelling="",
        )
