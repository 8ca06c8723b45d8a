"""A chart's entry, documents and questions in a real Chromium, on phone and desktop."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest
from support.axe import violations

PATIENT = "http://localhost:8000/portal/patients/p01"
SHOTS = os.environ.get("CARETIER_SCREENSHOTS")
PLACES = [(390, "light", "en"), (1280, "dark", "es")]
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


def good(page, overflow, name: str) -> None:
    """Nothing to find fault with, and a picture where one is wanted."""
    assert overflow(page) == 0
    assert violations(page) == []
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


@pytest.mark.usefixtures("papered")
@pytest.mark.parametrize(("width", "theme", "language"), PLACES)
def test_a_clinician_asks_opens_what_is_cited_and_reads_a_letter(
    open_page, overflow, width, theme, language
):
    page, place = open_page(width, theme, language), f"{width}-{theme}-{language}"
    page.goto(PATIENT)
    page.wait_for_selector("#allergies-bar")
    good(page, overflow, f"chart-{place}")
    page.keyboard.press("g")
    page.keyboard.press("a")
    page.wait_for_url("**/ask")
    page.fill("[name=question]", QUESTION[language])
    page.keyboard.press("Enter")
    page.wait_for_selector("#answer .chartline")
    assert "1.62 mg/dL" in page.inner_text("#answer")
    good(page, overflow, f"ask-{place}")
    page.locator("#answer a.resource").first.click()
    page.wait_for_url("**/resources/Observation/p01-creatinine-3")
    page.wait_for_selector("#elements .elements")
    good(page, overflow, f"resource-{place}")
    page.click("nav.tabs a[href$='/documents']")
    page.wait_for_selector(".papers a")
    good(page, overflow, f"documents-{place}")
    page.locator(".papers a[href$='p01-letter']").click()
    page.wait_for_selector("#attached-0")
    assert "kidney clinic.\nNext" in page.inner_text("#attached-0")
    good(page, overflow, f"letter-{place}")


@pytest.mark.parametrize(("width", "theme", "language"), PLACES)
def test_a_clinician_chooses_among_those_they_treat(  # noqa: PLR0917 - fixtures and places
    treated, open_page, overflow, width, theme, language
):
    page = open_page(width, theme, language)
    page.goto("http://localhost:8000/portal/patients")
    page.wait_for_selector("#treated")
    good(page, overflow, f"patients-{width}-{theme}-{language}")
    told = [e for e in treated.intake.audit.events if "p01" in repr(e)]
    assert told, "whom a page lists is written down"
    page.get_by_role("link", name="Harold James Whitcombe").click()
    page.wait_for_url("**/portal/patients/p01")
