"""A hospital's store beside an EHR of many habits."""

from __future__ import annotations

import pytest
from support.quirky_ehr import Quirks, QuirkyEhr

from services.fhir.client import ClientSettings
from services.fhir.store import FhirStore
from services.hospital.ehr.connections import Connecting
from services.hospital.ehr.service import Ehr
from services.hospital.jobs import Jobs

FAST = ClientSettings(
    timeout=5, deadline=5, attempts=3, pause=0.001, longest_pause=0.01, rate=10_000, burst=1000,
    page=10, poll=0.01, failures=1000,
)  # fmt: skip


class Place:
    """A hospital with one connection."""

    def __init__(self, database, ehr: QuirkyEhr) -> None:
        self.ehr, self.database = ehr, database
        self.records = FhirStore(database)
        self.trail: list[dict] = []
        self.sync = Ehr(
            database,
            self.records,
            Jobs(database),
            ehr,
            record=self.trail.extend,
            node="h",
            base_url="https://hospital.example.test",
            settings=FAST,
        )

    def connect(self, **changed):
        given = {"name": "main", "base": self.ehr.base, "asks": ["Patient", "Observation"]}
        return self.sync.connect(Connecting(**(given | changed)))

    def ids(self, kind="Patient"):
        page = self.records.search(kind, count=500)
        return sorted(entry.id for entry in page.entries)

    def entry(self, kind, id_):
        return self.records.entry(kind, id_)


@pytest.fixture
def place_of(database):
    def make(**quirks):
        return Place(database, QuirkyEhr(Quirks(**quirks)))

    return make
