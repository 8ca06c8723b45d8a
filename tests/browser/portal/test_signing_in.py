"""Signing in as a person does, over real sockets: a slip, a second factor, a recovery code."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from support.looks import in_looks, portal_says, sound
from support.served import served
from support.stage import PASSWORD, a_hospital

from compliance.access import totp
from services.hospital.app import create


@pytest.fixture
def address(tmp_path):
    """A hospital on loopback."""
    with (
        a_hospital(tmp_path) as hospital,
        served(lambda _: create(hospital.settings, hospital), lifespan="off") as found,
    ):
        yield found


@pytest.fixture
def page(chromium, look):
    """A page that nobody signed in on."""
    context = chromium.new_context(
        viewport={"width": look.width, "height": 844},
        color_scheme=look.theme,
        locale=look.language,
        reduced_motion="reduce",
    )
    yield context.new_page()
    context.close()


def sign_in(page, password):
    """Give name and password by keyboard alone."""
    page.wait_for_selector("#user:focus")
    page.keyboard.type("ana")
    page.keyboard.press("Tab")
    page.keyboard.type(password)
    page.keyboard.press("Enter")


@in_looks
def test_a_clinician_signs_in_by_keyboard_and_lands_where_they_wanted_to_go(page, address, look):
    page.goto(f"{address}/portal/sign-in?next=/portal/phrases")
    sign_in(page, "something else entirely")
    page.wait_for_selector(".banner--problem")
    assert sound(page, "sign-in", look) == []
    page.reload()
    sign_in(page, PASSWORD)
    page.wait_for_url(f"{address}/portal/phrases")
    assert page.inner_text("h1") == portal_says(look.language, "phrases.title")


@in_looks
def test_a_second_factor_is_set_up_and_asked_for(page, address, look):
    page.goto(f"{address}/portal/sign-in?next=/portal/second-factor")
    sign_in(page, PASSWORD)
    page.wait_for_selector("#start")
    assert sound(page, "factor", look) == []
    page.fill("#password", PASSWORD)
    page.click("#start [type=submit]")
    page.wait_for_selector("#secret")
    secret = base64.b32decode("".join(page.inner_text("#secret").split()))
    assert sound(page, "factor-enrol", look) == []
    page.fill("#code", totp.code_at(secret, datetime.now(UTC)))
    page.keyboard.press("Enter")
    page.wait_for_selector("#codes li")
    recovery = page.locator("#codes li").first.inner_text()
    assert sound(page, "factor-codes", look) == []
    page.context.clear_cookies()
    page.goto(f"{address}/portal/sign-in")
    sign_in(page, PASSWORD)
    page.wait_for_selector("#factor")
    page.fill("#code", "000000")
    page.keyboard.press("Enter")
    page.wait_for_selector("#factor .banner--problem")
    assert sound(page, "factor-wrong", look) == []
    page.fill("#code", recovery)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}/portal/")
