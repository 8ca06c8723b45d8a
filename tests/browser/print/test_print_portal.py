"""What a clinician prints: whom it is about and who printed it on each sheet; nothing to press."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect
from support.exchange import an_answer
from support.looks import DESKTOP, PHONE

from services.consult.messages import Citation, Level, ModelCardRef, Sentence, Triage, Urgency
from services.fhir.sandbox import generate
from tests.browser.print.paper import printed

ORIGIN = "http://localhost:8000"
CHART = f"{ORIGIN}/portal/patients/p01"
QUOTE = "Most people with flu get better without treatment within about a week."
DRAFT = an_answer(
    text=QUOTE,
    tier=Level.HOSPITAL,
    model=ModelCardRef(name="rules", digest="sha256:0f"),
    triage=Triage(level=Urgency.URGENT, rule="fever-long", advice="See a clinician today."),
    sentences=(Sentence(text=QUOTE, citations=("flu#what",)),),
    citations=(
        Citation(
            id="flu#what",
            title="Flu",
            source="Primary care pack",
            url="https://example.org/flu",
            date="2026-10-01",
            quote=QUOTE,
        ),
    ),
)


@pytest.fixture
def who():
    """Whose chart it is, as a sheet says it; the sandbox stands on the day of the test."""
    here = generate(1, datetime.now(UTC).date())
    born = next(one["birthDate"] for one in here if one["id"] == "p01")
    return f"Harold James Whitcombe · Born {born} · MRN-3254257"


@pytest.mark.usefixtures("treated")
def test_each_sheet_of_a_chart_names_the_person_and_who_printed_it(open_page, who):
    page = open_page(DESKTOP, "dark", "en")
    page.goto(CHART)
    page.wait_for_load_state("networkidle")
    paper = printed(page, "print-chart", "Letter")
    assert 2 <= len(paper.sheets) <= 4
    for at, sheet in enumerate(paper.sheets, 1):
        assert who in sheet
        assert "Printed by Dr. Ana Ruiz, " in sheet
        assert f"{at} / {len(paper.sheets)}" in sheet
    for part in ("Allergies", "Problems", "Medicines", "what is missing here may still be true"):
        assert part in paper.text
    for control in ("Timeline", "Another chart", "Sign out", "6 more"):
        assert control not in paper.text
    assert "Whitcombe" not in page.title()
    page.emulate_media(media="print")
    expect(page.locator("body")).to_have_css("background-color", "rgb(255, 255, 255)")


@pytest.mark.usefixtures("treated")
def test_curves_are_printed_on_few_sheets_and_an_answer_with_its_entries(open_page):
    page = open_page(PHONE, "dark", "es")
    page.goto(f"{CHART}/trends")
    paper = printed(page, "print-trends")
    assert len(paper.sheets) <= 4
    assert "Impreso por Dr. Ana Ruiz el " in paper.sheets[0]
    page.goto(f"{CHART}/ask")
    page.fill("#question", "última creatinina")
    page.keyboard.press("Enter")
    page.wait_for_selector("#answer")
    paper = printed(page, "print-ask")
    assert len(paper.sheets) == 1
    assert "Observation/p01-creatinine-3" in paper.text
    assert "última creatinina" in paper.text


@pytest.mark.usefixtures("treated")
def test_curves_can_be_told_apart_without_colour(open_page):
    page = open_page(PHONE, "dark", "es")
    page.goto(f"{CHART}/trends")
    page.emulate_media(media="print")
    strokes = page.eval_on_selector_all(
        ".curve__line, .curve__mark", "all => all.map(one => getComputedStyle(one).stroke)"
    )
    assert set(strokes) == {"rgb(0, 0, 0)"}
    assert page.eval_on_selector(".curve", "one => getComputedStyle(one).breakInside") == "avoid"


@pytest.mark.parametrize(("width", "theme"), [(PHONE, "dark"), (DESKTOP, "light")])
def test_a_referral_is_printed_with_question_draft_sources_and_reply(open_page, lay, width, theme):
    id_ = lay("I have had a fever for four days. Is it flu?", DRAFT, "urgent")
    page = open_page(width, theme, "en")
    page.goto(f"{ORIGIN}/portal/referrals/{id_}")
    page.wait_for_selector("#panes [role=tab][tabindex]", state="attached")
    before = page.locator("[data-pane]:visible").count()
    paper = printed(page, f"print-referral-{width}")
    assert len(paper.sheets) <= 4
    assert all(f"Referral {id_}" in sheet for sheet in paper.sheets)
    for said in ("fever for four days", "Triage: urgent", "https://example.org/flu", "Your reply"):
        assert said in paper.text
    assert paper.text.count(QUOTE) >= 2
    for control in ("Sign", "Back to the"):
        assert control not in paper.text
    assert page.locator("[data-pane]:visible").count() == before


def test_a_worklist_is_printed_row_by_row_with_whole_questions(open_page, lay):
    long = "My cough has not gone away for five weeks now and at night it is worse"
    for urgency in ("routine", "urgent", "emergency"):
        lay(f"{long} {urgency}", DRAFT, urgency)
    page = open_page(DESKTOP, "light", "en")
    page.goto(f"{ORIGIN}/portal/")
    page.wait_for_selector("#rows .work")
    paper = printed(page, "print-worklist")
    assert len(paper.sheets) == 1
    assert paper.text.count(long) == 3
    assert "Emergency" in paper.text
    assert "Take" not in paper.text
