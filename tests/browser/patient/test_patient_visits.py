"""A person prepares a visit: an emergency stops it, it is kept, looked over and handed over."""

from __future__ import annotations

from playwright.sync_api import expect
from support.looks import in_looks

from services.fhir.intake import questionnaires
from services.fhir.intake.validate import faults
from services.fhir.validate import check
from tests.browser.patient.conftest import HELD
from tests.browser.patient.home import flaws, overflow, shot

NOTHING = {"forms": [], "drafts": [], "questions": []}
TEXT = {
    "en": ("I have crushing chest pain and cannot breathe", "My knee hurts when I walk"),
    "es": ("Tengo un dolor fuerte en el pecho y no puedo respirar", "Me duele la rodilla"),
}


def on(page, number):
    page.wait_for_selector(f'progress.progress[value="{number}"]')


@in_looks
def test_a_visit_is_prepared_from_the_record_to_the_file(home, chromium, look):
    grave, plain = TEXT[look[2]]
    page = home.open(chromium, *look, "/visits")
    page.locator("#forms button").first.click()
    page.fill("[data-link=reason] textarea", grave)
    page.click(".visit button[type=submit]")
    page.wait_for_selector(".banner--emergency a[href^='tel:']")
    assert page.locator("textarea").count() == 0, "an emergency comes before every question"
    assert flaws(page) == []
    shot(page, f"visits-emergency-{look[0]}")
    page.locator("#visit .button").filter(has_not=page.locator("a")).nth(-2).click()
    page.fill("[data-link=reason] textarea", plain)
    for step in (2, 3, 4, 5):
        page.click(".visit button[type=submit]")
        on(page, step)
    page.reload()
    page.wait_for_selector("[data-link=reason] textarea")
    assert page.input_value("[data-link=reason] textarea") == plain
    for step in (2, 3, 4, 5):
        page.click(".visit button[type=submit]")
        on(page, step)
    for taken in page.locator("[data-link=listed-medicine-taken]").all():
        taken.locator("input").first.check()
    assert flaws(page) == []
    assert overflow(page) <= 0
    shot(page, f"visits-medicines-{look[0]}")
    page.click(".visit button[type=submit]")
    on(page, 6)
    page.locator("[data-link=has-allergy] input").nth(1).check()
    for right in page.locator("[data-link=listed-allergy-right]").all():
        right.locator("input").first.check()
    for step in (7, 8):
        page.click(".visit button[type=submit]")
        on(page, step)
    page.click(".visit button[type=submit]")
    page.wait_for_selector(".reviewed")
    page.locator(".visit .button--primary").click()
    page.wait_for_selector(".visit .banner--ok")
    assert flaws(page) == []
    assert overflow(page) <= 0
    shot(page, f"visits-done-{look[0]}-{look[1]}")
    made = home.get(page.locator("a[download]").get_attribute("href")).json()
    check(made)
    assert made["status"] == "completed"
    form = questionnaires()[made["questionnaire"].partition("|")[0]]
    assert faults(made, form) == ()
    page.context.close()
    assert home.complaints == []


def test_a_question_for_a_visit_that_is_added_twice_on_a_slow_line_stands_there_once(stage):
    stage.replies["GET /api/visits"] = NOTHING
    stage.replies["POST /api/visit-questions"] = HELD
    page = stage.open("/visits")
    page.fill("#question-text", "May I swim?")
    for _ in range(2):
        page.press("#question-text", "Enter")
    expect(page.locator("#question-text")).to_have_value("May I swim?")
    asked = {"id": "q1", "text": "May I swim?"}
    stage.replies["POST /api/visit-questions"] = {**NOTHING, "questions": [asked]}
    stage.let_go()
    expect(page.locator("#questions li")).to_have_count(1)
    assert stage.bodies("POST /api/visit-questions") == [{"text": "May I swim?"}]
