"""What a caller of the REST API may see, and what is written down before they see it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from compliance.errors import CaretierError
from services.fhir.errors import FhirNotFoundError, FhirParameterError
from services.fhir.references import PERSONAL
from services.fhir.results import Entry

Interaction = Literal["read", "search", "history", "everything", "export", "de-identify"]
Letter = Literal["c", "r", "u", "d", "s"]
"""Create, read, update, delete, search: the letters of SMART's scopes."""
Key = tuple[str, str]
"""Type and id of a resource."""


class ScopeError(CaretierError):
    """The key's scopes do not cover this; nothing was read."""

    kind = "scope-missing"
    status = 403
    exit_code = 46
    remedy = "Ask an operator for a key with the scope, for example patient/*.rs."


@dataclass(frozen=True)
class Disclosure:
    """What is about to leave.

    Attributes:
        interaction: read of one resource, search, a whole record, or that without the person.
        what: ``Type/id``, or the type that was searched.
        patients: ids of the Patients whose data is in it, sorted.
        request: path and query below ``/fhir``; values of the query may name a person.
        entries: number of resources.
    """

    interaction: Interaction
    what: str
    patients: tuple[str, ...]
    request: str = ""
    entries: int = 1


@dataclass(frozen=True)
class Change:
    """What is about to be written.

    Attributes:
        interaction: what is done to the resource.
        what: ``Type/id``.
        patients: ids of the Patients in whose record it was or will be, sorted.
    """

    interaction: Literal["create", "update", "delete"]
    what: str
    patients: tuple[str, ...]


@dataclass(frozen=True)
class Grant:
    """Who asks and what they were granted, for work that goes on after the request.

    Attributes:
        client: stable id of the program; it never names another one later.
        scopes: that it was granted, separated by spaces.
    """

    client: str
    scopes: str


def _readable(_kind: str, letter: Letter) -> bool:
    return letter in {"r", "s"}


def _unnarrowed(_kind: str, _letter: Letter) -> tuple[str, ...]:
    return ()


def _unheard(_what: str) -> None:
    return None


def _nothing(*_told: Disclosure | Change) -> None:
    return None


@dataclass(frozen=True)
class Access:
    """What the authenticated caller may see.

    Attributes:
        patient: this person's record only; None for everybody's.
        allows: whether something may be done to resources of a type; reading only, by default.
        queries: searches (``category=vital-signs&status=final``) by which the scopes narrow a type;
            a resource must match one of them. Empty: the type is not narrowed.
        whole: whether a whole record may be given out; where types are withheld it may not.
        relation: raises for a Patient whose chart the caller may not open; None asks nothing.
        disclose: called before a body is built; when it raises, nothing is given out.
        change: called inside a transaction of writes with every `Change` of it; when it raises,
            nothing is written.
        refused: told of ``Type/id`` or ``fhir:Type`` that the caller asked for and may not have.
        grant: of the program; None for a person, for whom nothing goes on after the request.
        own: the person's own entry in the record (a Practitioner), which may be read whatever else
            may not; None where there is none, or nobody is to know.
    """

    patient: str | None = None
    allows: Callable[[str, Letter], bool] = _readable
    queries: Callable[[str, Letter], tuple[str, ...]] = _unnarrowed
    whole: bool = True
    relation: Callable[[str], None] | None = None
    disclose: Callable[[Disclosure], None] = _nothing
    change: Callable[..., None] = _nothing
    refused: Callable[[str], None] = _unheard
    grant: Grant | None = None
    own: Key | None = None

    def require(self, kind: str, letter: Letter) -> None:
        """Refuse a type that the scopes do not cover.

        Raises:
            ScopeError: they do not.
        """
        is_own = letter == "r" and self.own is not None and self.own[0] == kind
        if not self.allows(kind, letter) and not is_own:
            raise ScopeError("The scopes of this key do not cover this.")

    def require_whole(self, patient: str) -> None:
        """Refuse a whole record to a caller from whom a part of it would be withheld.

        Raises:
            ScopeError: the scopes cover some types only.
            FhirNotFoundError: it is another person's.
        """
        if self.patient not in {None, patient}:
            raise FhirNotFoundError("there is no such patient for this caller")
        if not self.whole:
            raise ScopeError("The scopes of this key cover a part of a record only.")
        self.require_relation([patient])

    def require_relation(self, patients: Iterable[str]) -> None:
        """Refuse data of a person whom the caller does not treat; errors are the relation's."""
        if self.relation is not None:
            for patient in patients:
                self.relation(patient)

    def require_named(self, kind: str, patient: str | None) -> None:
        """Ask a caller who may open some charts only whose record is searched.

        Raises:
            FhirParameterError: no patient is named; even a total would tell of others.
        """
        if self.relation is None or kind not in PERSONAL:
            return
        if patient is None:
            raise FhirParameterError("name the patient: you may search one chart at a time")
        self.require_relation([patient.removeprefix("Patient/")])

    def require_known(self, entries: Iterable[Entry], owners: Mapping[Key, frozenset[str]]) -> None:
        """Refuse what a caller who may open some charts only must not see.

        Args:
            entries: that were found.
            owners: whose record each of them is in, where it is in anybody's.

        Raises:
            FhirNotFoundError: it is about a person, and nobody can say about whom.
        """
        for entry in entries:
            self.require_theirs(entry.type, owners.get((entry.type, entry.id), frozenset()))

    def require_theirs(self, kind: str, patients: Iterable[str]) -> None:
        """Refuse a resource of a type that is in the record of these Patients, or of nobody.

        Raises:
            FhirNotFoundError: it is about a person, and nobody can say about whom.
        """
        if self.relation is None:
            return
        mine = sorted(patients)
        if not mine and kind in PERSONAL:
            raise FhirNotFoundError("there is no such resource for this caller")
        self.require_relation(mine)
