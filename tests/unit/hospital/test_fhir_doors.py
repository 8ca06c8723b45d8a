"""FHIR and chat at the hospital: scopes, bound patients, and the trail before a body."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from compliance.audit import AuditError
from compliance.errors import BadInputError, NotFoundError
from services.fhir.sandbox import generate
from services.hospital.app import create
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings

PASSWORD = "a long enough password"


class Trail:
    """Keeps events; fails as told."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.fails = False

    def record(self, event: dict[str, Any]) -> None:
        if self.fails:
            raise AuditError("The audit trail cannot be written.")
        self.events.append(event)

    def record_all(self, events):
        for event in events:
            self.record(event)

    def acts(self) -> list[str]:
        """Our own code of each event; deletions have FHIR's alone."""
        return [e["subtype"][-1]["code"] for e in self.events]

    def patients(self) -> list[str]:
        """Whom the events are about."""
        return sorted(
            entity["what"]["reference"]
            for event in self.events
            for entity in event["entity"]
            if entity.get("what", {}).get("type") == "Patient"
        )


@pytest.fixture
def hospital(tmp_path, node_of):
    made = Hospital(HospitalSettings(data=tmp_path / "hospital"), node_of("hospital"))
    made.records.put_many(generate())
    made.intake.audit = Trail()
    yield made
    made.database.close()


@pytest.fixture
def trail(hospital):
    return hospital.intake.audit


@pytest.fixture
async def client(hospital):
    app = create(hospital.settings, hospital)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as opened:
        yield opened


@pytest.fixture
def key_for(hospital, trail):
    def make(scopes: str, patient: str | None = None) -> dict[str, str]:
        key = hospital.accounts.new_key("test", scopes, patient=patient)
        trail.events.clear()
        return {"authorization": f"Bearer {key}"}

    return make


async def test_a_read_is_written_down_with_program_and_patient(client, key_for, trail):
    headers = key_for("system/*.rs")
    assert (await client.get("/fhir/Observation/p01-a1c-3", headers=headers)).status_code == 200
    (event,) = trail.events
    assert event["subtype"][0]["code"] == "read"
    assert trail.patients() == ["Patient/p01"]
    assert event["agent"][0]["name"] == "test"
    assert event["meta"]["profile"][0].endswith("PatientRead")


async def test_a_search_over_people_is_written_down_for_each_of_them(client, key_for, trail):
    headers = key_for("system/*.rs")
    found = await client.get("/fhir/Patient?_count=5", headers=headers)
    shown = sorted(f"Patient/{e['resource']['id']}" for e in found.json()["entry"])
    assert trail.acts() == ["search"] * 5
    assert trail.patients() == shown


async def test_the_value_of_an_identifier_is_not_written_down(client, key_for, trail):
    await client.get("/fhir/Patient?identifier=SECRET-7", headers=key_for("system/*.rs"))
    assert trail.acts() == ["search"]
    assert "SECRET" not in str(trail.events)


async def test_a_whole_record_is_written_down(client, key_for, trail):
    headers = key_for("system/*.rs")
    assert (await client.get("/fhir/Patient/p07/$everything", headers=headers)).status_code == 200
    assert trail.acts() == ["everything"]
    assert trail.patients() == ["Patient/p07"]


@pytest.mark.parametrize(
    "path",
    [
        "/fhir/Patient/p01",
        "/fhir/Observation?patient=p01",
        "/fhir/Patient/p01/$everything",
        "/fhir/Practitioner/dr-okafor",
    ],
)
async def test_when_it_cannot_be_written_down_nothing_is_given_out(client, key_for, trail, path):
    headers = key_for("system/*.rs")
    trail.fails = True
    answer = await client.get(path, headers=headers)
    assert answer.status_code == 503
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert "p01" not in answer.text


async def test_chat_is_written_down_before_it_is_answered(client, key_for, trail):
    body = {"messages": [{"role": "user", "content": "What is asthma?"}]}
    headers = key_for("chat")
    assert (await client.post("/v1/chat/completions", json=body, headers=headers)).is_success
    assert trail.acts() == ["chat"]
    assert "asthma" not in str(trail.events)
    trail.fails = True
    answer = await client.post("/v1/chat/completions", json=body, headers=headers)
    assert answer.status_code == 503
    assert "airways" not in answer.text


