"""From a referral's own page: take it, let it rest with a reason, hand it over, undo."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from support.looks import in_looks
from support.stage import PASSWORD, account

from services.hospital.models import Referral
from services.hospital.worklist import Wish

ORIGIN = "http://localhost:8000"
IDS = "all => all.map((one) => one.id)"


@pytest.fixture
def colleague(hospital):
    """Dr. Bo Lind."""
    return hospital.accounts.add_user("bo", PASSWORD, "Dr. Bo Lind", "clinician")


def resting(hospital, id_):
    """Whether a referral is put off."""
    with hospital.database.reading() as session:
        return session.get(Referral, id_).snoozed_until is not None


@in_looks
def test_a_referral_is_taken_snoozed_and_handed_over_from_its_page(  # noqa: PLR0917 - fixtures
    hospital, page, lay, colleague, good, said
):
    id_ = lay()
    page.goto(f"{ORIGIN}/portal/referrals/{id_}")
    page.click("form[action$=take] button")
    page.wait_for_selector("form[action$=release]")
    page.click("form[action$=snooze] button")
    page.wait_for_selector("#snooze-note")
    good(page, "referral-snooze")
    page.check("[name=choice][value=morning]")
    page.fill("#snooze-note", "Waits for a lab result")
    page.click("main form [type=submit]")
    page.wait_for_selector("#undo")
    assert resting(hospital, id_)
    page.click("#undo")
    expect(page.locator("#undo")).to_have_count(0)
    assert not resting(hospital, id_)
    page.goto(f"{ORIGIN}/portal/referrals/{id_}")
    page.click("form[action$=handover] button")
    page.select_option("#to", label="Dr. Bo Lind")
    page.fill("#handover-note", "Please look at the fever")
    good(page, "referral-handover")
    page.click("main form [type=submit]")
    page.wait_for_selector("#undo")
    assert hospital.desk.item(id_).assignee == colleague.id
    page.goto(f"{ORIGIN}/portal/referrals/{id_}")
    page.click(".holding details summary")
    assert said("worklist.snooze") in page.inner_text(".holding details")
    good(page, "referral-held")


@in_looks
def test_the_most_urgent_stand_first_and_the_oldest_of_them(hospital, page, lay, good):
    ids = {urgency: [lay(urgency=urgency) for _ in range(2)] for urgency in ("routine", "urgent")}
    alone = lay(urgency="emergency")
    page.goto(f"{ORIGIN}/portal/")
    shown = [one.removeprefix("r-") for one in page.locator(".work").evaluate_all(IDS)]
    assert shown == [alone, *ids["urgent"], *ids["routine"]]
    hospital.holding.one(Wish("take"), alone, 0, account(hospital, "ana"))
    page.click("nav.tabs a[href$='show=mine']")
    page.wait_for_url("**show=mine")
    assert page.locator(".work").evaluate_all(IDS) == [f"r-{alone}"]
    page.goto(f"{ORIGIN}/portal/?urgency=urgent&waiting=1d")
    page.wait_for_selector(".empty")
    good(page, "worklist-empty")
    page.click(".empty a")
    expect(page.locator(".work")).to_have_count(5)
