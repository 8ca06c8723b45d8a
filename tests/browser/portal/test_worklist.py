"""A clinician's worklist by keyboard alone: narrow, take, hand over, snooze, undo; and its news."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.axe import violations

from services.hospital.worklist import Wish

ORIGIN = "http://localhost:8000"
PASSWORD = "a long enough password"
SHOTS = os.environ.get("CARETIER_SCREENSHOTS")


def shoot(page, name):
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"worklist-{name}.png", full_page=True)


@pytest.fixture
def desk(hospital, lay):
    """Six referrals and a colleague; gives ids by urgency."""
    hospital.accounts.add_user("bo", PASSWORD, "Dr. Bo Lind", "clinician")
    urgencies = ("emergency", "urgent", "urgent", "routine", "routine", "routine")
    words = "I have had a fever since [DATE-1] and my chest feels tight. Is it flu?"
    return [(lay(words, urgency=urgency), urgency) for urgency in urgencies]


def shortcut(page, key, change):
    """Press a key and wait for the call that it makes."""
    with page.expect_response(f"**/portal/api/worklist/{change}") as answered:
        page.keyboard.press(key)
    assert answered.value.ok
    page.wait_for_function("document.activeElement !== document.body || true")


@pytest.mark.parametrize(
    ("width", "theme", "language"), [(390, "light", "en"), (1280, "dark", "es")]
)
def test_a_clinician_works_through_the_list_by_keyboard(  # noqa: PLR0917 - fixtures
    hospital, open_page, overflow, desk, width, theme, language
):
    page = open_page(width, theme, language)
    page.goto(f"{ORIGIN}/portal/")
    assert violations(page) == []
    assert overflow(page) == 0
    shoot(page, f"{width}-{theme}")

    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.closest('#filters') !== null")
    page.click('#filters a[href*="urgency=urgent"]')
    page.wait_for_url("**urgency=urgent*")
    assert page.locator(".work").count() == 2
    assert page.locator("#hidden").is_visible()  # an emergency waits outside these filters

    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    shortcut(page, "t", "take")
    page.wait_for_selector('.work--changed[data-held="mine"] >> nth=1')
    assert page.locator(".toast button").count() == 1

    shortcut(page, "u", "undo")
    page.wait_for_selector('.work[data-held="nobody"] >> nth=1')

    page.keyboard.press("j")
    page.keyboard.press("s")
    page.wait_for_selector("#snooze[open]")
    page.fill("#snooze-note", "Waits for a lab result")
    assert violations(page) == []
    shoot(page, f"{width}-{theme}-snooze")
    with page.expect_response("**/portal/api/worklist/snooze"):
        page.click("#snooze [data-close=go]")
    page.wait_for_selector(".work--gone")

    page.locator(".work:not(.work--gone) a.inboxrow").focus()
    page.keyboard.press("h")
    page.wait_for_selector("#handover[open] option >> nth=1", state="attached")
    page.select_option("#to", label="Dr. Bo Lind")
    page.fill("#handover-note", "Please look at the rash")
    shoot(page, f"{width}-{theme}-handover")
    with page.expect_response("**/portal/api/worklist/handover"):
        page.click("#handover [data-close=go]")
    page.wait_for_selector('.work[data-held="other"]')
    assert overflow(page) == 0
    assert page.locator("#bell svg").count() == 1  # its count is not the list's
    assert violations(page) == []
    shoot(page, f"{width}-{theme}-after")

    steps = {step.act for id_, _ in desk for step in hospital.holding.history(id_)}
    assert steps == {"take", "undo", "snooze", "handover"}


def test_what_others_do_shows_in_place_and_what_comes_is_announced(hospital, page, desk, lay):
    page.goto(f"{ORIGIN}/portal/?show=nobody")
    other = hospital.accounts.check("bo", PASSWORD)
    taken = desk[1][0]
    hospital.holding.one(Wish("take"), taken, 0, other)
    lay(urgency="emergency")
    before = page.locator(".work a.inboxrow").evaluate_all("all => all.map(a => a.href)")
    page.evaluate("dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_selector(f"#r-{taken}.work--gone")
    assert page.locator(f"#r-{taken} [data-holder]").inner_text() == "Now with Dr. Bo Lind"
    assert "there is an emergency" in page.inner_text("#fresh")
    assert page.locator(".work a.inboxrow").evaluate_all("all => all.map(a => a.href)") == before
    page.click("#fresh")
    page.wait_for_function(f"!document.getElementById('r-{taken}')")
    assert page.locator(".work").count() == len(desk)


def test_a_plain_form_asks_and_the_list_offers_the_way_back(hospital, page, desk):
    page.goto(f"{ORIGIN}/portal/?urgency=routine")
    page.evaluate(  # its modules hear nothing of a copy: as without scripts
        "(form => form.replaceWith(form.cloneNode(true)))(document.getElementById('desk'))"
    )
    page.check('.work input[name="row"] >> nth=0')
    page.click('[data-act="snooze"]')
    page.wait_for_selector('form[action="/portal/worklist/snooze"] [type=submit]')
    assert violations(page) == []
    ana = hospital.accounts.check("ana", PASSWORD)
    batch = hospital.holding.act(Wish("take"), [(id_, 0) for id_, _ in desk], ana).batch
    page.goto(f"{ORIGIN}/portal/?urgency=routine&done={batch}")
    assert page.locator("#undo").is_visible()
    assert violations(page) == []
