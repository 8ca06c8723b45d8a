"""Whose eyes a search is made with: what they may look at, and whose record it is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, false, or_

from services.fhir.access import Access, Letter
from services.fhir.errors import FhirNotFoundError, FhirParameterError
from services.fhir.references import PERSONAL
from services.fhir.search.query import Plain, Query
from services.fhir.search.values import ReferenceValue, TokenValue
from services.fhir.visible import visible

_ONE_CHART = "name the patient: you may search one chart at a time"


@dataclass(frozen=True)
class View:
    """A caller, and the one patient that the request names.

    Attributes:
        access: of the caller.
        patient: id of the Patient to whose record everything is confined; None for no one's.
    """

    access: Access
    patient: str | None

    def gate(self, kind: str, row: Any) -> ColumnElement[bool]:
        """Return what may be asked of a resource that the search only steps over.

        Raises:
            ScopeError: the caller may not search that type.
            FhirParameterError: it would ask the charts of people who are not named.
        """
        self.access.require(kind, "s")
        if self._of_nobody(kind):
            raise FhirParameterError(_ONE_CHART)
        return visible(self.access, kind, "s", self.patient, row)

    def matches(self, kind: str, row: Any) -> ColumnElement[bool]:
        """Return what may be found."""
        return visible(self.access, kind, "s", self.patient, row)

    def comes_along(self, kind: str, row: Any) -> ColumnElement[bool]:
        """Return what may be given out beside the matches; a type that may not is left out."""
        letters: tuple[Letter, ...] = ("r", "s")
        if self._of_nobody(kind):
            return false()
        return or_(*(visible(self.access, kind, one, self.patient, row) for one in letters))

    def _of_nobody(self, kind: str) -> bool:
        """Whether a type is about people, and the caller has to name one and did not."""
        return self.access.relation is not None and self.patient is None and kind in PERSONAL


def view_of(query: Query, access: Access) -> View:
    """Return the view in which a query is answered.

    Raises:
        ScopeError: the caller may not search the type.
        FhirNotFoundError: it is about another person than the caller may see.
        FhirParameterError: the caller has to name one patient and names none.
        CaretierError: that of the relation, where the caller does not treat the patient.
    """
    access.require(query.kind, "s")
    named = named_patients(query)
    if access.patient is not None:
        if query.kind != "Patient" and named and access.patient not in named:
            raise FhirNotFoundError("there is no such patient for this caller")
        return View(access, access.patient)
    if access.relation is None:
        return View(access, None)
    patient = min(named) if len(named) == 1 else None
    access.require_named(query.kind, patient)
    return View(access, patient if query.kind in PERSONAL else None)


def named_patients(query: Query) -> set[str]:
    """Return the ids of the Patients whom a query asks for, by ``patient``, ``subject`` or id."""
    found = set()
    for criterion in query.criteria:
        if not isinstance(criterion, Plain):
            continue
        name = criterion.parameter.name
        for value in criterion.values:
            if isinstance(value, ReferenceValue) and name in {"patient", "subject"}:
                found |= {value.id} if value.kind == "Patient" else set()
            elif isinstance(value, TokenValue) and query.kind == "Patient" and name == "_id":
                found |= {value.code} if value.code and not criterion.modifier else set()
    return found
