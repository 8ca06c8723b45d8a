"""Making people on a device: who may, who may not, and that no record reaches another's."""

from __future__ import annotations

import json

import httpx
import pytest

from patient_app.app import create
from patient_app.newcomers import MAX_PEOPLE
from patient_app.service import Device
from patient_app.sessions import COOKIE
from patient_app.settings import DeviceSettings
from patient_app.vault import KdfParameters, vault

PASSPHRASE = "four unrelated plain words"
FORM = {
    "label": "Ana",
    "carer": "no",
    "language": "en",
    "passphrase": PASSPHRASE,
    "again": PASSPHRASE,
}


@pytest.fixture
def device(tmp_path, monkeypatch):
    cheap = KdfParameters(memory_kib=64, passes=1, lanes=1)
    monkeypatch.setattr(vault, "KdfParameters", lambda: cheap)
    made = Device(DeviceSettings(data=tmp_path / "device"))
    yield made
    for person in list(made.members):
        made.lock(person)


@pytest.fixture
def app(device):
    return create(device.settings, device)


@pytest.fixture
def browsers(app):
    """Makes browsers of their own cookies."""

    def browser(**changes) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", **changes)

    return browser


async def _token(browser: httpx.AsyncClient) -> str:
    html = (await browser.get("/family")).text
    return html.split('name="csrf" content="')[1].split('"')[0]


async def test_the_first_person_needs_nobodys_word_and_is_let_in(device, browsers):
    async with browsers() as browser:
        assert "/start" in (await browser.get("/unlock")).text
        reply = await browser.post("/start/you", data=FORM)
        assert (reply.status_code, reply.headers["location"]) == (303, "/start/recovery")
        assert "httponly" in reply.headers["set-cookie"].lower()
        assert "Ana" in (await browser.get("/")).text
    (person,) = device.people()
    assert "ana" not in person
    assert PASSPHRASE not in (device.settings.data / "people.json").read_text()
    assert (device.settings.data / "people.json").stat().st_mode & 0o777 == 0o600


async def test_a_stranger_cannot_add_a_person_beside_those_who_are_there(device, browsers):
    async with browsers() as first, browsers() as stranger:
        await first.post("/start/you", data=FORM)
        for path in ("/start", "/start/you"):
            reply = await stranger.get(path)
            assert reply.headers["location"] == "/unlock"
        assert (await stranger.post("/start/you", data=FORM)).status_code == 403
    assert len(device.people()) == 1


@pytest.mark.parametrize(
    "headers",
    [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "http://evil"}],
)
async def test_a_foreign_page_cannot_make_a_person_or_change_over(device, browsers, headers):
    async with browsers(headers=headers) as browser:
        assert (await browser.post("/start/you", data=FORM)).status_code == 403
        assert (await browser.post("/switch", data={"person": "x"})).status_code == 403
    assert device.people() == []


async def test_adding_and_changing_over_need_the_token_of_the_session(device, browsers):
    async with browsers() as browser:
        await browser.post("/start/you", data=FORM)
        for csrf in ("", "guess"):
            form = {**FORM, "label": "Bo", "csrf": csrf}
            assert (await browser.post("/start/you", data=form)).status_code == 403
            reply = await browser.post("/switch", data={"csrf": csrf})
            assert reply.status_code == 403
        choices = {"country": "ES", "csrf": "guess"}
        assert (await browser.post("/start/choices", data=choices)).status_code == 403
        assert (await browser.get("/family")).status_code == 200
    assert len(device.people()) == 1


async def test_the_session_of_one_person_reaches_nothing_of_another(device, browsers):
    async with browsers() as browser:
        await browser.post("/start/you", data=FORM)
        (first,) = device.people()
        with device.members[first].vault.write() as tx:
            tx.put("consult", "c1", {"question": "a secret", "asked": "2026-11-21", "answer": {}})
        before = browser.cookies[COOKIE]
        form = {**FORM, "label": "Ben", "carer": "yes", "csrf": await _token(browser)}
        assert (await browser.post("/start/you", data=form)).status_code == 303
        assert browser.cookies[COOKIE] != before
        assert first not in device.members  # the other's record was closed
        assert (await browser.get("/api/consults")).json() == {"consults": []}
        for method, path in (
            ("GET", "/api/consults/c1"),
            ("DELETE", "/api/consults/c1"),
            ("PUT", "/api/consults/c1/signal"),
        ):
            headers = {"x-csrf-token": await _token(browser)}
            reply = await browser.request(method, path, headers=headers, json={"verdict": "up"})
            assert reply.status_code == 404
            assert b"secret" not in reply.content
        html = (await browser.get("/family")).text
        assert "Ana" in html
        assert "somebody who cares" in html.lower()
        old = {"cookie": f"{COOKIE}={before}"}
        async with browsers(headers=old) as other:
            assert (await other.get("/api/consults")).status_code == 401


