"""Answering a referral in a real Chromium: parts, keys, phrases, undo, versions, a lost session."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from playwright.sync_api import expect
from sqlalchemy import delete
from support.exchange import an_answer
from support.looks import in_looks
from support.second import DOSE, INVENTED, REST, Pushed, Scripted, a_node
from support.stage import PASSWORD
from support.stage import lay as lay_one

from services.consult.messages import Citation, Fact, Level, ModelCardRef, Sentence, Triage, Urgency
from services.hospital.models import PortalSession
from services.hospital.opinions.service import Around

ORIGIN = "http://localhost:8000"
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


def open_(page, lay):
    """Open a referral with a draft from four sentences; gives the page and the referral's id."""
    id_ = lay(ASKED, DRAFT, "urgent")
    page.goto(f"{ORIGIN}/portal/referrals/{id_}")
    page.wait_for_selector("#panes [role=tab][tabindex]", state="attached")
    return page, id_


@pytest.fixture
def opened(page, lay):
    """A referral's page that was opened, and its id."""
    return open_(page, lay)


def test_what_the_record_speaks_against_is_said_while_it_is_written_and_before_it_is_signed(
    hospital, page, said
):
    facts = (Fact(id="AllergyIntolerance/1", kind="allergy", text="Penicillin: rash"),)
    id_ = lay_one(hospital, ASKED, draft=DRAFT, facts=facts)
    page.goto(f"{ORIGIN}/portal/referrals/{id_}")
    page.click("#pane-tab-reply")
    page.fill("#text", "Take amoxicillin for a week.")
    expect(page.locator("#against")).to_contain_text("Penicillin: rash")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#confirm-against")).to_contain_text(said("reply.against"))
    page.keyboard.press("Escape")
    page.fill("#text", "Rest for a week.")
    expect(page.locator("#against")).to_be_empty()


@in_looks
def test_what_the_patient_entered_stands_marked_beside_what_the_record_holds(
    hospital, page, said, good
):
    facts = (
        Fact(
            id="MedicationStatement/own-1",
            kind="interaction",
            text="Your list has warfarin: ibuprofen and warfarin together raise the risk.",
            warning=True,
        ),
        Fact(id="MedicationRequest", kind="medicine", text="Your record lists metformin."),
        Fact(id="MedicationStatement/own-2", kind="medicine", text="Your list has warfarin."),
    )
    id_ = lay_one(hospital, ASKED, draft=DRAFT, facts=facts)
    page.goto(f"{ORIGIN}/portal/referrals/{id_}")
    told = page.locator("#facts .facts__one", has_text=said("referral.told"))
    expect(told).to_have_count(2)
    expect(page.locator("#fact-2")).not_to_contain_text(said("referral.told"))
    page.locator("#facts").scroll_into_view_if_needed()
    good(page, "referral-entered")


@in_looks
def test_a_reply_is_read_for_written_and_signed_by_keyboard(hospital, opened, good, look):
    page, id_ = opened
    good(page, "referral-words")
    for digit, pane in ((2, "draft"), (3, "sources"), (4, "reply")):
        page.keyboard.press(f"Alt+{digit}")
        assert page.locator(f"[data-pane={pane}]").first.is_visible()
        good(page, f"referral-{pane}")
    assert page.evaluate("document.activeElement.id") == "text"

    before = page.input_value("#text")
    page.keyboard.press("Control+.")
    page.wait_for_selector("#phrase-list .phrase")
    good(page, "referral-phrases")
    page.keyboard.type("book" if look.language == "en" else "book a visit")
    page.keyboard.press("Enter")
    page.wait_for_selector(".toast__act")
    assert "book a visit" in page.input_value("#text")
    page.click(".toast__act")
    assert page.input_value("#text") == before
    page.keyboard.press("Control+y")
    page.click("#changes summary")
    page.wait_for_selector("#changes ins")
    assert page.locator("#marks mark.drafted").count() >= len(QUOTES)  # as drafted
    page.focus("#text")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#confirm[open]")
    good(page, "referral-confirm")
    page.click("#confirm [type=submit]")
    page.wait_for_url("**signed=1")
    good(page, "referral-signed")
    assert "book a visit" in hospital.desk.item(id_).text
    assert hospital.versions.count(id_) == 0


