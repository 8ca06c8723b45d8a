"""Records without the person, over the hospital's door for studies."""

from __future__ import annotations

import httpx
import pytest

from compliance.audit import AuditError
from compliance.deidentify.pseudonyms import StudyKey, StudyKeyError, new_root_file
from compliance.errors import BadInputError
from services.fhir.sandbox import generate
from services.hospital.app import create
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings
from services.hospital.studies import Studies

RECORD = "/fhir/Patient/p01/$de-identify"


@pytest.fixture
def root(tmp_path):
    new_root_file(tmp_path / "root.key")
    return tmp_path / "root.key"


@pytest.fixture
def hospital(tmp_path, root, node_of, deidentifier):
    settings = HospitalSettings(data=tmp_path / "hospital", study="asthma", study_key=root)
    made = Hospital(settings, node_of("hospital"))
    made.records.put_many(r for r in generate() if r["id"].startswith("p01"))
    made.studies.__dict__["_detector"] = deidentifier
    yield made
    made.database.close()


@pytest.fixture
async def client(hospital):
    transport = httpx.ASGITransport(app=create(hospital.settings, hospital))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as opened:
        yield opened


@pytest.fixture
def sent(hospital):
    return {"authorization": f"Bearer {hospital.accounts.new_key('study', 'study')}"}


def last_event(hospital):
    return list(hospital.intake.audit.records())[-1].event


async def test_a_record_goes_out_under_the_pseudonyms_of_the_study(client, hospital, sent, root):
    answer = await client.get(RECORD, headers=sent)
    assert answer.status_code == 200
    key = StudyKey.from_file(root, "asthma")
    assert key.pseudonym("patient", "Patient/p01") in answer.text
    assert "Whitcombe" not in answer.text
    event = last_event(hospital)
    assert event["purposeOfEvent"][0]["coding"][0]["code"] == "HRESCH"
    assert event["subtype"][-1]["code"] == "read"


async def test_nothing_goes_out_that_cannot_be_written_down(client, hospital, sent, monkeypatch):
    def fails(_events):
        raise AuditError("The audit trail cannot be written.")

    monkeypatch.setattr(hospital.intake.audit, "record_all", fails)
    patient = {"resourceType": "Patient", "id": "x"}
    for answer in (
        await client.get(RECORD, headers=sent),
        await client.post("/fhir/$de-identify", headers=sent, json=patient),
    ):
        assert answer.status_code == 503, answer.text
        assert answer.json()["resourceType"] == "OperationOutcome"


async def test_a_key_for_studies_reads_nothing_in_the_clear(client, sent):
    for path in ("Patient/p01", "Patient/p01/$everything", "Patient?_id=p01"):
        assert (await client.get(f"/fhir/{path}", headers=sent)).status_code == 403


async def test_who_reads_in_the_clear_gets_no_pseudonyms(client, hospital):
    key = hospital.accounts.new_key("ehr", "system/*.rs")
    answer = await client.get(RECORD, headers={"authorization": f"Bearer {key}"})
    assert answer.status_code == 403


@pytest.mark.parametrize("scopes", ["study system/*.rs", "study fhir.read"])
def test_no_key_is_made_that_could_tell_whose_record_a_studys_is(hospital, scopes):
    with pytest.raises(BadInputError):
        hospital.accounts.new_key("both", scopes)
    with pytest.raises(BadInputError):
        hospital.accounts.new_key("one", "study", patient="p01")


async def test_the_operation_stands_in_what_the_server_says_of_itself(client):
    rest = (await client.get("/fhir/metadata")).json()["rest"][0]
    assert "de-identify" in {o["name"] for o in rest["operation"]}
    patient = next(r for r in rest["resource"] if r["type"] == "Patient")
    assert {"everything", "de-identify"} <= {o["name"] for o in patient["operation"]}


def test_without_a_study_there_is_none_and_without_its_key_no_start(tmp_path):
    assert Studies("", None).study() is None
    for missing in (tmp_path / "missing", None):
        with pytest.raises(StudyKeyError):
            Studies("asthma", missing)


async def test_a_body_comes_back_without_its_person_and_that_is_written_down(
    client, hospital, sent
):
    patient = {"resourceType": "Patient", "id": "x", "name": [{"family": "Whitcombe"}]}
    answer = await client.post("/fhir/$de-identify", headers=sent, json=patient)
    assert answer.status_code == 200, answer.text
    assert "Whitcombe" not in answer.text
    assert "urn:caretier:operation" in str(last_event(hospital))
