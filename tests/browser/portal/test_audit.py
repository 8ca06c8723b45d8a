"""A privacy officer in the audit explorer, and a clinician in a hurry, in a real Chromium."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.axe import violations

from compliance.audit import AuditTrail

ORIGIN = "http://localhost:8000"
PASSWORD = "a long enough password"
LOOKS = [(390, "light", "en"), (1280, "dark", "es")]
PICTURES = os.environ.get("CARETIER_SCREENSHOTS")


@pytest.fixture
def hospital(hospital):
    """The hospital on its real trail, on which charts were opened."""
    hospital.intake.audit = AuditTrail.open(
        hospital.settings.data, "hospital", node=hospital.settings.name
    )
    hospital.accounts.add_user("pia", PASSWORD, "Pia Holm", "privacy")
    return hospital


def look(page, overflow, name, view):
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}-{view[0]}.png", full_page=True)
    assert overflow(page) == 0
    assert violations(page) == []


@pytest.mark.parametrize("view", LOOKS, ids=("phone", "desktop"))
def test_a_privacy_officer_finds_events_and_who_saw_a_person(treated, open_page, overflow, view):
    ana = treated.accounts.users()[0]
    for patient in ("p01", "p02", "p01"):
        treated.audit_chart(ana, f"Patient/{patient}", "10.0.0.9")
    treated.relations.break_glass(ana, "p03", "Found unconscious in the ward", category="life")
    page = open_page(*view, "pia")
    page.goto(f"{ORIGIN}/portal/audit")
    look(page, overflow, "audit", view)
    page.fill("#number", "p01")
    page.click("#ask [type=submit]")
    page.wait_for_selector("[name=s]:not([value=''])", state="attached")
    assert "p01" not in page.url
    assert page.locator("#events tbody tr").count() >= 2
    page.click("#events tbody tr:last-child a")
    page.wait_for_selector("#event")
    page.click("#event details summary")
    look(page, overflow, "audit-event", view)
    page.goto(f"{ORIGIN}/portal/audit/person")
    page.fill("#number", "p01")
    page.click("#person [type=submit]")
    page.wait_for_selector("#account-title")
    assert page.locator("#events tbody tr").count() == 2
    look(page, overflow, "audit-person", view)
    page.goto(f"{ORIGIN}/portal/audit/looks")
    page.wait_for_selector("#looks")
    look(page, overflow, "audit-looks", view)


@pytest.mark.parametrize("view", LOOKS, ids=("phone", "desktop"))
def test_a_privacy_officer_checks_that_the_trail_is_whole(hospital, open_page, overflow, view):
    page = open_page(*view, "pia")
    page.goto(f"{ORIGIN}/portal/audit/whole")
    page.click("#check button")
    page.wait_for_selector("#whole .banner--ok")
    look(page, overflow, "audit-whole", view)


@pytest.mark.parametrize("view", LOOKS, ids=("phone", "desktop"))
def test_a_clinician_in_a_hurry_opens_a_chart_and_it_counts_down(
    hospital, open_page, overflow, view
):
    hospital.records.put({"resourceType": "Patient", "id": "p9", "name": [{"family": "Test"}]})
    page = open_page(*view)
    page.goto(f"{ORIGIN}/portal/patients/p9")
    page.check("#glass [value=life]")
    page.fill("#reason", "Found unconscious in the ward")
    look(page, overflow, "glass", view)
    page.click("#glass [type=submit]")
    page.wait_for_selector("#glassbar")
    page.wait_for_function("/\\d+:\\d\\d/.test(document.getElementById('glass-left').textContent)")
    look(page, overflow, "glassbar", view)
    for part in ("trends", "timeline"):
        page.goto(f"{ORIGIN}/portal/patients/p9/{part}")
        assert page.locator("#glassbar").count() == 1
    officer = open_page(*view, "pia")
    officer.goto(f"{ORIGIN}/portal/reviews")
    officer.click(".meanwhile summary")
    assert officer.locator(".meanwhile li a").count() >= 2
    look(officer, overflow, "reviews", view)
