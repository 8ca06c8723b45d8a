"""Bulk data and subscriptions at the hospital: keys, jobs, and the trail before a file."""

from __future__ import annotations

import json

import httpx
import pytest
from support.trail import Trail
from typer.testing import CliRunner

from services.fhir.sandbox import generate
from services.hospital.app import create
from services.hospital.commands import app as commands
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings

ASYNC = {"prefer": "respond-async"}


@pytest.fixture
def hospital(tmp_path, node_of):
    made = Hospital(HospitalSettings(data=tmp_path / "hospital"), node_of("hospital"))
    made.records.put_many(generate())
    made.intake.audit = Trail()
    yield made
    made.database.close()


@pytest.fixture
async def client(hospital):
    app = create(hospital.settings, hospital)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as opened:
        yield opened


def headers_of(hospital, scopes: str) -> dict[str, str]:
    key = hospital.accounts.new_key("test", scopes)
    hospital.intake.audit.events.clear()
    return ASYNC | {"authorization": f"Bearer {key}"}


async def exported(hospital, client, headers, path: str):
    begun = await client.get(path, headers=headers)
    assert begun.status_code == 202, begun.text
    for job in hospital.jobs.due():
        assert await hospital.do(job)
    return (await client.get(begun.headers["content-location"], headers=headers)).json()


async def test_each_patient_of_a_file_is_on_the_trail_before_it_is_given_out(hospital, client):
    headers = headers_of(hospital, "system/*.rs")
    manifest = await exported(hospital, client, headers, "/fhir/$export?_type=Patient")
    trail = hospital.intake.audit
    assert trail.events == []
    (part,) = manifest["output"]
    file = await client.get(part["url"], headers=headers)
    assert file.headers["content-type"].startswith("application/fhir+ndjson")
    assert [event["subtype"][-1]["code"] for event in trail.events] == ["export"] * part["count"]
    assert {event["purposeOfEvent"][0]["coding"][0]["code"] for event in trail.events} == {
        "HOPERAT"
    }
    trail.fails = True
    refused = await client.get(part["url"], headers=headers)
    assert refused.status_code >= 500
    assert 'resourceType":"Patient' not in refused.text


async def test_a_file_of_what_is_nobodys_is_one_event(hospital, client):
    headers = headers_of(hospital, "system/*.rs")
    manifest = await exported(hospital, client, headers, "/fhir/$export?_type=Organization")
    await client.get(manifest["output"][0]["url"], headers=headers)
    assert len(hospital.intake.audit.events) == 1


async def test_a_revoked_key_fetches_no_more_files(hospital, client):
    headers = headers_of(hospital, "system/*.rs")
    manifest = await exported(hospital, client, headers, "/fhir/$export?_type=Patient")
    (key,) = hospital.accounts.keys.listing()
    hospital.accounts.keys.revoke(key.digest[:16])
    answer = await client.get(manifest["output"][0]["url"], headers=headers)
    assert answer.status_code == 401


async def test_an_import_is_on_the_trail_resource_by_resource(hospital, client):
    headers = headers_of(hospital, "system/*.cruds")
    body = json.dumps({"resourceType": "Patient", "id": "new"}).encode()
    begun = await client.post(
        "/fhir/$import",
        content=body,
        headers=headers | {"content-type": "application/fhir+ndjson"},
    )
    assert begun.status_code == 202, begun.text
    for job in hospital.jobs.due():
        assert await hospital.do(job)
    assert hospital.records.read("Patient", "new") is not None
    assert [event["action"] for event in hospital.intake.audit.events] == ["C"]


async def test_a_subscription_to_an_unlisted_address_is_an_outcome(hospital, client):
    headers = headers_of(hospital, "system/*.cruds")
    body = {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "test",
        "criteria": "Observation?patient=Patient/p01",
        "channel": {"type": "rest-hook", "endpoint": "https://x.example.org/hook"},
    }
    answer = await client.post("/fhir/Subscription", json=body, headers=headers)
    assert (answer.status_code, answer.json()["resourceType"]) == (422, "OperationOutcome")
    assert "channel.endpoint" in answer.text


async def test_the_statement_names_topics_and_operations(client):
    statement = (await client.get("/fhir/metadata")).json()
    (rest,) = statement["rest"]
    assert "export" in {operation["name"] for operation in rest["operation"]}
    (own,) = [one for one in rest["resource"] if one["type"] == "Subscription"]
    topics = {extension["valueCanonical"] for extension in own["extension"]}
    assert topics == {"urn:caretier:topic:record-changed", "urn:caretier:topic:reply-signed"}
    assert {operation["name"] for operation in own["operation"]} >= {"status", "events"}


def test_files_are_swept_by_the_schedule(hospital):
    assert {"hospital.bulk", "hospital.subscription-event"} <= set(hospital.tidy())


def test_an_operator_writes_the_record_into_a_folder(hospital, tmp_path):
    out = tmp_path / "out"
    command = ["--data", str(hospital.settings.data.parent), "export", str(out)]
    done = CliRunner().invoke(commands, command)
    assert done.exit_code == 0, done.output
    patients = (out / "Patient.1.ndjson").read_text(encoding="utf-8").splitlines()
    assert len(patients) == hospital.records.search("Patient", count=0).total
    again = CliRunner().invoke(commands, command)
    assert again.exit_code == 2