@in_looks
def test_a_lost_session_loses_no_text_and_an_older_version_comes_back(hospital, opened, said, good):
    (page, id_), is_saved = opened, f"#status:text-matches('^{said('reply.saved_at', when='')}')"
    page.keyboard.press("Alt+4")
    page.fill("#text", "First words.")
    page.wait_for_selector(is_saved, state="attached")
    with hospital.database.transaction() as session:
        session.execute(delete(PortalSession))
    page.fill("#text", "First words, and more that nobody saved.")
    page.wait_for_url("**/sign-in**")
    assert page.url.endswith(f"?next=/portal/referrals/{id_}")
    assert page.locator("#kept").is_visible()
    token = hospital.accounts.sign_in("ana", PASSWORD)
    page.context.add_cookies([{"name": "caretier_portal", "value": token, "url": ORIGIN}])
    page.goto(f"{ORIGIN}/portal/referrals/{id_}")
    page.wait_for_selector(is_saved, state="attached")
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
    good(page, "reply-versions")
    page.click("#version-1 button")
    page.wait_for_url(f"**/referrals/{id_}")
    assert page.input_value("#text") == "First words, and more that nobody saved."
    assert hospital.versions.count(id_) == 3


def bo(hospital):
    found = [user for user in hospital.accounts.users() if user.username == "bo"]
    return found[0] if found else hospital.accounts.add_user("bo", PASSWORD, "Dr. Bo", "clinician")


@in_looks
def test_other_experts_are_asked_and_their_disagreement_stands_first(
    hospital, page, lay, said, good
):
    less = DOSE.replace("4 grams", "3 grams")
    engine = Scripted(amber=[REST, DOSE, INVENTED], birch=[less], cedar=[])
    node = a_node(engine, also=[less])
    pushed = Pushed("amber", "birch", "cedar")
    hospital.opinions._around = Around(lambda: node, pushed, hospital.auditor.chat)
    page, id_ = open_(page, lay)
    page.keyboard.press("Alt+2")
    page.click("#ask-experts button")
    page.wait_for_selector("#opinions .findings")
    page.wait_for_load_state()
    page.wait_for_selector("#panes [role=tab][tabindex]", state="attached")
    text = page.locator("#opinions").inner_text()
    assert text.index(said("opinions.verdict.contradict")) < text.index(REST)
    assert INVENTED not in text
    assert said("opinions.unsourced", count=1) in text
    assert page.locator("#opinions .side").count() == 3
    assert said("opinions.mute") in text
    good(page, "opinions")
    page.click(f"#opinions [data-insert='{less}']")
    assert less in page.input_value("#text")
    assert hospital.opinions.last(id_).verdict == "contradict"


@in_looks
def test_a_phrase_is_written_shared_and_let_in_by_a_second_clinician(
    hospital, page, open_page, good, look
):
    bo(hospital)
    page.goto(f"{ORIGIN}/portal/phrases")
    good(page, "phrases")
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
    good(page, "phrase")
    address = page.url
    other = open_page(*look, "bo")
    other.goto(address)
    good(other, "phrase-review")
    other.click("form[action$=approve] button")
    other.wait_for_selector(".badge--ok")
    everybody = [view.words.title for view in hospital.phrases.usable(bo(hospital))]
    assert "Walk" in everybody


@in_looks
def test_what_wrote_a_draft_has_its_card_one_step_away(hospital, page, lay, look, good):
    hospital._node = SimpleNamespace(model=DRAFT.model)
    page, _ = open_(page, lay)
    page.keyboard.press("Alt+2")
    page.click("#drafter")
    page.wait_for_url("**/drafter/**")
    page.click("main summary >> nth=0")
    assert {"en": "risks", "es": "riesgos"}[look.language] in page.inner_text("main").lower()
    good(page, "drafter")


@in_looks
def test_after_a_signature_one_key_leads_to_what_is_most_urgent_now(page, lay, good):
    lay("Is a bit of a cough bad?", urgency="routine")
    mine = lay("May I swim with a cold?", urgency="urgent")
    page.goto(f"{ORIGIN}/portal/referrals/{mine}")
    page.wait_for_selector("#panes [role=tab][tabindex]", state="attached")
    pressing = lay("My chest hurts", urgency="emergency")
    page.keyboard.press("Alt+4")
    page.locator("#text").fill("Rest for a day or two, then swim.")
    page.keyboard.press("Control+Enter")
    page.locator("#confirm [type=submit]").click()
    page.wait_for_url("**signed=1")
    onward = page.locator("#onward")
    expect(onward).to_be_focused()
    good(page, "referral-onward")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/portal/referrals/{pressing}")
