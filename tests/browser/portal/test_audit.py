"""A privacy officer in the audit explorer, and a clinician in a hurry, in a real Chromium."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from support.looks import in_looks
from support.stage import account

from compliance.audit import AuditTrail

ORIGIN = "http://localhost:8000"


@pytest.fixture
def hospital(hospital):
    """The hospital on its real trail, on which charts were opened."""
    hospital.intake.audit = AuditTrail.open(
        hospital.settings.data, "hospital", node=hospital.settings.name
    )
    return hospital


@in_looks
def test_a_privacy_officer_finds_events_and_who_saw_a_person(treated, open_page, good, look):
    ana = account(treated, "ana")
    for patient in ("p01", "p02", "p01"):
        treated.audit_chart(ana, f"Patient/{patient}", "10.0.0.9")
    treated.relations.break_glass(ana, "p03", "Found unconscious in the ward", category="life")
    page = open_page(*look, "pia")
    page.goto(f"{ORIGIN}/portal/audit")
    good(page, "audit")
    page.fill("#number", "p01")
    page.click("#ask [type=submit]")
    page.wait_for_selector("[name=s]:not([value=''])", state="attached")
    assert "p01" not in page.url
    page.locator("#events tbody tr").nth(1).wait_for()
    page.click("#events tbody tr:last-child a")
    page.wait_for_selector("#event")
    page.click("#event details summary")
    good(page, "audit-event")
    page.goto(f"{ORIGIN}/portal/audit/person")
    page.fill("#number", "p01")
    page.click("#person [type=submit]")
    page.wait_for_selector("#account-title")
    expect(page.locator("#events tbody tr")).to_have_count(2)
    good(page, "audit-person")
    page.goto(f"{ORIGIN}/portal/audit/looks")
    page.wait_for_selector("#looks")
    good(page, "audit-looks")


@in_looks
def test_a_privacy_officer_checks_that_the_trail_is_whole(hospital, open_page, good, look):
    page = open_page(*look, "pia")
    page.goto(f"{ORIGIN}/portal/audit/whole")
    page.click("#check button")
    page.wait_for_selector("#whole .banner--ok")
    good(page, "audit-whole")


@in_looks
def test_a_clinician_in_a_hurry_opens_a_chart_and_it_counts_down(
    hospital, page, open_page, good, look
):
    hospital.records.put({"resourceType": "Patient", "id": "p9", "name": [{"family": "Test"}]})
    page.goto(f"{ORIGIN}/portal/patients/p9")
    page.check("#glass [value=life]")
    page.fill("#reason", "Found unconscious in the ward")
    good(page, "glass")
    page.click("#glass [type=submit]")
    page.wait_for_selector("#glassbar")
    expect(page.locator("#glass-left")).to_have_text(re.compile(r"\d+:\d\d"))
    good(page, "glassbar")
    for part in ("trends", "timeline"):
        page.goto(f"{ORIGIN}/portal/patients/p9/{part}")
        assert page.locator("#glassbar").count() == 1
    officer = open_page(*look, "pia")
    officer.goto(f"{ORIGIN}/portal/reviews")
    officer.click(".meanwhile summary")
    assert officer.locator(".meanwhile li a").count() >= 2
    good(officer, "reviews")
    officer.fill("[name=note]", "Asked the ward")
    officer.click("[name=verdict][value=justified]")
    officer.wait_for_selector("#done")
    officer.wait_for_load_state()
    assert officer.locator("[id^=review-]").count() == 0
    good(officer, "reviews-done")
