"""The bell, the list of notices, the keys and the end of a session, as a person meets them."""

from __future__ import annotations

import os
import re

import pytest
from support.axe import violations

from services.hospital.models import User
from services.hospital.notices import notify

ORIGIN = "http://localhost:8000"
LOOKS = [(390, "light", "en"), (1280, "dark", "es")]
SHOTS = os.environ.get("CARETIER_SCREENSHOTS")


def shot(page, name, look):
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}-{look[0]}-{look[1]}.png", full_page=True)


def tell(hospital, kind, *subjects):
    ana = next(user for user in hospital.accounts.users() if user.username == "ana")
    assert isinstance(ana, User)
    with hospital.database.transaction() as session:
        for subject in subjects:
            notify(session, ana.id, kind, subject)


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_a_clinician_reads_notices_and_takes_reading_back(hospital, lay, open_page, overflow, look):
    id_ = lay()
    tell(hospital, "handed-over", id_)
    tell(hospital, "red-flag", "intake-1")
    page = open_page(*look)
    page.set_default_timeout(5_000)
    page.goto(f"{ORIGIN}/portal/")
    assert page.inner_text("#bell-count") == "2"
    page.keyboard.press("g")
    page.keyboard.press("n")
    page.wait_for_url("**/portal/notices")
    assert page.locator(".notice--unread").count() == 2
    shot(page, "notices", look)
    assert violations(page) == []
    assert overflow(page) == 0
    page.click(".pagehead button")
    page.wait_for_selector(".banner--ok")
    assert page.locator(".notice--unread").count() == 0
    page.click(".banner--ok button")
    page.wait_for_selector(".notice--unread")
    page.click(f'form[action$="/open"] button[aria-label*="{id_[:8]}"]')
    page.wait_for_url(f"**/portal/referrals/{id_}")
    assert page.inner_text("#bell-count") == "1"


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_a_question_mark_shows_the_keys_and_escape_closes_them(open_page, look):
    page = open_page(*look)
    page.set_default_timeout(5_000)
    page.goto(f"{ORIGIN}/portal/notices")
    page.keyboard.press("?")
    page.wait_for_selector("#keys[open]")
    shot(page, "keys", look)
    assert violations(page) == []
    page.keyboard.press("Escape")
    assert not page.is_visible("#keys")
    page.click("#menu summary")
    page.uncheck("#shortcuts")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert not page.is_visible("#keys")


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_a_page_that_nobody_touches_warns_and_then_ends_the_session(hospital, open_page, look):
    page = open_page(*look)
    page.set_default_timeout(5_000)
    page.clock.install()
    page.goto(f"{ORIGIN}/portal/notices")
    idle = hospital.settings.session_minutes * 60_000
    page.clock.run_for(idle - 50_000)
    page.wait_for_selector("#leaving[open]")
    shot(page, "leaving", look)
    assert violations(page) == []
    page.click("#leaving-stay")
    page.wait_for_selector("#leaving", state="hidden")
    page.clock.run_for(idle - 50_000)
    page.wait_for_selector("#leaving[open]")
    page.clock.run_for(60_000)
    page.wait_for_url(re.compile(r"/portal/sign-in"))
    page.wait_for_selector("#user")
