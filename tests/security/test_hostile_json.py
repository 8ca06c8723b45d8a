"""JSON made to break things: deep nesting, half characters, NUL, numbers without end."""

from __future__ import annotations

import httpx
import pytest

from compliance.errors import BadInputError
from patient_app.app import create as create_device
from patient_app.importing import parse_record
from patient_app.service import Device
from patient_app.settings import DeviceSettings
from patient_app.vault import KdfParameters, vault
from services.hospital.app import create as create_hospital
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings

JSON = {"content-type": "application/json"}
DEEP = b"[" * 60_000 + b"]" * 60_000
PASSPHRASE = "correct horse"
HOSTILE = {
    "half": rb'{"text": "a \ud800 b"}',
    "half-id": rb'{"text": "a", "conversation": "\udfff"}',
    "deep": b'{"text": ' + DEEP + b"}",
    "deep-extra": b'{"text": "a", "more": ' + DEEP + b"}",
    "number": b'{"text": ' + b"9" * 10_000 + b"}",
    "infinity": b'{"text": 1e999999}',
    "bytes": b"\xff\xfe{",
}


def client(app) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://127.0.0.1"
    )


@pytest.fixture
def device(tmp_path, monkeypatch, node_of, deidentifier):
    cheap = KdfParameters(memory_kib=64, passes=1, lanes=1)
    monkeypatch.setattr(vault, "KdfParameters", lambda: cheap)
    made = Device(DeviceSettings(data=tmp_path / "device"), node_of("device"))
    made.add("ana", PASSPHRASE)
    yield made
    made.lock("ana")


@pytest.fixture
def bearer(device):
    def headers() -> dict[str, str]:
        token = (device.settings.data / "token").read_text()
        return {"authorization": f"Bearer {token}", **JSON}

    return headers


@pytest.mark.parametrize("path", ["/api/ask", "/api/preview"])
@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
async def test_the_device_refuses_it_as_bad_input(device, bearer, path, body):
    app = create_device(device.settings, device)
    async with client(app) as http:
        reply = await http.post(path, content=body, headers=bearer())
    assert reply.status_code in {400, 422}
    assert reply.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
async def test_the_chat_refuses_it_as_bad_input(tmp_path, body, node_of):
    hospital = Hospital(HospitalSettings(data=tmp_path / "h"), node_of("hospital"))
    key = hospital.accounts.new_key("test", "chat")
    whole = b'{"messages": [' + body.replace(b'"text"', b'"role": "user", "content"') + b"]}"
    if b"conversation" in body:
        whole = whole.replace(b'"conversation"', b'"content"')
    async with client(create_hospital(hospital.settings, hospital)) as http:
        reply = await http.post(
            "/v1/chat/completions",
            content=whole,
            headers={**JSON, "authorization": f"Bearer {key}"},
        )
    hospital.database.close()
    assert reply.status_code in {400, 422}


@pytest.mark.parametrize(
    "data",
    [
        DEEP,
        b'{"resourceType": "Patient", "id": "p", "name": [{"family": "\\ud800"}]}',
        b'{"resourceType": "Patient", "id": "p", "x": ' + DEEP + b"}",
        b"\xff\xfe",
        b'{"resourceType": "Patient", "id": "p", "x": ' + b"9" * 10_000 + b"}",
    ],
    ids=["deep", "half", "deep-inside", "bytes", "number"],
)
def test_a_hostile_record_is_refused_without_a_crash(data):
    with pytest.raises(BadInputError):
        parse_record(data)


async def test_a_name_with_nul_cannot_sign_in_and_breaks_nothing(database):
    from services.hospital.accounts import Accounts
    from services.hospital.errors import SignInError

    with pytest.raises(SignInError):
        Accounts(database).sign_in("a\x00b", "x" * 20)


async def test_nul_in_an_address_never_reaches_the_database(tmp_path, node_of):
    hospital = Hospital(HospitalSettings(data=tmp_path / "h"), node_of("hospital"))
    key = hospital.accounts.new_key("test", "fhir.read")
    async with client(create_hospital(hospital.settings, hospital)) as http:
        auth = {"authorization": f"Bearer {key}"}
        codes = [
            (await http.get(path, headers=auth)).status_code
            for path in ("/fhir/Patient/%00", "/fhir/Patient?name=a%00b", "/v1/referrals/%00")
        ]
    hospital.database.close()
    assert codes == [404, 400, 404]
