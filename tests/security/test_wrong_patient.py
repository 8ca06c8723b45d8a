"""A number that belongs to two people must not open the chart of either."""

from __future__ import annotations

import pytest

from services.fhir.store import FhirStore
from services.hospital.chart import Charts
from services.store.database import Database


@pytest.fixture
def charts(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'hospital.db'}")
    database.migrate("services.fhir")
    people = {"1001": "2002", "1002": "1001", "1003": "3003"}
    report = FhirStore(database).put_many(
        [
            {
                "resourceType": "Patient",
                "id": id_,
                "identifier": [{"system": "urn:oid:1.2.3", "value": number}],
            }
            for id_, number in people.items()
        ]
    )
    assert not report.rejected
    yield Charts(database, lambda _user, _patient: None)
    database.close()


def test_a_number_that_is_one_persons_id_and_anothers_number_opens_no_chart(charts):
    assert charts.find("1001") is None


@pytest.mark.parametrize("given", ["2002", "3003", "1002", "1003"])
def test_a_number_of_one_person_finds_that_person(charts, given):
    assert charts.find(given) == {"2002": "1001", "3003": "1003"}.get(given, given)


def test_a_person_whose_id_and_number_are_one_is_found(charts, tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'hospital.db'}")
    twin = {"resourceType": "Patient", "id": "7", "identifier": [{"value": "7"}]}
    FhirStore(database).put_many([twin])
    assert charts.find("7") == "7"
    database.close()
