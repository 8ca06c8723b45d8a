"""Answering a referral in a real Chromium: parts, keys, phrases, undo, versions, a lost session."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import delete
from support.axe import violations
from support.exchange import an_answer
from support.second import DOSE, INVENTED, REST, Pushed, Scripted, a_node

from services.consult.messages import Citation, Level, ModelCardRef, Sentence, Triage, Urgency
from services.hospital.models import PortalSession
from services.hospital.opinions.service import Around

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


def test_a_lost_session_loses_no_text_and_an_older_version_comes_back(
    hospital, open_page, lay, overflow
):
    page, id_ = opened(open_page, lay, 1280)
    page.fill("#text", "First words.")
    page.wait_for_selector("#status:text-matches('^Saved ')")
    with hospital.database.transaction() as session:
        session.execute(delete(PortalSession))
    page.fill("#text", "First words, and more that nobody saved.")
    page.wait_for_url("**/sign-in**")
    assert page.url.endswith(f"?next=/portal/referrals/{id_}")
    assert page.locator("#kept").is_visible()
    token = hospital.accounts.sign_in("ana", PASSWORD)
    page.context.add_cookies([{"name": "caretier_portal", "value": token, "url": ORIGIN}])
    page.goto(f"{ORIGIN}/portal/referrals/{id_}")
    page.wait_for_selector("#status:text-matches('^Saved ')")
    assert page.input_value("#text") == "First words, and more that nobody saved."
    assert hospital.desk.item(id_).text == "First words, and more that nobody saved."

    saved = hospital.desk.item(id_)
    hospital.desk.save(id_, "Words of Dr. Bo.", version=saved.version, user=bo(hospital))
    hospital.versions.keep(hospital.desk.item(id_), bo(hospital))
    page.goto(f"{ORIGIN}/portal/referrals/{id_}")
    page.click("form[action$=handover] button")
    page.wait_for_selector("form[data-keep]")
    page.wait_for_load_state("networkidle")
    page.fill("#handover-note", "Please look at the fever.")
    page.goto(f"{ORIGIN}/portal/referrals/{id_}")
    page.click("form[action$=handover] button")
    page.wait_for_selector(".toast")
    assert page.input_value("#handover-note") == "Please look at the fever."
    page.goto(f"{ORIGIN}/portal/referrals/{id_}/versions")
    assert page.locator(".versions > li").count() == 2
    assert overflow(page) == 0
    assert violations(page) == []
    page.click("#version-1 button")
    page.wait_for_url(f"**/referrals/{id_}")
    assert page.input_value("#text") == "First words, and more that nobody saved."
    assert hospital.versions.count(id_) == 3


def bo(hospital):
    found = [user for user in hospital.accounts.users() if user.username == "bo"]
    return found[0] if found else hospital.accounts.add_user("bo", PASSWORD, "Dr. Bo", "clinician")


@pytest.mark.parametrize(
    ("width", "theme", "language"), [(390, "dark", "en"), (1280, "light", "en")]
)
def test_other_experts_are_asked_and_their_disagreement_stands_first(  # noqa: PLR0917 - fixtures
    hospital, open_page, lay, overflow, shot, width, theme, language
):
    less = DOSE.replace("4 grams", "3 grams")
    engine = Scripted(amber=[REST, DOSE, INVENTED], birch=[less], cedar=[])
    node = a_node(engine, also=[less])
    pushed = Pushed("amber", "birch", "cedar")
    hospital.opinions._around = Around(lambda: node, pushed, hospital.auditor.chat)
    page, id_ = opened(open_page, lay, width, theme, language)
    page.keyboard.press("Alt+2")
    page.click("#ask-experts button")
    page.wait_for_selector("#opinions .findings")
    page.wait_for_selector("#panes [role=tab][tabindex]", state="attached")
    text = page.locator("#opinions").inner_text()
    assert text.index("contradict") < text.index(REST)
    assert INVENTED not in text
    assert "1 further sentence had no source" in text
    assert page.locator("#opinions .side").count() == 4
    assert overflow(page) == 0
    assert violations(page) == []
    page.locator("#opinions").scroll_into_view_if_needed()
    shot(page, f"opinions-{width}", whole=width > 1000)
    page.click(f"#opinions [data-insert='{less}']")
    assert less in page.input_value("#text")
    assert hospital.opinions.last(id_).verdict == "contradict"


@pytest.mark.parametrize(
    ("width", "theme", "language"), [(390, "light", "es"), (1280, "dark", "en")]
)
def test_a_phrase_is_written_shared_and_let_in_by_a_second_clinician(  # noqa: PLR0917 - fixtures
    hospital, open_page, overflow, shot, width, theme, language
):
    bo(hospital)
    page = open_page(width, theme, language)
    page.goto(f"{ORIGIN}/portal/phrases")
    assert overflow(page) == 0
    assert violations(page) == []
    shot(page, f"phrases-{width}", whole=True)
    page.fill("#title", "Walk")
    page.fill("#english", "Walk a little every day, [PATIENT].")
    page.reload()
    page.wait_for_selector(".toast")
    assert page.input_value("#english") == "Walk a little every day, [PATIENT]."
    page.click("#new [type=submit]")
    page.wait_for_url("**/phrases/*-*")
    page.wait_for_load_state()
    assert page.evaluate("Object.keys(sessionStorage).length") == 0
    page.click("form[action$=share] button")
    page.wait_for_selector(".banner--info")
    shot(page, f"phrase-{width}", whole=True)
    assert violations(page) == []
    address = page.url
    other = open_page(width, theme, language, "bo")
    other.goto(address)
    assert overflow(other) == 0
    assert violations(other) == []
    shot(other, f"phrase-review-{width}", whole=True)
    other.click("form[action$=approve] button")
    other.wait_for_selector(".badge--ok")
    everybody = [view.words.title for view in hospital.phrases.usable(bo(hospital))]
    assert "Walk" in everybody


def test_what_wrote_a_draft_has_its_card_one_step_away(hospital, open_page, lay, overflow, shot):
    hospital._node = SimpleNamespace(model=DRAFT.model)
    page, _ = opened(open_page, lay, 390)
    page.keyboard.press("Alt+2")
    page.click("#drafter")
    page.wait_for_url("**/drafter/**")
    page.click("main summary >> nth=0")
    assert "risks" in page.inner_text("main").lower()
    assert overflow(page) == 0
    assert violations(page) == []
    shot(page, "drafter-390")
