"""The whole of a launch and of a program's token, on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest
from support.smart import CASELOAD, PASSWORD

from services.fhir.sandbox import generate
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings

SCOPES = "launch/patient openid fhirUser offline_access patient/*.cruds"


@pytest.fixture
def hospital(tmp_path, monkeypatch, database_url):
    made = Hospital(HospitalSettings(data=tmp_path / "hospital", database=database_url))
    few = [r for r in generate() if r["id"].startswith("p07") or r["id"] == "p01"]
    made.records.put_many([*few, *CASELOAD])
    made.accounts.add_user("ana", PASSWORD, "Ana", "clinician", acts_as=["Practitioner/me"])
    yield made
    made.database.close()


async def test_an_app_is_let_in_writes_refreshes_and_is_turned_out(
    person, app_of, redeem, http, hospital
):
    app, _ = app_of(SCOPES)
    said = await person.allow(app.id, f"{SCOPES} patient/Nonsense.rs", patient="p07")
    body = (await redeem(app.id, said["code"])).json()
    http.cookies.clear()
    headers = {"authorization": f"Bearer {body['access_token']}"}
    note = {
        "resourceType": "Observation", "status": "final", "code": {"text": "Mood"},
        "subject": {"reference": "Patient/p07"}, "valueString": "good",
    }  # fmt: skip
    made = await http.post("/fhir/Observation", json=note, headers=headers)
    assert made.status_code == 201, made.text
    theirs = note | {"subject": {"reference": "Patient/p01"}}
    answer = await http.post("/fhir/Observation", json=theirs, headers=headers)
    assert answer.status_code in {403, 404}, answer.text
    sent = {"grant_type": "refresh_token", "refresh_token": body["refresh_token"]}
    fresh = await http.post("/oauth/token", data=sent | {"client_id": app.id})
    assert fresh.status_code == 200, fresh.text
    assert fresh.json()["patient"] == "p07"
    hospital.smart.clients.revoke(app.id)
    assert (await http.get("/fhir/Patient/p07", headers=headers)).status_code == 401


async def test_a_program_gets_a_token_reads_and_writes(backend, http):
    program = backend("system/*.cruds")
    headers = await program.headers("system/*.cruds")
    read = await http.get("/fhir/Patient/p07", headers=headers)
    assert read.status_code == 200
    changed = read.json() | {"language": "en"}
    sent = headers | {"if-match": read.headers["etag"]}
    answer = await http.put("/fhir/Patient/p07", json=changed, headers=sent)
    assert answer.status_code == 200, answer.text
