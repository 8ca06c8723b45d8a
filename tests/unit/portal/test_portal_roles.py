"""Who may do what: every role at every route."""

from __future__ import annotations

import pytest

ROLES = {"ana": "clinician", "op": "operator", "pri": "privacy"}
ALLOWED = {
    "inbox": {"ana": 200, "op": 303, "pri": 200},
    "referral": {"ana": 200, "op": 403, "pri": 200},
    "counts": {"ana": 200, "op": 403, "pri": 200},
    "session": {"ana": 204, "op": 204, "pri": 204},
    "system": {"ana": 200, "op": 200, "pri": 403},
    "lookup": {"ana": 200, "op": 403, "pri": 403},
    "chart": {"ana": 200, "op": 403, "pri": 403},
    "chart_json": {"ana": 200, "op": 403, "pri": 403},
    "referral_json": {"ana": 200, "op": 403, "pri": 200},
}
PATHS = {
    "inbox": "/portal/",
    "referral": "/portal/referrals/{id}",
    "counts": "/portal/api/counts",
    "session": "/portal/api/session",
    "system": "/portal/system",
    "lookup": "/portal/patients",
    "chart": "/portal/patients/me",
    "chart_json": "/portal/api/patients/me/summary",
    "referral_json": "/portal/api/referrals/{id}/summary",
}
PERSON = {"resourceType": "Patient", "id": "me", "name": [{"family": "Secretname"}]}


@pytest.fixture
async def signed_in(open_browser):
    async def open_as(user: str):
        browser = open_browser()
        assert (await browser.sign_in(user)).status_code == 303
        return browser

    return open_as


@pytest.mark.parametrize("user", ROLES)
@pytest.mark.parametrize("route", PATHS)
async def test_a_role_reads_what_it_may(signed_in, clinic, user, route):
    browser, id_ = await signed_in(user), clinic.refer()
    clinic.record(PERSON)
    answer = await browser.get(PATHS[route].format(id=id_))
    assert answer.status_code == ALLOWED[route][user]
    assert answer.headers["cache-control"] == "no-store" or answer.status_code == 403
    assert "Secretname" not in answer.text or ALLOWED[route][user] == 200


@pytest.mark.parametrize("user", ["op", "pri"])
async def test_only_a_clinician_saves_and_signs(signed_in, clinic, user):
    browser, id_ = await signed_in(user), clinic.refer()
    assert (await browser.save(id_, "x")).status_code == 403
    assert (await browser.sign(id_, "x")).status_code == 403
    assert clinic.desk.item(id_).version == 0
    assert clinic.reply(id_) is None


@pytest.mark.parametrize("route", ["inbox", "referral", "system", "lookup", "chart"])
async def test_whoever_is_not_signed_in_is_led_to_the_sign_in_page(open_browser, clinic, route):
    answer = await open_browser().get(PATHS[route].format(id=clinic.refer()))
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/portal/sign-in")


@pytest.mark.parametrize("route", ["counts", "session", "chart_json", "referral_json"])
async def test_the_api_says_401_to_whoever_is_not_signed_in(open_browser, route):
    answer = await open_browser().get(PATHS[route])
    assert answer.status_code == 401
    assert answer.json()["type"] == "urn:caretier:problem:not-signed-in"


async def test_nobody_saves_or_signs_without_a_session(open_browser, clinic):
    browser, id_ = open_browser(), clinic.refer()
    body = {"text": "x", "version": 0}
    assert (await browser.post(f"/portal/api/referrals/{id_}/save", json=body)).status_code == 401
    answer = await browser.post(f"/portal/referrals/{id_}/sign", {"text": "x", "version": "0"})
    assert answer.headers["location"] == f"/portal/sign-in?next=/portal/referrals/{id_}"
    assert clinic.reply(id_) is None


async def test_an_operator_lands_on_the_system_page(open_browser):
    browser = open_browser()
    assert (await browser.sign_in("op")).headers["location"] == "/portal/"
    assert (await browser.get("/portal/")).headers["location"] == "/portal/system"
    page = (await browser.get("/portal/system")).text
    assert 'href="/portal/system" aria-current="page"' in page
    assert ">Inbox<" not in page


async def test_a_privacy_officer_reads_without_a_form(signed_in, clinic):
    browser, id_ = await signed_in("pri"), clinic.refer()
    page = (await browser.get(f"/portal/referrals/{id_}")).text
    assert "You may read this referral" in page
    assert "<textarea" not in page
    assert "/sign" not in page.replace("/portal/sign-", "")
    assert clinic.reads == [("pri", id_)]


async def test_the_system_pages_show_figures_and_nothing_of_a_referral(signed_in, clinic):
    clinic.refer("A secret ailment")
    browser, told = await signed_in("op"), ""
    for tab in ("", "/nodes", "/queues", "/rounds", "/versions"):
        answer = await browser.get(f"/portal/system{tab}")
        assert answer.status_code == 200
        told += answer.text
    assert "Look at this when you can: Disk" in told
    assert "abc123" in told
    assert "Waiting" in told
    assert "secret" not in told
