"""A person links their record to a clinic, and chooses another passphrase, in their browser."""

from __future__ import annotations

import httpx
import pytest

import patient_app.service
from patient_app.app import create
from patient_app.newcomers import UnfitError, check_passphrase
from patient_app.service import Device
from patient_app.sessions import Sessions
from patient_app.settings import DeviceSettings
from patient_app.vault import Vault, WrongPassphraseError
from services.exchange.errors import EnrolmentError

NOW, NEW = "correct horse", "battery staple and more"
CODE = "T7PEFQIL.ZHS62GWZ.MWPHNUYV"


@pytest.fixture
def device(tmp_path):
    made = Device(DeviceSettings(data=tmp_path / "device"))
    made.add("ana", NOW)
    yield made
    made.lock("ana")


@pytest.fixture
async def http(device):
    """A browser with the record open."""
    transport = httpx.ASGITransport(create(device.settings, device))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as made:
        await made.post("/unlock", data={"person": "ana", "passphrase": NOW})
        page = (await made.get("/settings")).text
        made.headers["x-csrf-token"] = page.split('name="csrf" content="')[1].split('"')[0]
        yield made


async def test_a_code_links_the_record_however_it_is_typed(http, monkeypatch, clinic, hospital):
    async def enrol(_url, code, _bundle):
        if code != CODE:
            raise EnrolmentError("The code was refused.")
        return clinic.bundle(), (hospital.bundle(),)

    monkeypatch.setattr(patient_app.service, "enrol", enrol)
    assert (await http.get("/api/clinic")).json() == {"clinic": None, "hospital": None}
    long = ("A" * 200, "a." * 90)
    for bad in ("AAAA", "A.B.C", "AAAAAAAA.BBBBBBBB.CCCCCCCC", " \t", "\x00.é.x", *long):
        wrong = await http.post("/api/clinic", json={"code": bad})
        assert (wrong.status_code, wrong.json()["type"][-17:]) == (403, "enrolment-refused")
    assert (await http.get("/api/clinic")).json()["clinic"] is None
    told = await http.post("/api/clinic", json={"code": f" {CODE.lower().replace('.', ' . ')}"})
    assert told.json() == {"clinic": clinic.bundle().node, "hospital": hospital.bundle().node}
    assert (await http.get("/api/clinic")).json() == told.json()


async def test_another_passphrase_opens_the_record_and_the_former_one_does_not(http, device):
    body = {"now": NOW, "new": NEW}
    assert (await http.post("/api/passphrase", json=body)).json() == {"changed": True}
    assert (await http.get("/api/consults")).status_code == 200
    trail = "".join(p.read_text() for p in (device.settings.data / "audit").glob("*.jsonl"))
    assert '"passphrase"' in trail
    assert NEW not in trail
    device.lock("ana")
    folder = device.settings.vaults / "ana"
    with pytest.raises(WrongPassphraseError):
        Vault.open(folder, NOW)
    Vault.open(folder, NEW).close()


@pytest.mark.parametrize(
    "body", [{"now": "not that one", "new": NEW}, {"now": NOW, "new": "password123456"}]
)
async def test_a_wrong_or_plain_passphrase_changes_nothing_and_ends_no_session(http, device, body):
    assert (await http.post("/api/passphrase", json=body)).status_code == 422
    assert (await http.get("/api/consults")).status_code == 200
    device.lock("ana")
    assert device.unlock("ana", NOW)


async def test_with_another_passphrase_every_other_browser_must_open_the_record_anew(http, device):
    app = http._transport.app
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://127.0.0.1"
    ) as other:
        await other.post("/unlock", data={"person": "ana", "passphrase": NOW})
        assert (await other.get("/api/consults")).status_code == 200
        await http.post("/api/passphrase", json={"now": NOW, "new": NEW})
        assert (await other.get("/api/consults")).status_code == 401
    assert (await http.get("/api/consults")).status_code == 200
    assert isinstance(Sessions(device).people()[0].label, str)


@pytest.mark.parametrize(
    "plain",
    ["password123456", "Password12!", "passphrase 1234", "qwertz1234567", "1984-03-05-1984",
     "contraseña123", "aaaaabbbbbcc"],
)  # fmt: skip
def test_what_is_guessed_first_is_no_passphrase(plain):
    with pytest.raises(UnfitError) as told:
        check_passphrase(plain, plain, "Ana")
    assert told.value.reason == "plain"


@pytest.mark.parametrize("good", ["correct horse", "my password is a fish", "house 1984 tree"])
def test_words_that_have_nothing_to_do_with_one_another_are_taken(good):
    check_passphrase(good, good, "Ana")
