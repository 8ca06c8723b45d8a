"""The operators' pages: what is wrong stands first, jobs are tried again, it keeps current."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest
from support.axe import violations

from services.hospital.models import Job

ORIGIN = "http://localhost:8000"
PASSWORD = "a long enough password"
LOOKS = [(390, "light", "en"), (1280, "dark", "es")]
TABS = ("", "/nodes", "/queues", "/rounds", "/versions")
SHOTS = os.environ.get("CARETIER_SCREENSHOTS")


def add_dead(hospital, *kinds):
    now = datetime.now(UTC)
    with hospital.database.transaction() as session:
        for kind in kinds:
            job = Job(id=f"{kind}:x", kind=kind, subject="x", state="dead", due=now, created=now)
            job.attempts, job.error = 20, "TimeoutError"
            session.add(job)


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_an_operator_sees_what_is_wrong_and_tries_a_job_again(hospital, open_page, overflow, look):
    hospital.accounts.add_user("op", PASSWORD, "Sam Lee", "operator")
    add_dead(hospital, "open-referral", "learn-edit")
    page = open_page(*look, user="op")
    page.set_default_timeout(20_000)
    found = []
    for tab in TABS:
        page.goto(f"{ORIGIN}/portal/system{tab}")
        found += [f"{tab}: {one}" for one in violations(page)]
        found += [f"{tab}: wider than its window"] if overflow(page) else []
        if SHOTS:
            name = f"{SHOTS}/system{tab.replace('/', '-')}-{look[0]}-{look[1]}.png"
            page.screenshot(path=name, full_page=True)
    assert found == [], "\n".join(found)
    page.goto(f"{ORIGIN}/portal/system/queues")
    assert page.locator('form[action$="/drop"]').count() == 1  # nobody drops what a patient awaits
    page.click('form[action$="/retry"] button >> nth=0')
    page.wait_for_url("**/queues?did=retried")
    page.click('form[action$="/drop"] button, form[action$="/retry"] button')
    page.wait_for_url("**/queues?did=*")


def test_a_page_of_the_system_exchanges_what_changed_and_leaves_the_focus(hospital, open_page):
    hospital.accounts.add_user("op", PASSWORD, "Sam Lee", "operator")
    page = open_page(1280, "light", "en", user="op")
    page.set_default_timeout(20_000)
    page.clock.install()
    page.goto(f"{ORIGIN}/portal/system")
    page.focus("nav.tabs a >> nth=2")
    assert page.locator('#live-headline:has-text("given up")').count() == 0
    add_dead(hospital, "learn-edit")
    page.clock.run_for(11_000)
    page.wait_for_selector('.checkrow--warn:has-text("Given-up jobs")')
    assert page.evaluate("document.activeElement.textContent.trim()") == "Queues"
    page.keyboard.press("p")
    assert "Paused" in page.inner_text("#live-state")
