"""A clinician in a real Chromium: filing a reply, withdrawing it, and what came before a visit."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect
from support.looks import in_looks

from services.hospital.models import IntakeAlert

ORIGIN = "http://localhost:8000"
SAID = "Rest and drink enough water every day."
RECORD = [
    {
        "resourceType": "Patient",
        "id": "mine",
        "name": [{"given": ["Ada"], "family": "Test"}],
        "generalPractitioner": [{"reference": "Practitioner/ana"}],
    },
    {"resourceType": "Practitioner", "id": "ana"},
    {
        "resourceType": "QuestionnaireResponse",
        "id": "a-very-long-id-of-a-response-that-has-to-wrap-on-a-small-phone",
        "status": "completed",
        "questionnaire": "urn:caretier:questionnaire:new-visit",
        "subject": {"reference": "Patient/mine"},
        "authored": datetime.now(UTC).isoformat(),
        "item": [{"linkId": "reason", "answer": [{"valueString": "My knee <b>hurts</b>."}]}],
    },
]


@pytest.fixture
def hospital(hospital):
    assert not hospital.records.put_many(RECORD).rejected
    return hospital


def to_reply(page):
    """Go to the reply, which stands beside the words on a desktop and behind a tab on a phone."""
    page.wait_for_selector("#panes [role=tab][tabindex]", state="attached")
    page.keyboard.press("Alt+4")


@in_looks
def test_without_a_number_signing_asks_once_and_files_nothing(hospital, page, lay):
    id_ = lay()
    page.goto(f"{ORIGIN}/portal/referrals/{id_}")
    to_reply(page)
    page.click("#sign")
    page.click("#confirm [type=submit]")
    page.wait_for_url("**signed=1")
    assert hospital.records.read("Communication", f"reply-{id_}") is None
    assert page.locator("#filed").count() == 0


@in_looks
def test_with_a_number_it_is_shown_signed_filed_and_withdrawn(hospital, page, good, lay):
    id_ = lay()
    page.goto(f"{ORIGIN}/portal/referrals/{id_}")
    to_reply(page)
    page.click("#file-box summary")
    page.fill("#number", "mine")
    page.click("#sign")
    page.wait_for_url("**/filing")
    assert "Ada Test" in page.locator("#whose").inner_text()
    assert page.locator("#words").inner_text() == SAID
    page.click("#filing details summary")
    good(page, "filing")
    page.click("#sign-and-file")
    page.wait_for_url("**signed=1")
    assert hospital.records.read("Communication", f"reply-{id_}")["status"] == "completed"
    page.click("#filed details summary")
    good(page, "filed")
    page.fill("#why", "Wrong person")
    page.click("#filed [type=submit]")
    expect(page.locator("#filed details")).to_have_count(0)
    assert hospital.records.read("Communication", f"reply-{id_}")["status"] == "entered-in-error"


@in_looks
def test_a_number_of_nobody_brings_the_text_back(page, lay, said, good):
    id_ = lay()
    page.goto(f"{ORIGIN}/portal/referrals/{id_}")
    to_reply(page)
    page.fill("#text", "My own words.")
    page.click("#file-box summary")
    page.fill("#number", "nobody")
    page.click("#look")
    page.wait_for_url("**/filing")
    assert said("trouble.nobody-to-file-for.what") in page.inner_text("main")
    good(page, "filing-nobody")
    assert page.input_value("#text") == "My own words."
    assert page.input_value("#number") == "nobody"


@in_looks
def test_what_came_before_a_visit_stays_on_a_phone_and_is_text(hospital, page, good):
    page.goto(f"{ORIGIN}/portal/patients/mine")
    shown = page.locator("#before-visit").inner_text()
    assert "My knee <b>hurts</b>." in shown
    good(page, "before-visit")


@in_looks
def test_a_red_flag_stands_above_the_inbox_until_it_is_taken_up(hospital, page, said, good):
    alert = IntakeAlert(
        id=RECORD[2]["id"], patient="mine", level="emergency", rule="chest-pain",
        received=datetime.now(UTC),
    )  # fmt: skip
    with hospital.database.transaction() as session:
        session.add(alert)
    page.goto(f"{ORIGIN}/portal/")
    assert said("intakes.flags", count=1) in page.inner_text("#flags")
    good(page, "flags")
    page.click("#flags [type=submit]")
    page.wait_for_url("**/portal/patients/mine")
    page.goto(f"{ORIGIN}/portal/")
    assert page.locator("#flags").count() == 0
