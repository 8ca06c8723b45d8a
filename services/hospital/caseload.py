"""Whom a clinician treats, to choose one of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import aliased

from services.fhir.models import ReferenceRow, ResourceRow
from services.hospital.models import User
from services.hospital.relations import Relations
from services.hospital.treatment import OPEN_STATES
from services.store.database import Database

MOST = 100
"""People that are offered; others are found by their number."""


@dataclass(frozen=True)
class Person:
    """Somebody who is treated: id of the Patient, name and date of birth as recorded."""

    id: str
    name: str
    born: str


@dataclass(frozen=True)
class Visit:
    """One Encounter: its id, what it is and its day."""

    id: str
    name: str
    day: str
    running: bool


class Caseload:
    """The patients of the clinicians of one hospital.

    Args:
        database: with the tables of ``services.fhir``.
        relations: that say who may open whose chart.
    """

    def __init__(self, database: Database, relations: Relations) -> None:
        self._database, self._relations = database, relations

    def people(self, user: User) -> list[Person]:
        """Whom this clinician treats, by name."""
        named = self._named((user.acts_as or "").split())
        treated = [id_ for id_ in named if self._relations.basis(user, id_)][:MOST]
        found = (self.person(id_) for id_ in treated)
        return sorted((one for one in found if one), key=lambda one: one.name)

    def person(self, id_: str) -> Person | None:
        """One person by id; None where there is nobody."""
        with self._database.reading() as session:
            row = session.get(ResourceRow, ("Patient", id_))
        if row is None:
            return None
        resource = json.loads(row.body)
        return Person(id_, _name(resource), str(resource.get("birthDate", "")))

    def visits(self, patient: str) -> list[Visit]:
        """The visits of a patient, the newest first."""
        inside = select(ReferenceRow.source_id).where(
            ReferenceRow.source_type == "Encounter",
            ReferenceRow.target_type == "Patient",
            ReferenceRow.target_id == patient,
            ReferenceRow.compartment == 1,
        )
        query = select(ResourceRow.body).where(
            ResourceRow.type == "Encounter", ResourceRow.id.in_(inside)
        )
        with self._database.reading() as session:
            found = [_visit(json.loads(body)) for body in session.scalars(query)]
        return sorted(found, key=lambda one: one.day, reverse=True)[:MOST]

    def _named(self, staff: Sequence[str]) -> list[str]:
        """Ids of patients whose record names one of the staff where treatment is said."""
        pairs = [reference.partition("/")[::2] for reference in staff]
        if not pairs:
            return []
        mine, theirs = aliased(ReferenceRow), aliased(ReferenceRow)
        is_me = or_(*(and_(mine.target_type == kind, mine.target_id == id_) for kind, id_ in pairs))
        said = (
            select(theirs.target_id)
            .join(
                mine,
                and_(mine.source_type == theirs.source_type, mine.source_id == theirs.source_id),
            )
            .where(
                theirs.target_type == "Patient",
                theirs.compartment == 1,
                theirs.source_type.in_(OPEN_STATES),
                is_me,
            )
        )
        own = select(mine.source_id).where(mine.source_type == "Patient", is_me)
        with self._database.reading() as session:
            return sorted({*session.scalars(said.distinct()), *session.scalars(own.distinct())})


def _name(patient: dict[str, Any]) -> str:
    names = patient.get("name") or [{}]
    first = next((n for n in names if n.get("use") in {"official", "usual"}), names[0])
    given = " ".join(map(str, first.get("given", ())))
    return str(first.get("text") or f"{given} {first.get('family', '')}".strip() or patient["id"])


def _visit(encounter: dict[str, Any]) -> Visit:
    kinds = encounter.get("type") or [{}]
    coding = (kinds[0].get("coding") or [{}])[0]
    name = kinds[0].get("text") or coding.get("display") or encounter.get("class", {}).get("code")
    return Visit(
        id=str(encounter["id"]),
        name=str(name or encounter["id"]),
        day=str(encounter.get("period", {}).get("start", ""))[:10],
        running=encounter.get("status") == "in-progress",
    )
