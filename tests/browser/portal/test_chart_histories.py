"""Curves and timeline in a real Chromium, on phone and desktop, in both themes and languages."""

from __future__ import annotations

import pytest
from support.looks import in_looks

PATIENT = "http://localhost:8000/portal/patients/p01"

pytestmark = pytest.mark.usefixtures("treated")


@in_looks
def test_curves_and_timeline_fit_every_window(page, good):
    page.goto(PATIENT)
    page.click("nav.tabs a[href$='/trends']")
    page.wait_for_url("**/trends")
    assert page.locator(".curve__plot").count() >= 2
    assert page.locator(".curve__band").count() >= 1
    assert page.locator("nav.tabs [aria-current=page]").count() == 1
    good(page, "trends")
    page.click("nav.tabs a[href$='/timeline']")
    page.wait_for_url("**/timeline")
    assert page.locator(".timeline__day").count() >= 2
    good(page, "timeline")


@in_looks
def test_the_figures_behind_a_curve_lead_to_their_resources(page):
    page.goto(f"{PATIENT}/trends")
    page.locator(".curve__figures summary").first.press("Enter")
    links = page.locator(".curve__figures[open] a.resource")
    assert links.count() >= 2
    assert links.first.get_attribute("href").startswith(
        "/portal/patients/p01/resources/Observation/p01-"
    )


@in_looks
def test_a_kind_and_a_year_are_chosen_by_keyboard(page, said):
    page.goto(f"{PATIENT}/timeline")
    chosen = page.locator(".choices a[href$='kind=results']")
    chosen.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**kind=results*")
    assert {t.strip() for t in page.locator(".chartline__text .soft").all_inner_texts()} == {
        said("timeline.kind.results")
    }
    page.locator(".years a").last.click()
    page.wait_for_url("**year=*")
    page.wait_for_selector(".years [aria-current=true]")
    assert page.locator(".years [aria-current=true]").count() == 1
