"""Opens a chart: written down first, then read, then said."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from sqlalchemy import select

from compliance.errors import NotFoundError
from services.consult.record.trends import Trend
from services.fhir.models import ResourceRow, TokenRow
from services.fhir.validate import ID
from services.hospital.chart import events, listing, vaccines
from services.hospital.chart.asked import Answered, answered
from services.hospital.chart.attachments import Content, attachments, content
from services.hospital.chart.changes import changes
from services.hospital.chart.conflicts import conflicts
from services.hospital.chart.documents import ALL, Documents, Wanted, documents
from services.hospital.chart.gaps import gaps
from services.hospital.chart.models import PARTS, Line, Part, Section, Summary, Who
from services.hospital.chart.resource import Opened, Resources
from services.hospital.chart.results import results
from services.hospital.chart.source import Record, read_head, read_record, read_results, read_whole
from services.hospital.chart.timeline import Timeline, timeline
from services.hospital.chart.trends import trends
from services.hospital.chart.view import View
from services.hospital.chart.years import EVERYTHING, Shown, read_year
from services.hospital.models import User
from services.store.database import Database

Read = TypeVar("Read")
_BUILD: Mapping[Part, Callable[[View], Iterator[Line] | list[Line]]] = {
    "problems": listing.problems,
    "medicines": listing.medicines,
    "allergies": listing.allergies,
    "results": results,
    "immunizations": vaccines.immunizations,
    "visits": events.visits,
    "procedures": events.procedures,
    "appointments": events.appointments,
    "referrals": events.referrals,
}


class Charts:
    """The charts of one hospital.

    Args:
        database: with the tables of ``services.fhir``.
        audit: called with reader, ``Patient/id`` and the reader's network address before anything
            is read; when it raises, nothing is shown.
        relation: called with reader, id and address before that; raises for a chart that the reader
            may not open. None where nothing is asked.
    """

    def __init__(
        self,
        database: Database,
        audit: Callable[[User, str, str | None], None],
        relation: Callable[[User, str, str | None], None] | None = None,
    ) -> None:
        self._database, self._audit, self._relation = database, audit, relation

    def find(self, number: str) -> str | None:
        """The only Patient with this id or identifier; None where it is nobody's, or two people's.

        One person's id may be another's number: neither chart is opened then.
        """
        with self._database.reading() as session:
            known = ID.fullmatch(number) and session.get(ResourceRow, ("Patient", number))
            query = select(TokenRow.source_id).where(
                TokenRow.source_type == "Patient",
                TokenRow.parameter == "identifier",
                TokenRow.code == number,
            )
            found = {*session.scalars(query.distinct().limit(2)), *([number] if known else ())}
        return found.pop() if len(found) == 1 else None

    def open(
        self,
        user: User,
        patient: str,
        say: Callable[..., str],
        language: str,
        today: date | None = None,
        *,
        client: str | None = None,
    ) -> Summary:
        """Summarise one person's record for a reader.

        Args:
            user: who reads.
            patient: logical id of the Patient.
            say: sentences of the catalogue, by whole key.
            language: of the reader.
            today: the day; that of the clock (UTC) when None.
            client: network address of the reader.

        Raises:
            NotFoundError: there is no such Patient.
            NoRelationError: the reader does not treat this patient.
            AuditError: it could not be written down.
        """
        self._admit(user, patient, client)
        day = today or datetime.now(UTC).date()
        return summarise(_there(read_record(self._database, patient, day)), day, say, language)

    def trends(
        self,
        user: User,
        patient: str,
        say: Callable[..., str],
        language: str,
        today: date | None = None,
        *,
        client: str | None = None,
    ) -> tuple[Who, list[Trend]]:
        """The person's results over time, for a reader; see `open`."""
        self._admit(user, patient, client)
        day = today or datetime.now(UTC).date()
        record = _there(read_results(self._database, patient, day))
        view = _view(record, day, say, language)
        return _who(view), trends(view)

    def timeline(
        self,
        user: User,
        patient: str,
        say: Callable[..., str],
        language: str,
        today: date | None = None,
        *,
        client: str | None = None,
        shown: Shown = EVERYTHING,
    ) -> tuple[Who, Timeline]:
        """What happened in a year of the person's record, for a reader; see `open`."""
        self._admit(user, patient, client)
        day = today or datetime.now(UTC).date()
        year = _there(read_year(self._database, patient, day, shown))
        view = _view(year.record, day, say, language)
        return self._head(patient, day, say, language), timeline(view, year)

    def ask(
        self,
        user: User,
        patient: str,
        say: Callable[..., str],
        language: str,
        today: date | None = None,
        *,
        client: str | None = None,
        question: str = "",
        before: str = "",
    ) -> tuple[Who, Answered]:
        """Answer a question from the person's record alone, for a reader; see `open`.

        Args:
            user: who asks.
            patient: logical id of the Patient.
            say: sentences of the catalogue, by whole key.
            language: of the reader.
            today: the day; that of the clock (UTC) when None.
            client: network address of the reader.
            question: as typed; without one there are only suggestions.
            before: the question before it, which a question that names nothing goes on from.
        """
        self._admit(user, patient, client)
        day = today or datetime.now(UTC).date()
        view = _view(_there(read_whole(self._database, patient, day)), day, say, language)
        return _who(view), answered(view, question, before)

    def documents(
        self,
        user: User,
        patient: str,
        say: Callable[..., str],
        language: str,
        *,
        client: str | None = None,
        wanted: Wanted = ALL,
    ) -> tuple[Who, Documents]:
        """The documents of the person's record, the newest first; see `open`."""
        self._admit(user, patient, client)
        found = documents(self._database, patient, wanted)
        return self._head(patient, datetime.now(UTC).date(), say, language), found

    def resource(
        self,
        user: User,
        patient: str,
        say: Callable[..., str],
        language: str,
        *,
        key: tuple[str, str],
        version: int | None = None,
        client: str | None = None,
    ) -> tuple[Who, Opened]:
        """One resource of the person's record, for a reader; see `open`.

        Args:
            user: who reads.
            patient: logical id of the Patient.
            say: sentences of the catalogue, by whole key.
            language: of the reader.
            key: type and id of the resource.
            version: its version; the newest for None.
            client: network address of the reader.

        Raises:
            NotFoundError: nothing such is in this person's record, nor named by it.
        """
        self._admit(user, patient, client)
        found = _there(self.resources(patient).open(*key, say, version))
        return self._head(patient, datetime.now(UTC).date(), say, language), found

    def attachment(
        self, user: User, patient: str, key: tuple[str, str], number: int, client: str | None = None
    ) -> Content:
        """What is attached to a resource of the person's record; see `resource`."""
        self._admit(user, patient, client)
        resources = self.resources(patient)
        held = list(attachments(_there(resources.read(*key))))
        one = _there(held[number] if number < len(held) else None)
        return content(one, resources.read("Binary", one.binary) if one.binary else None)

    def resources(self, patient: str) -> Resources:
        """The resources of one person's record; only for who was admitted."""
        return Resources(self._database, patient)

    def _head(self, patient: str, today: date, say: Callable[..., str], language: str) -> Who:
        """Who stands above every page of a chart."""
        return _who(_view(_there(read_head(self._database, patient)), today, say, language))

    def _admit(self, user: User, patient: str, client: str | None) -> None:
        """Let a reader open a chart, and write it down before anything is read."""
        with self._database.reading() as session:
            known = ID.fullmatch(patient) and session.get(ResourceRow, ("Patient", patient))
        if not known:
            raise NotFoundError("There is no such patient.")
        if self._relation is not None:
            self._relation(user, patient, client)
        self._audit(user, f"Patient/{patient}", client)


