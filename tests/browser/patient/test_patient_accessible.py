"""axe finds nothing on any page of the patient client, with what somebody has there who uses it."""

from __future__ import annotations

from playwright.sync_api import expect
from support.axe import violations
from support.looks import in_looks

WORDS = "Most colds go away in 7 to 10 days."
CITATION = {
    "id": "k#1", "title": "Colds", "source": "Primary care pack", "url": "https://example.org/cold",
    "date": "2026-10-01", "quote": WORDS,
}  # fmt: skip
EMERGENCY = {
    "level": "emergency", "rule": "chest-pain", "advice": "Call 911 now."
}  # fmt: skip


def fill(stage, said) -> None:
    """Answers of the device for a person who has used it for a while."""
    answer = said(
        text=WORDS, sentences=[{"text": WORDS, "citations": ["k#1"]}], citations=[CITATION],
        confidence=0.9,
    )  # fmt: skip
    asked = {"id": "c1", "asked": "2026-11-20T10:00:00Z", "question": "A cold?", "answer": answer}
    sent = {
        "receipt": "r1", "consult": "c1", "time": "2026-11-19T08:02:00Z", "state": "sent",
        "destination": "Riverside Clinic", "readers": ["Assistant"], "text": "A cold?", "bytes": 9,
    }  # fmt: skip
    fact = {"id": "X/1", "text": "Penicillin", "date": "2024-01-02", "warning": True}
    consent = {
        "id": "k1", "destinations": ["Riverside Clinic"], "standing": True, "expires": None,
        "granted": "2026-10-01T10:00:00Z", "withdrawn": None,
    }  # fmt: skip
    stage.replies |= {
        "GET /api/consults": {"consults": [asked]},
        "GET /api/ledger": {"entries": [sent]},
        "GET /api/record": {"summary": [{"kind": "allergies", "items": [fact]}]},
        "GET /api/consent": {"consents": [consent]},
    }


def found_on(stage, path: str) -> list[str]:
    stage.open(path)
    expect(stage.page.locator(".skeleton:visible")).to_have_count(0)
    return [f"{path}: {one}" for one in violations(stage.page)]


@in_looks
def test_axe_finds_nothing_on_any_page(stage, said, look):
    stage.see(look)
    fill(stage, said)
    found = [
        one
        for path in ("/", "/history", "/ledger", "/record", "/settings", "/unlock")
        for one in found_on(stage, path)
    ]
    assert found == [], "\n".join(found)


@in_looks
def test_axe_finds_nothing_on_answers_and_emergencies(stage, said, look):
    stage.see(look)
    answer = said(
        text=WORDS, sentences=[{"text": WORDS, "citations": ["k#1"]}], citations=[CITATION],
        confidence=0.9,
    )  # fmt: skip
    stage.open("/")
    page = stage.ask("How long does a cold last?", ("answer", answer))
    page.wait_for_selector(".receipt")
    found = violations(page)
    stage.open("/")
    urgent = said(status="emergency", triage=EMERGENCY, text=EMERGENCY["advice"])
    page = stage.ask("chest pain", ("triage", EMERGENCY), ("answer", urgent))
    page.wait_for_selector(".banner--emergency")
    assert found + violations(page) == []
