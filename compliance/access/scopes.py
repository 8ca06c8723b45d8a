"""Scopes of a key or token: SMART App Launch scopes for FHIR, plain words for everything else.

``patient/Observation.rs`` lets read (``r``) and search (``s``) the Observations of the patient to
whom the token is bound, ``user/Observation.rs`` those that the person who is signed in may see,
``system/*.cruds`` everybody's record, to read and to write. ``patient/Observation.rs?category=x``
narrows a type to what that search finds. The spellings of version 1 (``.read``, ``.write``, ``.*``)
are understood, and ``fhir.read`` means ``system/*.rs``. What is not understood grants nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from compliance.access.grants import ANY, Context, Grant, Letter
from compliance.errors import BadInputError

__all__ = ["LAUNCH_WORDS", "Grant", "Letter", "Scopes"]

LAUNCH_WORDS = frozenset(
    {
        *("launch", "launch/patient", "launch/encounter", "openid", "fhirUser", "profile"),
        *("offline_access", "online_access"),
    }
)
"""Scopes of an app launch that are for no resource."""
_WORD = re.compile(r"[a-z][a-z-]{0,39}(?:\.[a-z-]{1,40})?")
_READ_ALL = "fhir.read"


@dataclass(frozen=True)
class Scopes:
    """What a key or token allows.

    Attributes:
        words: plain scopes, ``chat`` for example, in the order in which they were given.
        grants: scopes for FHIR data, in that order.
        patient: whose record alone may be read; None for everybody's. Without one, ``patient/``
            scopes allow nothing.
    """

    words: tuple[str, ...] = ()
    grants: tuple[Grant, ...] = ()
    patient: str | None = None

    @classmethod
    def parse(cls, text: str, patient: str | None = None) -> Self:
        """Read scopes separated by spaces, all of which must be understood.

        Args:
            text: for example ``patient/*.rs chat``.
            patient: logical id of the Patient to whom they are bound, if any.

        Raises:
            BadInputError: one is not understood, or is for a patient while there is none.
        """
        found, unknown = cls.understood(text, patient)
        if unknown:
            raise BadInputError(
                "A scope is not understood.",
                remedy="Write patient/Type.rs, system/Type.cruds, fhir.read or chat.",
            )
        if patient is None and found.has_context("patient"):
            raise BadInputError("A patient/ scope needs the patient to whom the key is bound.")
        return found

    @classmethod
    def understood(cls, text: str, patient: str | None = None) -> tuple[Self, tuple[str, ...]]:
        """Read what is understood; returns the rest beside it."""
        words: list[str] = []
        grants: list[Grant] = []
        unknown: list[str] = []
        for scope in dict.fromkeys(text.split()):
            grant = Grant.read(scope)
            if grant is not None:
                grants.append(grant)
            elif scope in LAUNCH_WORDS or _WORD.fullmatch(scope):
                words.append(scope)
            else:
                unknown.append(scope)
        return cls(tuple(words), tuple(grants), patient), tuple(unknown)

    @property
    def text(self) -> str:
        """The scopes separated by one space."""
        return " ".join([*self.words, *map(str, self.grants)])

    def has(self, word: str) -> bool:
        """Whether a plain scope was given."""
        return word in self.words

    def has_context(self, context: Context) -> bool:
        """Whether there is a scope of this context."""
        return any(grant.context == context for grant in self.grants)

    def allows(self, kind: str, letter: Letter) -> bool:
        """Whether something may be done with resources of a type."""
        return any(grant.allows(kind, letter) for grant in self._live())

    def queries(self, kind: str, letter: Letter) -> tuple[str, ...]:
        """Searches one of which a resource must match; none where one scope does not narrow."""
        found = [grant.query for grant in self._live() if grant.allows(kind, letter)]
        return () if "" in found else tuple(dict.fromkeys(found))

    def only(self, chosen: Iterable[str]) -> Scopes:
        """Those among them that are spelled so."""
        wanted = frozenset(chosen)
        words = tuple(word for word in self.words if word in wanted)
        return Scopes(words, tuple(g for g in self.grants if str(g) in wanted), self.patient)

    def without(self, *contexts: Context) -> Scopes:
        """Those among them that are of no such context."""
        kept = tuple(grant for grant in self.grants if grant.context not in contexts)
        return Scopes(self.words, kept, self.patient)

    def common(self, allowed: Scopes) -> Scopes:
        """What both allow, in this one's order and spelling."""
        met = [m for grant in self.grants for other in allowed.grants if (m := grant.meet(other))]
        grants: list[Grant] = []
        for grant in dict.fromkeys(met):
            others = (other for other in met if other != grant)
            if not any(other.covers(grant) for other in others):
                grants.append(grant)
        words = tuple(word for word in self.words if word in allowed.words)
        return Scopes(words, tuple(grants), self.patient)

    def within(self, granted: Scopes) -> bool:
        """Whether nothing of this goes beyond what was granted."""
        covered = all(any(g.covers(mine) for g in granted.grants) for mine in self.grants)
        return covered and set(self.words) <= set(granted.words)

    @property
    def whole_record(self) -> bool:
        """Whether nothing of a record is withheld; a part must not pass for the whole."""
        return self.allows(ANY, "r") and self.allows(ANY, "s")

    @property
    def reads(self) -> bool:
        """Whether anything at all may be read over FHIR."""
        return any({"r", "s"} & set(grant.letters) for grant in self._live())

    @property
    def reaches_fhir(self) -> bool:
        """Whether anything at all may be done over FHIR."""
        return bool(self._live())

    def _live(self) -> tuple[Grant, ...]:
        """What grants something here: ``patient/`` does so with a patient only."""
        read_all = (Grant("system", ANY, "rs"),) if _READ_ALL in self.words else ()
        bound = (g for g in self.grants if self.patient or g.context != "patient")
        return (*bound, *read_all)
