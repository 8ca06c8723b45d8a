"""Attacks on the device's own doors: other people's records, foreign sites, guesses, paths."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from compliance.errors import CaretierError
from patient_app import service, tries
from patient_app.app import create
from patient_app.errors import TooManyTriesError
from patient_app.service import Device
from patient_app.sessions import COOKIE, Sessions
from patient_app.settings import DeviceSettings
from patient_app.tries import KNOWN, TRIES
from patient_app.vault import KdfParameters, VaultError, WrongPassphraseError, vault

PASSPHRASE = "correct horse"
REMINDER = {"medicine": "x", "name": "x", "times": ["08:00"], "days": [0]}
CONSULT = {
    "question": "a secret of p02",
    "asked": "2026-11-21T10:00:00+00:00",
    "conversation": "talk",
    "answer": {},
}


@pytest.fixture
def device(tmp_path, monkeypatch):
    cheap = KdfParameters(memory_kib=64, passes=1, lanes=1)
    monkeypatch.setattr(vault, "KdfParameters", lambda: cheap)
    made = Device(DeviceSettings(data=tmp_path / "device"))
    for person in ("p01", "p02"):
        made.add(person, f"{PASSPHRASE} {person}")
    with made.members["p02"].vault.write() as tx:
        tx.put("consult", "c-of-p02", CONSULT)
        tx.put("preview", "preview-of-p02", {"made": "2026-11-21T10:00:00+00:00"})
        tx.put("consent", "consent-of-p02", {})
        tx.put("own-medicine", "own-p02", {"resourceType": "MedicationStatement", "id": "own-p02"})
        tx.put("reminder", "r-of-p02", {**REMINDER, "since": "2026-11-01", "until": None})
        tx.put("visit", "v-of-p02", {"response": {}, "changed": "", "flag": None})
    yield made
    for person in list(made.members):
        made.lock(person)


def client(device, **changes) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(create(device.settings, device), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", **changes)


async def signed_in(device, person="p01") -> httpx.AsyncClient:
    """A browser with a session."""
    http = client(device)
    form = {"person": person, "passphrase": f"{PASSPHRASE} {person}"}
    reply = await http.post("/unlock", data=form)
    assert reply.status_code == 303
    return http


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/consults/c-of-p02", None),
        ("DELETE", "/api/consults/c-of-p02", None),
        ("POST", "/api/previews/preview-of-p02", {"mask": ["x"]}),
        ("PUT", "/api/consults/c-of-p02/signal", {"verdict": "up"}),
        ("DELETE", "/api/consults/c-of-p02/signal", None),
        ("POST", "/api/send/preview-of-p02", {}),
        ("POST", "/api/consent/consent-of-p02/withdraw", {}),
        ("PUT", "/api/medicines/own-p02", {"active": False}),
        ("DELETE", "/api/medicines/own-p02", None),
        ("PUT", "/api/reminders/r-of-p02", REMINDER),
        ("DELETE", "/api/reminders/r-of-p02", None),
        ("PUT", "/api/doses/r-of-p02.2026-11-23.0800", {"state": "taken"}),
        ("GET", "/api/visits/v-of-p02", None),
        ("PUT", "/api/visits/v-of-p02", {"items": []}),
        ("DELETE", "/api/visits/v-of-p02", None),
        ("POST", "/api/visits/v-of-p02/finish", None),
        ("POST", "/api/visits/v-of-p02/send/x", None),
        ("POST", "/api/visits/v-of-p02/take-back", None),
        ("GET", "/api/visits/v-of-p02/fhir", None),
    ],
)
async def test_ids_of_another_person_on_the_device_are_unknown(device, method, path, body):
    async with client(device) as http:
        token = (device.settings.data / "token").read_text()
        auth = {"authorization": f"Bearer {token}", "x-caretier-person": "p01"}
        reply = await http.request(method, path, headers=auth, json=body)
        assert reply.status_code == 404
        assert b"secret" not in reply.content
        assert (await http.get("/api/consults", headers=auth)).json() == {"consults": []}


async def test_a_browser_of_one_person_cannot_name_another(device):
    http = await signed_in(device, "p01")
    reply = await http.get("/api/consults", headers={"x-caretier-person": "p02"})
    assert reply.json() == {"consults": []}
    await http.aclose()


@pytest.mark.parametrize(
    "person",
    ["../p02", "..", ".", "", "p01/../p02", "/etc", "p02%00", "P02/", "..\\p02", "vaults/p02"],
)
async def test_a_person_is_a_name_in_a_list_never_a_path(device, person):
    device.lock("p02")
    async with client(device) as http:
        token = (device.settings.data / "token").read_text()
        auth = {"authorization": f"Bearer {token}", "x-caretier-person": person}
        reply = await http.get("/api/consults", headers=auth)
    assert b"secret" not in reply.content
    assert person == "" or reply.status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/api/consults/..%2f..%2ftoken",
        "/api/consults/../../token",
        "/static/patient/..%2f..%2froutes.py",
        "/static/patient/%2e%2e/routes.py",
        "/static/caretier/..%2f..%2f..%2f..%2fetc%2fpasswd",
    ],
)
async def test_a_path_cannot_climb_out_of_its_folder(device, path):
    http = await signed_in(device)
    reply = await http.get(path)
    assert reply.status_code == 404
    assert b"root:" not in reply.content
    await http.aclose()


PATHS = (
    ("GET", "/api/consults"),
    ("GET", "/api/consults/x"),
    ("DELETE", "/api/consults/x"),
    ("PUT", "/api/consults/x/signal"),
    ("DELETE", "/api/consults/x/signal"),
    ("GET", "/api/ledger"),
    ("GET", "/api/profile"),
    ("PUT", "/api/profile"),
    ("GET", "/api/consent"),
    ("GET", "/api/consent/fhir"),
    ("POST", "/api/consent"),
    ("POST", "/api/consent/x/withdraw"),
    ("GET", "/api/record"),
    ("GET", "/api/results"),
    ("GET", "/api/medicines"),
    ("POST", "/api/medicines"),
    ("PUT", "/api/medicines/x"),
    ("DELETE", "/api/medicines/x"),
    ("GET", "/api/visits"),
    ("POST", "/api/visits"),
    ("GET", "/api/visits/x"),
    ("PUT", "/api/visits/x"),
    ("DELETE", "/api/visits/x"),
    ("POST", "/api/visits/x/finish"),
    ("POST", "/api/visits/x/send/x"),
    ("POST", "/api/visits/x/take-back"),
    ("GET", "/api/visits/x/fhir"),
    ("POST", "/api/visit-questions"),
    ("DELETE", "/api/visit-questions/x"),
    ("GET", "/api/reminders"),
    ("GET", "/api/reminders/calendar"),
    ("POST", "/api/reminders"),
    ("PUT", "/api/reminders/x"),
    ("DELETE", "/api/reminders/x"),
    ("PUT", "/api/doses/x"),
    ("DELETE", "/api/doses/x"),
    ("POST", "/api/record"),
    ("GET", "/api/connections"),
    ("POST", "/api/connections/x"),
    ("POST", "/api/connections/back/answer"),
    ("POST", "/api/connections/x/read"),
    ("POST", "/api/connections/x/disconnect"),
    ("GET", "/api/personal"),
    ("GET", "/api/personal/suggestions"),
    ("POST", "/api/personal/versions/1"),
    ("POST", "/api/personal/adapter"),
    ("DELETE", "/api/personal/adapter"),
    ("GET", "/api/export"),
    ("POST", "/api/recovery"),
    ("POST", "/api/recovery/code"),
    ("PUT", "/api/recovery/code"),
    ("POST", "/api/recovery/code/remove"),
    ("POST", "/api/passphrase"),
    ("GET", "/api/clinic"),
    ("POST", "/api/clinic"),
    ("POST", "/api/erase"),
    ("POST", "/api/ask"),
    ("POST", "/api/preview"),
    ("GET", "/api/previews/x"),
    ("POST", "/api/previews/x"),
    ("POST", "/api/send/x"),
)
BODIES = {
    "/api/consent": {"purpose": "treatment", "destinations": ["clinic"]},
    "/api/connections/back/answer": {"state": "x"},
    "/api/connections/x/disconnect": {"keep": True},
    "/api/ask": {"text": "x"},
    "/api/preview": {"text": "x"},
    "/api/erase": {"confirm": "erase"},
    "/api/recovery/code": {"typed": "x"},
    "/api/recovery/code/remove": {"now": "x"},
    "/api/passphrase": {"now": "x", "new": "y"},
    "/api/clinic": {"code": "x"},
    "/api/medicines": {"name": "x"},
    "/api/medicines/x": {"active": False},
    "/api/reminders": REMINDER,
    "/api/reminders/x": REMINDER,
    "/api/doses/x": {"state": "taken"},
    "/api/visits": {"form": "x"},
    "/api/visits/x": {"items": []},
    "/api/visit-questions": {"text": "x"},
}


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_without_session_and_token_nothing_is_told_or_done(device, method, path):
    async with client(device) as http:
        reply = await http.request(method, path, json=BODIES.get(path, {}))
    assert reply.status_code == 401
    assert device.people() == ["p01", "p02"]


async def test_every_route_of_the_api_is_in_the_table_above(device):
    schema = create(device.settings, device).openapi()["paths"]
    known = {(m, p.replace("/x", "/{}").replace("/1", "/{}")) for m, p in PATHS}
    for path, methods in schema.items():
        plain = "/".join("{}" if part.startswith("{") else part for part in path.split("/"))
        assert all((m.upper(), plain) in known for m in methods), path


@pytest.mark.parametrize(("method", "path"), [p for p in PATHS if p[0] != "GET"])
async def test_a_foreign_page_cannot_change_anything_with_the_cookie_alone(device, method, path):
    http = await signed_in(device)
    reply = await http.request(method, path, json=BODIES.get(path, {}))
    assert reply.status_code == 403
    assert device.people() == ["p01", "p02"]
    await http.aclose()


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "127.0.0.1@evil"])
async def test_a_name_that_was_rebound_to_this_machine_is_not_served(device, host):
    async with client(device) as http:
        for path in ("/unlock", "/api/consults", "/metrics"):
            assert (await http.get(path, headers={"host": host})).status_code == 400


async def test_a_cookie_that_an_attacker_chose_never_becomes_a_session(device):
    http = client(device, cookies={COOKIE: "chosen"})
    form = {"person": "p01", "passphrase": f"{PASSPHRASE} p01"}
    reply = await http.post("/unlock", data=form)
    assert reply.cookies[COOKIE] != "chosen"
    await http.aclose()
    async with client(device, cookies={COOKIE: "chosen"}) as other:
        assert (await other.get("/api/consults")).status_code == 401


def asked(cookies=()):
    """A request with these cookies, as a browser would send them."""
    jar = "; ".join(f"{name}={value}" for name, value in dict(cookies).items())
    headers = [(b"cookie", jar.encode())]
    return Request({"type": "http", "method": "POST", "path": "/unlock", "headers": headers})


def given(response):
    """The cookies of a response."""
    pairs = (v.decode() for k, v in response.raw_headers if k == b"set-cookie")
    return dict(one.partition(";")[0].split("=", 1) for one in pairs)


def guess_wrong(sessions, person="p01", cookies=()):
    for _ in range(TRIES):
        with pytest.raises(WrongPassphraseError):
            sessions.unlock(asked(cookies), Response(), person, "wrong")
    with pytest.raises(TooManyTriesError):
        sessions.unlock(asked(cookies), Response(), person, "wrong")


@pytest.mark.parametrize("person", ["p01", "p02", "nobody"])
def test_a_strangers_guesses_do_not_keep_the_owner_out_of_a_browser_of_theirs(device, person):
    sessions, response = Sessions(device), Response()
    sessions.unlock(asked(), response, "p01", f"{PASSPHRASE} p01")
    mine = given(response)
    guess_wrong(sessions, person)
    sessions.unlock(asked(mine), Response(), "p01", f"{PASSPHRASE} p01")
    again = Sessions(device)  # the device was started anew
    guess_wrong(again, person)
    again.unlock(asked(mine), Response(), "p01", f"{PASSPHRASE} p01")


def test_a_browser_that_is_known_for_one_person_is_a_stranger_to_another(device):
    sessions, response = Sessions(device), Response()
    sessions.unlock(asked(), response, "p02", f"{PASSPHRASE} p02")
    theirs = [value for name, value in given(response).items() if name.startswith(KNOWN)]
    guess_wrong(sessions)
    names = {tries._name(person) for person in ("p01", "p02")}
    with pytest.raises(TooManyTriesError):
        sessions.unlock(asked(dict.fromkeys(names, theirs[0])), Response(), "p01", "wrong")


def test_guesses_in_a_browser_that_is_known_are_counted_too(device):
    sessions, response = Sessions(device), Response()
    sessions.unlock(asked(), response, "p01", f"{PASSPHRASE} p01")
    guess_wrong(sessions, cookies=given(response))


@pytest.mark.parametrize("planted", ["", "x", ".", "a.b", "id.0000"])
def test_a_cookie_that_was_made_up_does_not_make_a_browser_known(device, planted):
    sessions, response = Sessions(device), Response()
    sessions.unlock(asked(), response, "p01", f"{PASSPHRASE} p01")
    guess_wrong(sessions)
    forged = {name: planted for name in given(response) if name.startswith(KNOWN)}
    with pytest.raises(TooManyTriesError):
        sessions.unlock(asked(forged), Response(), "p01", "wrong")


async def test_guesses_at_the_passphrase_of_an_open_record_are_counted_too(device):
    http = await signed_in(device, "p01")
    page = (await http.get("/settings")).text
    token = page.partition('<meta name="csrf" content="')[2].partition('"')[0]
    headers, codes = {"x-csrf-token": token}, []
    for _ in range(TRIES + 1):
        body = {"now": "a guess", "new": "violet lantern over nine hills"}
        codes.append((await http.post("/api/passphrase", json=body, headers=headers)).status_code)
    assert codes == [*[422] * TRIES, 429]
    await http.aclose()


def test_two_who_open_one_record_at_once_leave_none_open_when_both_are_gone(device, monkeypatch):
    device.lock("p01")
    sessions, opened, real = Sessions(device), [], service._open

    def slow(*given):
        time.sleep(0.05)
        opened.append(real(*given))
        return opened[-1]

    monkeypatch.setattr(service, "_open", slow)

    def unlock(_):
        response = Response()
        sessions.unlock(asked(), response, "p01", f"{PASSPHRASE} p01")
        return given(response)

    with ThreadPoolExecutor(4) as pool:
        cookies = list(pool.map(unlock, range(4)))
    for one in cookies:
        sessions.lock(asked(one), Response())
    for vault_ in opened:
        with pytest.raises(VaultError, match="closed"):
            vault_.items("consult")


def test_opening_another_record_closes_the_one_that_was_open_in_this_browser(device):
    sessions, first, second = Sessions(device), Response(), Response()
    sessions.unlock(asked(), first, "p01", f"{PASSPHRASE} p01")
    sessions.unlock(asked(given(first)), second, "p02", f"{PASSPHRASE} p02")
    assert sessions.current(asked(given(first))) is None
    assert "p01" not in device.members
    assert sessions.current(asked(given(second))).person_id == "p02"


def test_many_guesses_at_once_do_not_pass_together(device, monkeypatch):
    sessions, looked, lock = Sessions(device), [], threading.Lock()

    def slow(_person: str, _passphrase: str, _recovery: str | None = None) -> None:
        with lock:
            looked.append(1)
        time.sleep(0.05)
        raise WrongPassphraseError("The passphrase is wrong.")

    monkeypatch.setattr(device, "unlock", slow)

    def guess(n: int) -> type[CaretierError]:
        try:
            sessions.unlock(asked(), Response(), "p01", f"guess {n}")
        except CaretierError as error:
            return type(error)
        raise AssertionError("A wrong passphrase opened it.")

    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(guess, range(20)))
    assert len(looked) == TRIES
    assert outcomes.count(TooManyTriesError) == 20 - TRIES


def test_right_passphrases_are_not_counted_as_guesses(device):
    sessions = Sessions(device)
    for _ in range(TRIES + 2):
        sessions.unlock(asked(), Response(), "p01", f"{PASSPHRASE} p01")


def test_a_browser_that_never_comes_back_does_not_leave_the_vault_open(device, monkeypatch):
    sessions = Sessions(device)
    sessions.unlock(asked(), Response(), "p01", f"{PASSPHRASE} p01")
    assert sessions.end_idle() == 0
    later = time.monotonic() + device.settings.session_minutes * 60 + 1
    monkeypatch.setattr("patient_app.sessions.time.monotonic", lambda: later)
    assert sessions.end_idle() == 1
    assert "p01" not in device.members


def test_the_programs_token_and_the_folder_are_the_users_alone(device):
    Sessions(device)
    assert (device.settings.data / "token").stat().st_mode & 0o777 == 0o600
    assert device.settings.data.stat().st_mode & 0o777 == 0o700


def test_a_token_of_another_length_or_alphabet_is_compared_without_a_crash(device):
    sessions = Sessions(device)
    for token in ("", "é" * 10, "\xff", "x" * 10_000):
        headers = [(b"authorization", b"Bearer " + token.encode("latin-1"))]
        request = Request({"type": "http", "method": "GET", "path": "/", "headers": headers})
        with pytest.raises(CaretierError):
            sessions.member(request)