async def test_changing_over_closes_the_record_and_asks_for_the_others_passphrase(device, browsers):
    async with browsers() as browser:
        await browser.post("/start/you", data=FORM)
        (first,) = device.people()
        form = {**FORM, "label": "Ben", "csrf": await _token(browser)}
        await browser.post("/start/you", data=form)
        (second,) = set(device.people()) - {first}
        form = {"person": first, "csrf": await _token(browser)}
        reply = await browser.post("/switch", data=form)
        assert reply.headers["location"] == f"/unlock?person={first}"
        assert second not in device.members
        assert (await browser.get("/api/consults")).status_code == 401


async def test_changing_over_leads_to_nobody_who_is_not_here(browsers):
    async with browsers() as browser:
        await browser.post("/start/you", data=FORM)
        form = {"person": "//evil.example", "csrf": await _token(browser)}
        assert (await browser.post("/switch", data=form)).headers["location"] == "/unlock"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"label": " "}, "Write a name"),
        ({"label": "x" * 41}, "Write a name"),
        ({"born": "2999-01-01"}, "not a day in the past"),
        ({"born": "soon"}, "not a day in the past"),
        ({"passphrase": "short", "again": "short"}, "too short"),
        ({"passphrase": "ababababab", "again": "ababababab"}, "first that are guessed"),
        ({"passphrase": "Ana1234567", "again": "Ana1234567"}, "little more than the name"),
        ({"again": "something else"}, "not the same"),
    ],
)
async def test_a_form_that_cannot_be_taken_says_why_keeps_the_words_and_no_passphrase(
    device, browsers, changes, words
):
    async with browsers() as browser:
        reply = await browser.post("/start/you", data={**FORM, **changes})
    assert reply.status_code == 422
    assert words in reply.text.partition("<main")[2].partition("</main")[0]
    assert PASSPHRASE not in reply.text
    assert "set-cookie" not in reply.headers
    assert device.people() == []


async def test_a_device_takes_so_many_people_and_says_so(device, browsers):
    async with browsers() as browser:
        await browser.post("/start/you", data=FORM)
        for number in range(MAX_PEOPLE - 1):
            device.add(f"p{number}", PASSPHRASE)
        form = {**FORM, "csrf": await _token(browser)}
        reply = await browser.post("/start/you", data=form)
        assert reply.status_code == 422
        assert "no room" in reply.text
    assert len(device.people()) == MAX_PEOPLE


async def test_a_person_who_is_erased_is_named_nowhere_any_more(device, browsers):
    async with browsers() as browser:
        await browser.post("/start/you", data=FORM)
        headers = {"x-csrf-token": await _token(browser)}
        reply = await browser.post("/api/erase", json={"confirm": "erase"}, headers=headers)
        assert reply.json()["receipt"]["signature"]
        assert "Ana" not in (await browser.get("/unlock")).text
    assert json.loads((device.settings.data / "people.json").read_text()) == {}
    assert device.people() == []


@pytest.mark.parametrize("path", ["/start/recovery", "/start/choices", "/start/bring", "/family"])
async def test_what_follows_the_vault_is_behind_its_session(browsers, path):
    async with browsers() as browser:
        reply = await browser.get(path)
        assert reply.status_code == 303
        assert reply.headers["location"].startswith("/unlock")


async def test_age_and_language_of_somebody_cared_for_come_from_their_own_profile(device, browsers):
    async with browsers() as browser:
        form = {**FORM, "carer": "yes", "language": "es", "born": "2024-01-31"}
        await browser.post("/start/you", data=form)
        (member,) = device.members.values()
        assert member.person().age_years in range(1, 5)
        assert member.person().language == "es"
        csrf = await _token(browser)
        choices = {"country": "MX", "local_only": "yes", "csrf": csrf}
        reply = await browser.post("/start/choices", data=choices)
        assert reply.headers["location"] == "/start/bring"
        assert member.person().country == "MX"
        assert member.profile["local_only"] is True
        assert member.profile["carer"] is True
