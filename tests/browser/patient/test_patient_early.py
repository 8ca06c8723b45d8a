"""What a person does while a page still waits for its data stands when the data comes."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from support.looks import device_says

from tests.browser.patient.conftest import HELD, PROFILE
from tests.browser.patient.test_patient_client import EMERGENCY
from tests.browser.patient.test_patient_installed import DUE, EMPTY, REMINDER

pytestmark = pytest.mark.browser

VISIT = {
    "response": {"id": "v1", "status": "in-progress", "questionnaire": "urn:x:questionnaire:one"},
    "form": {"title": "A new visit", "questions": []},
    "missing": [],
}


def come(stage, call, reply):
    """Let what a page waits for come; it has it when this returns."""
    stage.replies[call] = reply
    with stage.page.expect_response(f"**{call.split()[1]}"):
        stage.let_go()


def test_the_number_to_call_becomes_the_countrys_once_the_page_is_told_which(stage, said):
    stage.replies["GET /api/profile"] = HELD
    stage.open()
    urgent = {**EMERGENCY, "advice": None}
    final = said(status="emergency", triage=urgent)
    page = stage.ask("help", ("triage", urgent), ("answer", final))
    call = page.locator(".banner--emergency a.button")
    expect(call).to_have_attribute("href", "tel:911")
    come(stage, "GET /api/profile", {**PROFILE, "country": "ES"})
    expect(call).to_have_attribute("href", "tel:112")


def test_a_question_that_was_to_stay_here_stays_here_whatever_the_profile_says_later(stage, said):
    stage.replies["GET /api/profile"] = HELD
    page = stage.open()
    page.get_by_role("switch").check(force=True)
    come(stage, "GET /api/profile", {**PROFILE, "country": "ES"})
    expect(page.locator("#lifeline")).to_have_text("112")
    stage.ask("colds?", ("answer", said()))
    expect(page.locator(".receipt")).to_be_visible()
    assert stage.bodies("POST /api/ask")[0]["local_only"] is True


def test_a_profile_is_saved_only_once_it_was_shown_and_keeps_what_was_typed_before(stage):
    stage.replies |= {"GET /api/profile": HELD, "GET /api/consent": {"consents": []}}
    page = stage.open("/settings")
    expect(page.locator("#save")).to_be_disabled()
    page.fill("#interests", "sleep")
    come(stage, "GET /api/profile", {**PROFILE, "interests": ["asthma"], "local_only": True})
    expect(page.locator("#save")).to_be_enabled()
    expect(page.locator("#interests")).to_have_value("sleep")
    expect(page.locator("#local-default")).to_be_checked()


def test_a_dose_that_was_taken_is_not_shown_as_due_by_a_look_from_before(stage):
    stage.page.clock.install()
    state = {"today": DUE, "reminders": [REMINDER], "history": []}
    stage.replies |= {"GET /api/medicines": EMPTY, "GET /api/reminders": state}
    stage.replies["PUT /api/doses/d1"] = {**state, "today": [{**DUE[0], "state": "taken"}]}
    page = stage.open("/medicines")
    page.wait_for_selector(".dose")
    stage.replies["GET /api/reminders"] = HELD
    with page.expect_request("**/api/reminders"):
        page.clock.run_for(31_000)
    taken = device_says("en", "reminders.taken")
    page.locator(".dose").first.get_by_role("button", name=taken).click()
    expect(page.locator(".dose[data-state=taken]")).to_have_count(1)
    come(stage, "GET /api/reminders", state)
    expect(page.locator(".dose")).to_have_count(1)


def test_a_visit_that_is_begun_by_two_presses_is_begun_once(stage):
    form = {"name": "new-visit", "title": "A new visit"}
    stage.replies |= {
        "GET /api/visits": {"forms": [form], "drafts": [], "questions": []},
        "POST /api/visits": VISIT,
    }
    page = stage.open("/visits")
    page.locator("#forms button").dblclick()
    expect(page.locator("#visit .visit")).to_be_visible()
    assert len(stage.bodies("POST /api/visits")) == 1
