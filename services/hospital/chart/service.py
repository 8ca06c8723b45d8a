"""Opens a chart: written down first, then read, then said."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import select

from compliance.errors import NotFoundError
from services.fhir.models import ResourceRow, TokenRow
from services.fhir.validate import ID
from services.hospital.chart.asked import Answered, answered
from services.hospital.chart.attachments import Content, attachments, content
from services.hospital.chart.documents import ALL, Documents, Wanted, documents
from services.hospital.chart.models import Summary, Who
from services.hospital.chart.reader import Reader
from services.hospital.chart.resource import Opened, Resources
from services.hospital.chart.source import read_head, read_record, read_results, read_whole
from services.hospital.chart.summary import summarise, who
from services.hospital.chart.timeline import Timeline, timeline
from services.hospital.chart.trends import Trends, trends
from services.hospital.chart.years import EVERYTHING, Shown, read_year
from services.hospital.models import User
from services.store.database import Database

Read = TypeVar("Read")


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

    def open(self, reader: Reader, patient: str) -> Summary:
        """Summarise one person's record for a reader.

        Args:
            reader: who reads.
            patient: logical id of the Patient.

        Raises:
            NotFoundError: there is no such Patient.
            NoRelationError: the reader does not treat this patient.
            AuditError: it could not be written down.
        """
        self._admit(reader, patient)
        return summarise(reader.view(_there(read_record(self._database, patient, reader.day))))

    def trends(self, reader: Reader, patient: str) -> tuple[Who, Trends]:
        """The person's results over time, for a reader; see `open`."""
        self._admit(reader, patient)
        view = reader.view(_there(read_results(self._database, patient, reader.day)))
        return who(view), trends(view)

    def timeline(
        self, reader: Reader, patient: str, shown: Shown = EVERYTHING
    ) -> tuple[Who, Timeline]:
        """What happened in a year of the person's record, for a reader; see `open`."""
        self._admit(reader, patient)
        year = _there(read_year(self._database, patient, reader.day, shown))
        return self._head(reader, patient), timeline(reader.view(year.record), year)

    def ask(
        self, reader: Reader, patient: str, question: str = "", before: str = ""
    ) -> tuple[Who, Answered]:
        """Answer a question from the person's record alone, for a reader; see `open`.

        Args:
            reader: who asks.
            patient: logical id of the Patient.
            question: as typed; without one there are only suggestions.
            before: the question before it, which a question that names nothing goes on from.
        """
        self._admit(reader, patient)
        view = reader.view(_there(read_whole(self._database, patient, reader.day)))
        return who(view), answered(view, question, before)

    def documents(
        self, reader: Reader, patient: str, wanted: Wanted = ALL
    ) -> tuple[Who, Documents]:
        """The documents of the person's record, the newest first; see `open`."""
        self._admit(reader, patient)
        return self._head(reader, patient), documents(self._database, patient, wanted)

    def resource(
        self, reader: Reader, patient: str, key: tuple[str, str], version: int | None = None
    ) -> tuple[Who, Opened]:
        """One resource of the person's record, for a reader; see `open`.

        Args:
            reader: who reads.
            patient: logical id of the Patient.
            key: type and id of the resource.
            version: its version; the newest for None.

        Raises:
            NotFoundError: nothing such is in this person's record, nor named by it.
        """
        self._admit(reader, patient)
        found = _there(self.resources(patient).open(*key, reader.say, version))
        return self._head(reader, patient), found

    def attachment(
        self, reader: Reader, patient: str, key: tuple[str, str], number: int
    ) -> Content:
        """What is attached to a resource of the person's record; see `resource`."""
        self._admit(reader, patient)
        resources = self.resources(patient)
        held = list(attachments(_there(resources.read(*key))))
        one = _there(held[number] if number < len(held) else None)
        return content(one, resources.read("Binary", one.binary) if one.binary else None)

    def resources(self, patient: str) -> Resources:
        """The resources of one person's record; only for who was admitted."""
        return Resources(self._database, patient)

    def _head(self, reader: Reader, patient: str) -> Who:
        """Who stands above every page of a chart."""
        return who(reader.view(_there(read_head(self._database, patient))))

    def _admit(self, reader: Reader, patient: str) -> None:
        """Let a reader open a chart, and write it down before anything is read."""
        with self._database.reading() as session:
            known = ID.fullmatch(patient) and session.get(ResourceRow, ("Patient", patient))
        if not known:
            raise NotFoundError("There is no such patient.")
        if self._relation is not None:
            self._relation(reader.user, patient, reader.client)
        self._audit(reader.user, f"Patient/{patient}", reader.client)


def _there(found: Read | None) -> Read:
    if found is None:
        raise NotFoundError("There is no such patient.")
    return found
