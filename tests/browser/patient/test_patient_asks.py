"""Asking with a voice, masking more words before they leave, and undoing a deletion."""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import expect
from support.axe import violations
from support.looks import in_looks

pytestmark = pytest.mark.browser

SHOTS = os.environ.get("CARETIER_SCREENSHOTS")
ROUTINE = ("triage", {"level": "routine", "rule": None, "advice": None, "source": None})
SOURCE = {
    "id": "k#1", "title": "Colds", "source": "MedlinePlus", "url": "https://example.org/colds",
    "date": "2026-09-01", "quote": "Most colds go away in 7 to 10 days.",
}  # fmt: skip
SAID = [{"text": "Most colds go away in 7 to 10 days.", "citations": ["k#1"]}]
OFFER = {
    "preview_id": "pv1",
    "reason": "No source on this device covers it.",
    "disclosure": {
        "receipt": None,
        "text": "I limp since the mill, says [PERSON-1].\nAbout the person: age 41",
        "destination": "clinic",
        "readers": ["clinic"],
        "placeholders": {"[PERSON-1]": "Sole"},
        "bytes": 412,
    },
}
HEARS = """
window.SpeechRecognition = window.webkitSpeechRecognition = class {
  start() { setTimeout(() => {
    this.onresult({ results: [[{ transcript: "how long is a cold" }]] });
    this.onend();
  }, 20); }
  stop() { this.onend(); }
};
"""


def _fit(page, name):
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/asks-{name}.png")


@in_looks
def test_more_words_are_masked_by_hand_and_only_what_is_shown_last_can_be_sent(stage, said, look):
    stage.see(look)
    less = {**OFFER["disclosure"], "text": "I limp since [ID-1], says [PERSON-1]."}
    changed = {**OFFER, "preview_id": "pv2", "disclosure": less}
    stage.replies["GET /api/previews/pv1"] = {"removable": ["[PERSON-1]"]}
    stage.replies["GET /api/previews/pv2"] = {"removable": ["[PERSON-1]"]}
    stage.replies["POST /api/previews/pv1"] = changed
    stage.replies["POST /api/previews/pv2"] = {**OFFER, "preview_id": "pv3"}
    stage.replies["POST /api/send/pv3"] = said(status="queued", text="")
    stage.open()
    page = stage.ask("limp?", ROUTINE, ("answer", said(status="abstained", offer=OFFER)))
    page.locator(".exchange .button--primary").click()
    page.click("#offer-edit")
    words = page.locator("#offer-text .word")
    expect(words.first).to_be_visible()
    assert "41" not in words.all_inner_texts()
    assert "[PERSON-1]." not in words.all_inner_texts()
    for word in ("the", "mill,"):
        words.get_by_text(word, exact=True).click()
    expect(page.locator("#offer-send")).to_be_disabled()
    _fit(page, f"mask-{look}")
    page.click("#offer-mask")
    expect(page.locator("#offer-text")).to_contain_text("[ID-1]")
    assert stage.bodies("POST /api/previews/pv1") == [{"mask": ["the mill"]}]
    page.locator("#offer-map dd button").click()
    _fit(page, f"warned-{look}")
    page.locator("#offer-map .warned button").click()
    expect(page.locator("#offer-text")).to_contain_text("mill")
    assert stage.bodies("POST /api/previews/pv2") == [{"unmask": ["[PERSON-1]"]}]
    with page.expect_response(lambda reply: "/send/" in reply.url):
        page.click("#offer-send")
    assert [n for n, _, _ in stage.sent if "/send/" in n] == ["POST /api/send/pv3"]


@in_looks
def test_a_question_is_spoken_after_a_warning_and_its_answer_suggests_what_to_ask_next(
    stage, said, look
):
    stage.see(look)
    stage.page.add_init_script(HEARS)
    page = stage.open()
    page.click("#voice")
    expect(page.locator("#question")).to_have_value("")
    _fit(page, f"voice-{look}")
    page.locator("#voice-note .button--primary").click()
    expect(page.locator("#question")).to_have_value("how long is a cold")
    stage.ask(
        "how long is a cold",
        ROUTINE,
        ("answer", said(sentences=SAID, citations=[SOURCE], confidence=0.9)),
    )
    expect(page.locator(".followups button").first).to_contain_text("Colds")
    expect(page.locator(".tools button").first).to_be_visible()
    page.locator(".receipt__how summary").click()
    _fit(page, f"answer-{look}")
    page.locator(".followups button").first.click()
    expect(page.locator("#question")).not_to_have_value("")
    assert len(stage.bodies("POST /api/ask")) == 1
    page.locator("label.switch").click()
    page.reload()
    expect(page.locator("#question")).not_to_have_value("")  # what was typed is still there


def test_with_keep_on_this_device_nothing_is_spoken_to_the_browsers_maker(stage):
    stage.injected = True
    stage.page.add_init_script(HEARS)
    page = stage.open()
    page.get_by_role("switch").check(force=True)
    page.click("#voice")
    expect(page.locator("#voice-note")).to_contain_text("Keep on this device")
    expect(page.locator("#voice-note button")).to_have_count(0)
    expect(page.locator("#question")).to_have_value("")


@in_looks
def test_a_deleted_question_comes_back_with_undo_and_was_not_deleted_before(stage, said, look):
    says = stage.see(look)
    row = {
        "id": "c1", "question": "colds?", "asked": "2026-11-20T10:00:00Z", "conversation": "t1",
        "answer": said(sentences=SAID, citations=[SOURCE]), "signal": None,
    }  # fmt: skip
    stage.replies["GET /api/consults"] = {"consults": [row]}
    stage.replies["DELETE /api/consults/c1"] = {"deleted": True}
    page = stage.open("/history")
    page.locator(".consult summary").first.click()
    page.get_by_role("button", name=says("history.delete")).click()
    expect(page.locator(".consult")).to_have_count(0)
    page.locator(".toast").hover()  # its time does not run out meanwhile
    _fit(page, f"undo-{look}")
    page.get_by_role("button", name=says("history.undo")).click()
    expect(page.locator(".consult")).to_have_count(1)
    assert not [name for name, _, _ in stage.sent if name.startswith("DELETE")]
