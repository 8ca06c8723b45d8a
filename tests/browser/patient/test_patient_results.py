"""A person reads their results: curve, range, what changed, what the test is for, and asks."""

from __future__ import annotations

from support.looks import device_says, in_looks

from tests.browser.patient.home import flaws, overflow, shot


@in_looks
def test_results_are_drawn_explained_and_lead_to_a_question(home, chromium, look):
    page = home.open(chromium, *look, "/results")
    page.wait_for_selector(".curve__plot")
    assert page.locator(".curve__band").count() >= 1
    page.locator(".leaflet summary").first.click()
    assert page.locator(".sourced figcaption a").first.is_visible()
    page.locator(".curve__figures summary").first.click()
    assert overflow(page) <= 0
    assert flaws(page) == []
    shot(page, f"results-{look[0]}-{look[1]}")
    asked = page.locator(".card", has=page.locator(".curve__plot")).first.get_by_role("button")
    name = page.locator(".card:has(.curve__plot) h2").first.inner_text()
    asked.click()
    page.wait_for_url("**/")
    page.wait_for_selector("#question")
    assert name in page.input_value("#question")
    assert "?" not in page.url
    page.context.close()
    assert home.complaints == []


@in_looks
def test_a_record_without_results_says_how_to_add_some(empty_home, chromium, look):
    page = empty_home.open(chromium, *look, "/results")
    page.wait_for_selector(".empty")
    add = page.get_by_role("link", name=device_says(look.language, "results.add"))
    assert add.get_attribute("href") == "/record"
    assert flaws(page) == []
    page.context.close()
