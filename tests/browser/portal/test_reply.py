"""Answering a referral in a real Chromium: parts, keys, phrases, undo, versions, a lost session."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.axe import violations
from support.exchange import an_answer

from services.consult.messages import Citation, Level, ModelCardRef, Sentence, Triage, Urgency

ORIGIN = "http://localhost:8000"
PASSWORD = "a long enough password"
QUOTES = (
    ("flu#what", "Most people with flu get better without treatment within about a week."),
    ("flu#self-care", "Rest and drink enough water every day."),
    ("flu#self-care", "Stay at home until you have had no fever for 24 hours."),
    ("flu#when-to-seek-care", "Seek care at once if you find it hard to breathe."),
)
DRAFT = an_answer(
    text=" ".join(quote for _, quote in QUOTES),
    tier=Level.HOSPITAL,
    model=ModelCardRef(
        name="all-MiniLM-L6-v2 + BM25, the sources' own sentences", digest="sha256:" + "0f" * 32
    ),
    confidence=0.86,
    triage=Triage(level=Urgency.URGENT, rule="fever-long", advice="See a clinician today."),
    sentences=tuple(Sentence(text=text, citations=(id_,)) for id_, text in QUOTES),
    citations=tuple(
        Citation(
            id=id_,
            title="Flu",
            source="Primary care pack",
            url="https://example.org/flu",
            date="2026-10-01",
            quote=" ".join(text for other, text in QUOTES if other == id_),
        )
        for id_ in dict.fromkeys(id_ for id_, _ in QUOTES)
    ),
)
ASKED = "I have had a fever for four days, and I am tired all the time. Is it flu? What can I do?"


@pytest.fixture
def shot():
    """Keeps a picture of a page where CARETIER_SCREENSHOTS names a folder."""
    folder = os.environ.get("CARETIER_SCREENSHOTS")

    def take(page, name, *, whole=False):
        if folder:
            page.screenshot(path=Path(folder) / f"{name}.png", full_page=whole)

    return take


def opened(open_page, lay, width, theme="light", language="en"):
    id_ = lay(ASKED, DRAFT, "urgent")
    page = open_page(width, theme, language)
    page.goto(f"{ORIGIN}/portal/referrals/{id_}")
    page.wait_for_selector("#panes [role=tab][tabindex]", state="attached")
    return page, id_


@pytest.mark.parametrize(
    ("width", "theme", "language"), [(390, "light", "en"), (1280, "dark", "es")]
)
def test_a_reply_is_read_for_written_and_signed_by_keyboard(  # noqa: PLR0917 - fixtures
    hospital, open_page, lay, overflow, shot, width, theme, language
):
    page, id_ = opened(open_page, lay, width, theme, language)
    shot(page, f"referral-{width}-words")
    assert overflow(page) == 0
    assert violations(page) == []
    for digit, pane in ((2, "draft"), (3, "sources"), (4, "reply")):
        page.keyboard.press(f"Alt+{digit}")
        assert page.locator(f"[data-pane={pane}]").first.is_visible()
        shot(page, f"referral-{width}-{pane}")
    assert page.evaluate("document.activeElement.id") == "text"
    assert violations(page) == []
    assert overflow(page) == 0

    before = page.input_value("#text")
    page.keyboard.press("Control+.")
    page.wait_for_selector("#phrase-list .phrase")
    shot(page, f"referral-{width}-phrases")
    assert violations(page) == []
    page.keyboard.type("book" if language == "en" else "book a visit")
    page.keyboard.press("Enter")
    page.wait_for_selector(".toast__act")
    assert "book a visit" in page.input_value("#text")
    page.click(".toast__act")
    assert page.input_value("#text") == before
    page.keyboard.press("Control+y")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#confirm[open]")
    shot(page, f"referral-{width}-confirm")
    assert violations(page) == []
    page.click("#confirm [type=submit]")
    page.wait_for_url("**signed=1")
    shot(page, f"referral-{width}-signed")
    assert "book a visit" in hospital.desk.item(id_).text
    assert hospital.versions.count(id_) == 0
