"""What a person prints: answers with sources and receipt, results, medicines; never a control."""

from __future__ import annotations

from support.looks import DESKTOP, PHONE

from tests.browser.patient.test_patient_client import (
    EMERGENCY,
    ROUTINE,
    sentences_and_sources,
)
from tests.browser.print.paper import printed


def test_an_answer_is_printed_with_the_addresses_of_its_sources(stage, said):
    stage.open()
    page = stage.ask("colds?", ROUTINE, ("answer", sentences_and_sources(said)))
    page.wait_for_selector(".citation", state="attached")
    paper = printed(page, "print-answer")
    assert len(paper.sheets) == 1
    for one in ("colds?", "https://example.org/colds", "Most colds go away", "Ana Example"):
        assert one in paper.text
    assert "Printed " in paper.text
    assert page.locator("#composer").is_visible()


def test_the_number_to_call_is_on_paper_too(stage, said):
    stage.open()
    final = said(status="emergency", triage=EMERGENCY, text=EMERGENCY["advice"])
    page = stage.ask("chest pain", ("triage", EMERGENCY), ("answer", final))
    page.wait_for_selector(".banner--emergency a.button")
    text = printed(page, "print-emergency").text
    assert text.index("911") < text.index("aspirin")


def test_results_and_medicines_are_printed_with_what_they_do_not_say(home, chromium):
    page = home.open(chromium, PHONE, "dark", "es", "/results")
    page.wait_for_selector(".curve__plot")
    paper = printed(page, "print-results")
    assert len(paper.sheets) <= 3
    assert all("Impreso el " in sheet for sheet in paper.sheets)
    page.context.close()
    page = home.open(chromium, DESKTOP, "dark", "en", "/medicines")
    page.wait_for_selector("#print")
    page.wait_for_load_state("networkidle")
    paper = printed(page, "print-medicines", "Letter")
    assert "not checked by a clinic" in paper.text
    assert "Add" not in paper.text
    page.context.close()
