"""The bell, the list of notices, the keys and the end of a session, as a person meets them."""

from __future__ import annotations

import re

from playwright.sync_api import expect
from support.looks import in_looks
from support.stage import account

from services.hospital.notices import notify

ORIGIN = "http://localhost:8000"


def tell(hospital, kind, *subjects):
    with hospital.database.transaction() as session:
        for subject in subjects:
            notify(session, account(hospital, "ana").id, kind, subject)


@in_looks
def test_a_clinician_reads_notices_and_takes_reading_back(hospital, lay, page, good):
    id_ = lay()
    tell(hospital, "handed-over", id_)
    tell(hospital, "red-flag", "intake-1")
    page.goto(f"{ORIGIN}/portal/")
    assert page.inner_text("#bell-count") == "2"
    page.keyboard.press("g")
    page.keyboard.press("n")
    page.wait_for_url("**/portal/notices")
    assert page.locator(".notice--unread").count() == 2
    good(page, "notices")
    page.click(".pagehead button")
    page.wait_for_selector(".banner--ok")
    expect(page.locator(".notice--unread")).to_have_count(0)
    page.click(".banner--ok button")
    page.wait_for_selector(".notice--unread")
    page.click(f'form[action$="/open"] button[aria-label*="{id_[:8]}"]')
    page.wait_for_url(f"**/portal/referrals/{id_}")
    assert page.inner_text("#bell-count") == "1"


@in_looks
def test_a_question_mark_shows_the_keys_and_escape_closes_them(page, good):
    page.goto(f"{ORIGIN}/portal/notices")
    page.keyboard.press("?")
    page.wait_for_selector("#keys[open]")
    good(page, "keys")
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    page.click("#menu summary")
    page.uncheck("#shortcuts")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert not page.is_visible("#keys")


@in_looks
def test_a_page_that_nobody_touches_warns_and_then_ends_the_session(hospital, page, good):
    page.clock.install()
    page.goto(f"{ORIGIN}/portal/notices")
    idle = hospital.settings.session_minutes * 60_000
    page.clock.run_for(idle - 50_000)
    page.wait_for_selector("#leaving[open]")
    good(page, "leaving")
    page.click("#leaving-stay")
    page.wait_for_selector("#leaving", state="hidden")
    page.clock.run_for(idle - 50_000)
    page.wait_for_selector("#leaving[open]")
    page.clock.run_for(60_000)
    page.wait_for_url(re.compile(r"/portal/sign-in"))
    page.wait_for_selector("#user")
