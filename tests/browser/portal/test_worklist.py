"""A clinician's worklist by keyboard alone: narrow, take, hand over, snooze, undo; and its news."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from support.looks import in_looks
from support.stage import PASSWORD, account

from services.hospital.worklist import Wish

ORIGIN = "http://localhost:8000"


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


@in_looks
def test_a_clinician_works_through_the_list_by_keyboard(hospital, page, desk, good):
    page.goto(f"{ORIGIN}/portal/")
    good(page, "worklist")

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
    good(page, "worklist-snooze")
    with page.expect_response("**/portal/api/worklist/snooze"):
        page.click("#snooze [data-close=go]")
    page.wait_for_selector(".work--gone")

    page.locator(".work:not(.work--gone) a.inboxrow").focus()
    page.keyboard.press("h")
    page.wait_for_selector("#handover[open] option >> nth=1", state="attached")
    page.select_option("#to", label="Dr. Bo Lind")
    page.fill("#handover-note", "Please look at the rash")
    good(page, "worklist-handover")
    with page.expect_response("**/portal/api/worklist/handover"):
        page.click("#handover [data-close=go]")
    page.wait_for_selector('.work[data-held="other"]')
    assert page.locator("#bell svg").count() == 1  # its count is not the list's
    good(page, "worklist-after")

    steps = {step.act for id_, _ in desk for step in hospital.holding.history(id_)}
    assert steps == {"take", "undo", "snooze", "handover"}


@in_looks
def test_a_snooze_says_beforehand_that_an_emergency_is_left_out(page, desk, said, good):
    page.goto(f"{ORIGIN}/portal/")
    boxes = page.locator('.work input[name="row"]')
    boxes.nth(0).check()
    page.locator('[data-act="snooze"]').click()
    expect(page.locator(".toast")).to_contain_text(said("worklist.none_can_wait"))
    expect(page.locator("#snooze")).not_to_be_visible()
    boxes.nth(1).check()
    page.locator('[data-act="snooze"]').click()
    expect(page.locator("#snooze [data-which]")).to_contain_text(
        said("worklist.cannot_wait", count=1)
    )
    good(page, "worklist-snooze-left-out")
    page.fill("#snooze-note", "Waits for a lab result")
    with page.expect_response("**/portal/api/worklist/snooze") as answered:
        page.click("#snooze [data-close=go]")
    assert answered.value.json()["refused"] == {}


@in_looks
def test_what_others_do_shows_in_place_and_what_comes_is_announced(  # noqa: PLR0917 - fixtures
    hospital, page, desk, lay, said, good
):
    page.goto(f"{ORIGIN}/portal/?show=nobody")
    other = account(hospital, "bo")
    taken = desk[1][0]
    hospital.holding.one(Wish("take"), taken, 0, other)
    lay(urgency="emergency")
    before = page.locator(".work a.inboxrow").evaluate_all("all => all.map(a => a.href)")
    page.evaluate("dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_selector(f"#r-{taken}.work--gone")
    assert page.locator(f"#r-{taken} [data-holder]").inner_text() == said(
        "worklist.now_with", name="Dr. Bo Lind"
    )
    assert said("inbox.fresh_emergency", fresh="").strip(": ") in page.inner_text("#fresh")
    good(page, "worklist-news")
    assert page.locator(".work a.inboxrow").evaluate_all("all => all.map(a => a.href)") == before
    page.click("#fresh")
    expect(page.locator(f"[id='r-{taken}']")).to_have_count(0)
    expect(page.locator(".work")).to_have_count(len(desk))


@in_looks
def test_a_plain_form_asks_and_the_list_offers_the_way_back(hospital, page, desk, good):
    page.goto(f"{ORIGIN}/portal/?urgency=routine")
    page.evaluate(  # its modules hear nothing of a copy: as without scripts
        "(form => form.replaceWith(form.cloneNode(true)))(document.getElementById('desk'))"
    )
    page.check('.work input[name="row"] >> nth=0')
    page.click('[data-act="snooze"]')
    page.wait_for_selector('form[action="/portal/worklist/snooze"] [type=submit]')
    good(page, "worklist-choice")
    ana = account(hospital, "ana")
    batch = hospital.holding.act(Wish("take"), [(id_, 0) for id_, _ in desk], ana).batch
    page.goto(f"{ORIGIN}/portal/?urgency=routine&done={batch}")
    assert page.locator("#undo").is_visible()
    good(page, "worklist-undo")