async def test_a_key_of_one_patient_sees_nothing_of_another(client, key_for):
    headers = key_for("patient/*.rs", "p07")
    for path in ("Patient/p07", "Patient/p07/$everything", "Practitioner/dr-haverford"):
        assert (await client.get(f"/fhir/{path}", headers=headers)).status_code == 200
    for path in (
        "Patient/p01",
        "Patient/p01/$everything",
        "Observation/p01-a1c-3",
        "Observation?patient=p01",
        "Practitioner/dr-okafor",
    ):
        answer = await client.get(f"/fhir/{path}", headers=headers)
        assert answer.status_code == 404, path
        assert "p01" not in answer.text
    found = (await client.get("/fhir/Patient?_id=p01,p07", headers=headers)).json()
    assert [e["resource"]["id"] for e in found["entry"]] == ["p07"]


async def test_a_key_reads_the_types_of_its_scopes_only(client, key_for, trail):
    headers = key_for("system/Observation.r")
    assert (await client.get("/fhir/Observation/p01-a1c-3", headers=headers)).status_code == 200
    trail.events.clear()
    for path in ("Patient/p01", "Observation?patient=p01", "Condition?patient=p01"):
        assert (await client.get(f"/fhir/{path}", headers=headers)).status_code == 403
    assert [e["outcome"] for e in trail.events] == ["8", "8", "8"]  # written down as refused


async def test_a_narrow_key_is_not_given_a_part_that_looks_like_the_whole(client, key_for):
    headers = key_for("system/Observation.rs system/Patient.rs")
    assert (await client.get("/fhir/Patient/p01/$everything", headers=headers)).status_code == 403


@pytest.mark.parametrize("scopes", ["chat", "system/Observation.c"])
async def test_a_key_without_a_reading_scope_reads_nothing(client, key_for, scopes):
    assert (await client.get("/fhir/Patient/p01", headers=key_for(scopes))).status_code == 403


async def test_a_revoked_key_opens_nothing(client, hospital, key_for):
    headers = key_for("system/*.rs")
    (row,) = hospital.accounts.keys.listing()
    hospital.accounts.keys.revoke(row.digest[:16])
    assert (await client.get("/fhir/Patient/p01", headers=headers)).status_code == 401
    with pytest.raises(NotFoundError):
        hospital.accounts.keys.revoke(row.digest[:16])


def test_keys_are_written_down_when_made_and_revoked_and_never_their_secret(hospital, trail):
    key = hospital.accounts.new_key("ehr", "chat")
    hospital.accounts.keys.revoke(hospital.accounts.keys.listing()[0].digest[:16])
    changes = [e["entity"][0]["detail"][0]["valueString"] for e in trail.events]
    assert changes == ["made", "revoked"]
    assert key not in str(trail.events)


def test_a_key_that_cannot_be_written_down_is_not_made(hospital, trail):
    trail.fails = True
    with pytest.raises(AuditError):
        hospital.accounts.new_key("ehr", "chat")
    assert hospital.accounts.keys.listing() == []


def test_a_key_with_a_scope_that_is_not_understood_is_not_made(hospital):
    with pytest.raises(BadInputError):
        hospital.accounts.new_key("ehr", "system/*.rs?x=y")


def test_signing_in_is_written_down_and_so_is_failing_to(hospital, trail):
    hospital.accounts.add_user("ana", PASSWORD, "Dr. Ana Ruiz", "clinician")
    hospital.accounts.sign_in("ana", PASSWORD, client="10.0.0.7")
    with pytest.raises(Exception, match="could not be signed in"):
        hospital.accounts.sign_in("ana", "My Other Password")
    with pytest.raises(Exception, match="could not be signed in"):
        hospital.accounts.sign_in("hunter2 hunter2", "x")
    assert [e["outcome"] for e in trail.events] == ["0", "4", "4"]
    assert "10.0.0.7" in str(trail.events[0])
    assert "hunter2" not in str(trail.events)
    assert "Password" not in str(trail.events)


def test_a_sign_in_that_cannot_be_written_down_opens_no_session(hospital, trail):
    hospital.accounts.add_user("ana", PASSWORD, "Dr. Ana Ruiz", "clinician")
    trail.fails = True
    with pytest.raises(AuditError):
        hospital.accounts.sign_in("ana", PASSWORD)


async def sign_in(client, hospital, role: str) -> None:
    hospital.accounts.add_user(role, PASSWORD, "Somebody", role)
    client.cookies.set("caretier_portal", hospital.accounts.sign_in(role, PASSWORD))


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_the_portals_cookie_changes_nothing_over_fhir(client, hospital, method):
    await sign_in(client, hospital, "clinician")
    for path in ("/fhir/Patient/p01", "/fhir/Patient"):
        assert (await client.request(method, path, json={})).status_code in {403, 405}


async def test_chat_by_cookie_is_refused_from_another_site(client, hospital):
    await sign_in(client, hospital, "clinician")
    body = {"messages": [{"role": "user", "content": "What is asthma?"}]}
    for origin in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        assert (
            await client.post("/v1/chat/completions", json=body, headers=origin)
        ).status_code == 403
