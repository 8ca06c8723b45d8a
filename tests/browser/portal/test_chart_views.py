"""A chart's entry, documents and questions in a real Chromium, on phone and desktop."""

from __future__ import annotations

import base64

import pytest
from playwright.sync_api import expect
from support.looks import PHONE, in_looks

PATIENT = "http://localhost:8000/portal/patients/p01"
QUESTION = {"en": "Since when is the creatinine rising?", "es": "¿Desde cuándo sube la creatinina?"}


@pytest.fixture
def papered(treated):
    text = base64.b64encode(b"Seen in the kidney clinic.\nNext visit in spring.").decode()
    letter = {
        "resourceType": "DocumentReference",
        "id": "p01-letter",
        "status": "current",
        "subject": {"reference": "Patient/p01"},
        "description": "Letter of the kidney clinic",
        "date": "2026-10-20T09:00:00Z",
        "content": [{"attachment": {"contentType": "text/plain", "data": text}}],
    }
    assert not treated.records.put_many([letter]).rejected


@pytest.mark.usefixtures("papered")
@in_looks
def test_a_clinician_asks_opens_what_is_cited_and_reads_a_letter(page, good, look):
    page.goto(PATIENT)
    page.wait_for_selector("#allergies-bar")
    good(page, "chart")
    if look.width > PHONE:  # results stand beside problems and medicines, not below them
        tops = [
            page.locator(f"#{name}").bounding_box()["y"] for name in ("changes-since", "results")
        ]
        assert tops[0] == tops[1]
    page.keyboard.press("g")
    page.keyboard.press("a")
    page.wait_for_url("**/ask")
    page.fill("[name=question]", QUESTION[look.language])
    page.keyboard.press("Enter")
    expect(page.locator("#answer")).to_contain_text("1.62 mg/dL")
    good(page, "ask")
    page.locator("#answer a.resource").first.click()
    page.wait_for_url("**/resources/Observation/p01-creatinine-3")
    page.wait_for_selector("#elements .elements")
    good(page, "resource")
    page.click("nav.tabs a[href$='/documents']")
    page.wait_for_selector(".papers a")
    good(page, "documents")
    page.locator(".papers a[href$='p01-letter']").click()
    page.wait_for_selector("#attached-0")
    page.wait_for_load_state()
    assert "kidney clinic.\nNext" in page.inner_text("#attached-0")
    good(page, "letter")


@in_looks
def test_a_clinician_chooses_among_those_they_treat(treated, page, good):
    page.goto("http://localhost:8000/portal/patients")
    page.wait_for_selector("#treated")
    good(page, "patients")
    told = [e for e in treated.intake.audit.events if "p01" in repr(e)]
    assert told, "whom a page lists is written down"
    page.fill("#number", "WHÍTCOMBE")
    expect(page.locator("#people li:visible")).to_have_count(1)
    page.keyboard.press("Enter")  # goes to who is left; the chart opens when that is pressed
    expect(page.get_by_role("link", name="Harold James Whitcombe")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/portal/patients/p01")


def test_a_number_that_is_no_name_of_the_list_is_looked_up(treated, page):
    page.goto("http://localhost:8000/portal/patients")
    page.wait_for_selector("#people")
    page.fill("#number", "p02")
    expect(page.locator("#people-none")).to_be_visible()
    with page.expect_request(lambda asked: asked.method == "POST") as posted:
        page.keyboard.press("Enter")
    assert "number=p02" in posted.value.post_data
