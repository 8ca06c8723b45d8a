"""The page of the design in a real Chromium: accessible, from a small phone to 4K."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from support.looks import in_looks

ORIGIN = "http://localhost:8000"


@in_looks
def test_every_component_is_accessible_in_both_themes_and_its_dialog_opens(page, good):
    page.goto(f"{ORIGIN}/portal/design")
    good(page, "design")
    page.click("#dark-dialog-opens")
    assert page.locator("#dark-dialog").is_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#dark-dialog-opens")).to_be_focused()


@pytest.mark.parametrize("width", [360, 3840])
def test_text_keeps_its_measure_and_stays_in_the_middle_from_360_pixels_to_4k(
    open_page, overflow, width
):
    page = open_page(width)
    page.goto(f"{ORIGIN}/portal/design")
    assert overflow(page) == 0
    widest = page.evaluate(
        "Math.max(...[...document.querySelectorAll('p.read')].map((p) => p.offsetWidth /"
        " parseFloat(getComputedStyle(p).fontSize)))"
    )
    assert widest <= 48  # em: some 90 signs
    left, right = page.evaluate(
        "(({left, right}) => [left, innerWidth - right])"
        "(document.querySelector('main').getBoundingClientRect())"
    )
    assert abs(left - right) <= 20


def test_with_forced_colours_and_without_motion_nothing_is_lost(open_page):
    page = open_page(1280)
    page.emulate_media(forced_colors="active", reduced_motion="reduce")
    page.goto(f"{ORIGIN}/portal/design")
    bare = page.evaluate(
        "[...document.querySelectorAll('.themes__one :is(.button:not(.button--quiet), .input)')]"
        ".filter((e) => getComputedStyle(e).borderTopWidth === '0px').length"
    )
    assert bare == 0
    moving = page.evaluate(
        "document.getAnimations()"
        ".filter((a) => a.effect.getTiming().iterations === Infinity).length"
    )
    assert moving == 0


def test_what_is_chosen_shows_where_colours_are_the_persons_own(page):
    page.emulate_media(forced_colors="active")
    page.goto(f"{ORIGIN}/portal/design")
    for tabs in page.locator(".tabs").all():
        kinds = "one => getComputedStyle(one).backgroundColor"
        chosen = tabs.locator('> [aria-selected="true"], > [aria-current="page"]')
        rest = tabs.locator(':scope > :not([aria-selected="true"], [aria-current="page"])')
        assert chosen.evaluate(kinds) != rest.first.evaluate(kinds)
