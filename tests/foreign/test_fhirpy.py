"""PyPI's ``fhirpy`` against the FHIR API, synchronous and asynchronous."""

from __future__ import annotations

import pytest
from fhirpy import AsyncFHIRClient, SyncFHIRClient
from fhirpy.base.exceptions import OperationOutcome, ResourceNotFound

WEIGHT = {
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
    "subject": {"reference": "Patient/p01"},
    "valueQuantity": {
        "value": 70.5, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg",
    },
}  # fmt: skip


@pytest.fixture
def client(here):
    key = here.key("system/*.cruds")
    return SyncFHIRClient(here.fhir, authorization=f"Bearer {key}")


def test_every_page_of_a_search_is_followed(here, client):
    found = client.resources("Observation").search(patient="p01").limit(3).fetch_all()
    total = here.hospital.records.search("Observation", patient="p01").total
    assert len({r.id for r in found}) == len(found) == total


def test_a_resource_is_made_changed_patched_and_deleted(client):
    made = client.resource("Observation", **WEIGHT)
    made.save()
    assert made.id
    made["status"] = "amended"
    made.save()
    read = client.reference("Observation", made.id).to_resource()
    assert read["status"] == "amended"
    assert read.valueQuantity["value"] == 70.5
    made.delete()
    with pytest.raises(ResourceNotFound):
        client.reference("Observation", made.id).to_resource()


def test_an_invalid_resource_is_refused_with_element_and_rule(client):
    wrong = client.resource("Observation", **{**WEIGHT, "status": "sort-of"})
    with pytest.raises(OperationOutcome) as refused:
        wrong.save()
    issue = refused.value.resource["issue"][0]
    assert issue["expression"] == ["Observation.status"]


def test_includes_come_along(client):
    query = client.resources("Observation").search(patient="p01").include("Observation", "patient")
    bundle = query.fetch_raw()
    kinds = {entry.resource.resource_type for entry in bundle.entry}
    assert kinds == {"Observation", "Patient"}


def test_a_conditional_update_makes_a_resource_once(client):
    wanted = {
        "identifier": [{"system": "urn:ours", "value": "once"}],
        "name": [{"family": "Once"}],
    }
    query = client.resources("Patient").search(identifier="urn:ours|once")
    first, made = query.update(client.resource("Patient", **wanted))
    second, again = query.update(client.resource("Patient", **wanted))
    assert (made, again) == (True, False)
    assert first.id == second.id


async def test_the_asynchronous_client_reads_a_whole_record(here):
    key = here.key("system/*.rs")
    client = AsyncFHIRClient(here.fhir, authorization=f"Bearer {key}")
    person = await client.reference("Patient", "p01").to_resource()
    record = await person.execute("$everything", method="get")
    assert {e["resource"]["resourceType"] for e in record["entry"]} >= {"Patient", "Observation"}
