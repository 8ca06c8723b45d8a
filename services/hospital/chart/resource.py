"""One resource of one person's record: the version that is asked for, in words and as it came."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from services.fhir._history import Asked
from services.fhir.access import Access
from services.fhir.models import ResourceRow
from services.fhir.store import FhirStore
from services.fhir.validate import ID, resource_types
from services.fhir.visible import of_record
from services.hospital.chart.attachments import Attachment, attachments
from services.hospital.chart.described import Row, Say, describe, references
from services.hospital.chart.narrative import text_of
from services.store.database import Database

MOST_VERSIONS = 50
MAX_RAW_CHARS = 200_000
"""Longest JSON text that stands in a page."""


@dataclass(frozen=True)
class Edition:
    """One version of a resource: its number, when it was written, whether it says something."""

    number: int
    written: datetime
    deleted: bool


@dataclass(frozen=True)
class Opened:
    """A resource as its page shows it.

    Attributes:
        kind: type of resource.
        id: logical id.
        resource: as it came; decimals as they were written.
        version: number of the version shown.
        written: when that version was written.
        versions: those of this record, the newest first.
        rows: every element in words.
        narrative: words of the narrative, "" where there is none.
        raw: JSON text; "" where it is too long for a page.
        known: references of the rows that may be opened in this record.
        attachments: what is attached.
    """

    kind: str
    id: str
    resource: Mapping[str, Any]
    version: int
    written: datetime
    versions: tuple[Edition, ...]
    rows: tuple[Row, ...]
    narrative: str
    raw: str
    known: frozenset[str]
    attachments: tuple[Attachment, ...]

    @property
    def reference(self) -> str:
        """``Type/id``."""
        return f"{self.kind}/{self.id}"

    @property
    def current(self) -> bool:
        """Whether this is the newest version."""
        return not self.versions or self.version == self.versions[0].number


class Resources:
    """The resources of one person's record, and no other's.

    Args:
        database: with the tables of ``services.fhir``.
        patient: logical id of the Patient.
    """

    def __init__(self, database: Database, patient: str) -> None:
        self._database, self.patient = database, patient
        self._store, self._access = FhirStore(database), Access(patient=patient)

    def read(self, kind: str, id_: str, version: int | None = None) -> Mapping[str, Any] | None:
        """One version of a resource that is this person's, or named by their record."""
        found = self._version(kind, id_, version)
        return None if found is None else found[0]

    def open(self, kind: str, id_: str, say: Say, version: int | None = None) -> Opened | None:
        """One resource for its page; None where this person's record has none such."""
        found = self._version(kind, id_, version)
        if found is None:
            return None
        resource, number, written, text = found
        rows = describe(resource, say)
        page = self._store.history(Asked(kind, id_, count=MOST_VERSIONS), self._access)
        said = (resource.get("text") or {}).get("div")
        return Opened(
            kind,
            id_,
            resource,
            number,
            written,
            tuple(Edition(v.version, v.updated, v.text is None) for v in page.versions),
            rows,
            text_of(said) if isinstance(said, str) else "",
            _pretty(resource) if len(text) <= MAX_RAW_CHARS else "",
            self.known(references(rows)),
            tuple(attachments(resource)),
        )

    def known(self, named: Iterable[str]) -> frozenset[str]:
        """Which of some references are of this record."""
        by_kind: dict[str, set[str]] = {}
        for reference in named:
            kind, _, id_ = reference.partition("/")
            if kind in resource_types():
                by_kind.setdefault(kind, set()).add(id_)
        found: set[str] = set()
        with self._database.reading() as session:
            for kind, ids in by_kind.items():
                query = select(ResourceRow.id).where(
                    ResourceRow.type == kind,
                    ResourceRow.id.in_(sorted(ids)[:400]),
                    of_record(self.patient, kind),
                )
                found |= {f"{kind}/{id_}" for id_ in session.scalars(query)}
        return frozenset(found)

    def _version(
        self, kind: str, id_: str, version: int | None
    ) -> tuple[Mapping[str, Any], int, datetime, str] | None:
        if kind not in resource_types() or not ID.fullmatch(id_):
            return None
        found = self._store.version(kind, id_, version, self._access)
        if found is None or found.text is None:
            return None
        resource = json.loads(found.text, parse_float=Decimal)
        if self._is_anothers(resource):
            return None
        return resource, found.version, found.updated, found.text

    def _is_anothers(self, resource: Mapping[str, Any]) -> bool:
        """Whether it is about somebody else, though this person has a part in it."""
        about = resource.get("subject") or resource.get("patient")
        said = str(about.get("reference") or "") if isinstance(about, Mapping) else ""
        mine = f"Patient/{self.patient}"
        return "Patient/" in said and not f"/{said.partition('/_history')[0]}".endswith(f"/{mine}")


def _pretty(resource: Mapping[str, Any]) -> str:
    return json.dumps(resource, indent=2, ensure_ascii=False, default=float)
