"""Scopes of a key: SMART App Launch scopes for FHIR, plain words for everything else.

``patient/Observation.rs`` lets read (``r``) and search (``s``) the Observations of the patient to
whom the key is bound, ``system/*.rs`` everybody's record. The older spelling ``system/*.read`` is
understood, and ``fhir.read`` means ``system/*.rs``. What is not understood grants nothing, and a
key with it is not made at all: a scope narrowed by a query (``…?category=…``) must not be taken for
the wider one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, Self

from compliance.errors import BadInputError

Letter = Literal["c", "r", "u", "d", "s"]
"""Create, read, update, delete, search."""

_FHIR = re.compile(r"(patient|system)/(\*|[A-Z][A-Za-z]{2,63})\.(read|(?=.)c?r?u?d?s?)")
_WORD = re.compile(r"[a-z][a-z-]{0,39}(?:\.[a-z-]{1,40})?")
_READ_ALL = "fhir.read"


@dataclass(frozen=True)
class Scopes:
    """What a key allows.

    Attributes:
        text: the scopes as they were given, separated by one space.
        words: plain scopes, ``chat`` for example.
        grants: pairs of resource type (or ``*``) and letter.
        patient: whose record alone may be read; None for everybody's.
    """

    text: str
    words: frozenset[str]
    grants: frozenset[tuple[str, str]]
    patient: str | None = None

    @classmethod
    def parse(cls, text: str, patient: str | None = None) -> Self:
        """Read scopes separated by spaces.

        Args:
            text: for example ``patient/*.rs chat``.
            patient: logical id of the Patient to whom the key is bound, if any.

        Raises:
            BadInputError: one is not understood, or is for a patient while there is none.
        """
        words: set[str] = set()
        grants: set[tuple[str, str]] = set()
        for scope in text.split():
            found = _FHIR.fullmatch(scope)
            if found is None:
                if not _WORD.fullmatch(scope):
                    raise BadInputError(
                        "A scope is not understood.",
                        remedy="Write patient/Type.rs, system/Type.rs, fhir.read or chat.",
                    )
                words.add(scope)
                continue
            context, kind, letters = found.groups()
            if context == "patient" and patient is None:
                raise BadInputError("A patient/ scope needs the patient to whom the key is bound.")
            grants |= {(kind, letter) for letter in ("rs" if letters == "read" else letters)}
        if _READ_ALL in words:
            grants |= {("*", "r"), ("*", "s")}
        return cls(" ".join(text.split()), frozenset(words), frozenset(grants), patient)

    def has(self, word: str) -> bool:
        """Whether a plain scope was given."""
        return word in self.words

    def allows(self, kind: str, letter: Letter) -> bool:
        """Whether resources of a type may be read or searched."""
        return not self.grants.isdisjoint({(kind, letter), ("*", letter)})

    @property
    def whole_record(self) -> bool:
        """Whether nothing of a record is withheld; a part must not pass for the whole."""
        return {("*", "r"), ("*", "s")} <= self.grants

    @property
    def reads(self) -> bool:
        """Whether anything at all may be read over FHIR."""
        return any(letter in {"r", "s"} for _, letter in self.grants)