def _there(found: Read | None) -> Read:
    if found is None:
        raise NotFoundError("There is no such patient.")
    return found


def _view(record: Record, today: date, say: Callable[..., str], language: str) -> View:
    return View(record, today, lambda key, **values: say(f"chart.{key}", **values), language)


def summarise(record: Record, today: date, say: Callable[..., str], language: str) -> Summary:
    """Say everything about a record; see the package."""
    view = _view(record, today, say, language)
    return Summary(
        who=_who(view),
        as_of=today,
        conflicts=tuple(conflicts(view)),
        gaps=tuple(gaps(view)),
        changes=changes(view),
        sections=tuple(_section(view, part) for part in PARTS),
        left_out=dict(sorted(record.left_out.items())),
    )


def _section(view: View, part: Part) -> Section:
    lines = tuple(_BUILD[part](view))
    return Section(
        id=part,
        title=view.say(f"part.{part}"),
        lines=lines,
        empty=None if lines else view.say(f"empty.{part}"),
    )


def _who(view: View) -> Who:
    patient = view.record.patient
    return Who(
        reference=view.whole,
        name=name_of(patient) or view.say("unnamed"),
        born=patient.get("birthDate"),
        age=view.chart.person.age_years,
        sex=patient.get("gender"),
        deceased=patient.get("deceasedBoolean") is True or "deceasedDateTime" in patient,
        identifiers=tuple(str(i["value"]) for i in patient.get("identifier", ()) if i.get("value")),
        allergies=tuple(dict.fromkeys(a.name for a in view.chart.allergies if a.name)),
    )


def name_of(patient: Mapping[str, Any]) -> str:
    """The official name, else the first one."""
    names = sorted(patient.get("name", ()), key=lambda name: name.get("use") != "official")
    if not names:
        return ""
    parts = [*names[0].get("given", ()), names[0].get("family", "")]
    return str(names[0].get("text") or " ".join(p for p in parts if p))
