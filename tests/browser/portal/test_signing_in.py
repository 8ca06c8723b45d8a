"""Signing in as a person does: a slip, a second factor that is set up, a recovery code."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

from support.looks import in_looks
from support.stage import PASSWORD

from compliance.access import totp

ORIGIN = "http://localhost:8000"


def sign_in(page, password):
    """Give name and password by keyboard alone."""
    page.wait_for_selector("#user:focus")
    page.keyboard.type("ana")
    page.keyboard.press("Tab")
    page.keyboard.type(password)
    page.keyboard.press("Enter")


@in_looks
def test_a_clinician_signs_in_by_keyboard_and_lands_where_they_wanted_to_go(page, said, good):
    page.context.clear_cookies()
    page.goto(f"{ORIGIN}/portal/sign-in?next=/portal/phrases")
    sign_in(page, "something else entirely")
    page.wait_for_selector(".banner--problem")
    good(page, "sign-in")
    page.reload()
    sign_in(page, PASSWORD)
    page.wait_for_selector("#new #title")
    assert page.url == f"{ORIGIN}/portal/phrases"
    assert page.inner_text("h1") == said("phrases.title")


@in_looks
def test_a_second_factor_is_set_up_and_asked_for(page, good):
    page.goto(f"{ORIGIN}/portal/second-factor")
    good(page, "factor")
    page.fill("#password", PASSWORD)
    page.click("#start [type=submit]")
    page.wait_for_selector("#secret")
    secret = base64.b32decode("".join(page.inner_text("#secret").split()))
    good(page, "factor-enrol")
    page.fill("#code", totp.code_at(secret, datetime.now(UTC)))
    page.keyboard.press("Enter")
    page.wait_for_selector("#codes li")
    recovery = page.locator("#codes li").first.inner_text()
    good(page, "factor-codes")
    page.context.clear_cookies()
    page.goto(f"{ORIGIN}/portal/sign-in")
    sign_in(page, PASSWORD)
    page.wait_for_selector("#factor")
    page.fill("#code", "000000")
    page.keyboard.press("Enter")
    page.wait_for_selector("#factor .banner--problem")
    good(page, "factor-wrong")
    page.fill("#code", recovery)
    page.keyboard.press("Enter")
    page.wait_for_selector("#rows")
