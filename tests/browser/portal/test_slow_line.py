"""On a slow line: what is pressed again before the reply came is done once, in its order."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from support.stage import PASSWORD

ORIGIN = "http://localhost:8000"


@pytest.fixture
def hold(page):
    """Keeps back what a page sends to an address; gives the list of it, to be let go."""

    def keep(address):
        kept = []

        def take(route):
            kept.append(route)

        page.route(address, take)
        return kept

    return keep


def test_a_key_that_is_pressed_twice_takes_once_and_undo_waits_for_it(hospital, page, lay, hold):
    ids = [lay() for _ in range(3)]
    page.goto(f"{ORIGIN}/portal/")
    expect(page.locator("#fresh")).to_have_count(1)
    page.wait_for_load_state("networkidle")
    page.keyboard.press("j")
    page.keyboard.press("t")
    expect(page.locator('.work[data-held="mine"]')).to_have_count(1)
    page.keyboard.press("j")
    kept = hold("**/portal/api/worklist/take")
    with page.expect_request("**/portal/api/worklist/take"):
        page.keyboard.press("t")
    page.keyboard.press("t")
    page.keyboard.press("u")
    with page.expect_response("**/portal/api/worklist/undo") as undone:
        kept.pop().continue_()
    assert undone.value.ok
    expect(page.locator('.work[data-held="mine"]')).to_have_count(1)
    expect(page.locator(".toast--problem")).to_have_count(0)
    steps = sorted([step.act for step in hospital.holding.history(id_)] for id_ in ids)
    assert steps == [[], ["take"], ["take", "undo"]]
    assert kept == []


def test_a_dialog_that_two_keys_asked_for_names_each_colleague_once(hospital, page, lay, hold):
    hospital.accounts.add_user("bo", PASSWORD, "Dr. Bo Lind", "clinician")
    lay()
    page.goto(f"{ORIGIN}/portal/")
    page.wait_for_load_state("networkidle")
    kept = hold("**/portal/api/colleagues")
    page.keyboard.press("j")
    with page.expect_request("**/portal/api/colleagues"):
        page.keyboard.press("h")
    page.keyboard.press("h")
    for one in kept:
        one.continue_()
    expect(page.locator("#handover")).to_be_visible()
    expect(page.locator("#to option")).to_have_count(2)  # nobody yet, and Bo


def test_a_form_is_sent_once_however_often_its_button_is_pressed(page):
    page.goto(f"{ORIGIN}/portal/phrases")
    page.wait_for_load_state("networkidle")
    page.fill("#title", "Walk")
    page.fill("#english", "Walk a little every day.")
    sent = []
    page.on("request", lambda one: sent.append(one.url) if one.method == "POST" else None)
    page.dblclick("#new [type=submit]")
    page.wait_for_url("**/phrases/*-*")
    assert sent == [f"{ORIGIN}/portal/phrases"]
