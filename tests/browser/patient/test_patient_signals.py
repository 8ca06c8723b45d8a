"""Saying of an answer whether it helped: pressed, unsaid, explained, and what became of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PATH = "/api/consults/c1/signal"
SHOTS = os.environ.get("CARETIER_SCREENSHOTS")
CITED = {
    "sentences": [{"text": "Most colds go away in 7 to 10 days.", "citations": ["k#1"]}],
    "citations": [
        {"id": "k#1", "title": "Colds", "source": "MedlinePlus", "url": None,
         "date": "2026-09-01", "quote": "Most colds go away in 7 to 10 days."}
    ],
    "confidence": 0.9,
}  # fmt: skip


def held(verdict, state="kept", why="no-consent", note="", destination=None):
    said = {"verdict": verdict, "note": note, "state": state, "why": why}
    return said | {"destination": destination}


def answered(stage, said):
    stage.open()
    page = stage.ask("How long does a cold last?", ("answer", said(**CITED)))
    return page, page.get_by_role("region", name="Did this help?")


def shot(page, name):
    """A picture of the page, where a folder for them is named."""
    if SHOTS:
        page.wait_for_timeout(400)
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


def test_a_thumb_is_kept_here_and_unsaid_by_pressing_it_again(stage, said):
    stage.replies |= {f"PUT {PATH}": held("up"), f"DELETE {PATH}": {"deleted": True}}
    page, bar = answered(stage, said)
    thumb = bar.get_by_role("button", name="Yes")
    expect(thumb).to_have_attribute("aria-pressed", "false")
    thumb.click()
    expect(thumb).to_have_attribute("aria-pressed", "true")
    expect(bar.get_by_role("status")).to_contain_text("Kept on this device.")
    expect(bar.get_by_role("link", name="Settings")).to_have_attribute("href", "/settings#purposes")
    assert stage.bodies(f"PUT {PATH}") == [{"verdict": "up"}]
    expect(page.get_by_text("Nothing left your device.")).to_be_visible()
    shot(page, "phone-light-kept")
    thumb.click()
    expect(thumb).to_have_attribute("aria-pressed", "false")
    expect(bar.get_by_role("status")).to_have_text("")


def test_what_is_wrong_is_said_in_words_and_where_it_went_is_shown(stage, said):
    stage.replies[f"PUT {PATH}"] = held("wrong", "queued", None, "Mine took weeks.", "clinic")
    page, bar = answered(stage, said)
    wrong = bar.get_by_role("button", name="This is wrong")
    wrong.click()
    field = bar.get_by_label("This is wrong because…")
    expect(field).to_be_focused()
    bar.get_by_role("button", name="Save").click()
    assert stage.bodies(f"PUT {PATH}") == []  # nothing was said yet
    field.fill("Mine took weeks.")
    shot(page, "phone-light-because")
    bar.get_by_role("button", name="Save").click()
    expect(wrong).to_have_attribute("aria-pressed", "true")
    expect(wrong).to_be_focused()
    expect(bar.get_by_role("status")).to_contain_text("without your name")
    expect(bar.get_by_role("link", name="See exactly what")).to_have_attribute("href", "/ledger")
    assert stage.bodies(f"PUT {PATH}") == [{"verdict": "wrong", "note": "Mine took weeks."}]
    expect(page.get_by_text("Nothing left your device.")).to_be_hidden()
    # What has left stays said.
    expect(wrong).to_have_attribute("aria-disabled", "true")
    bar.get_by_role("button", name="Yes").click(force=True)
    assert len(stage.bodies(f"PUT {PATH}")) == 1
    page.emulate_media(color_scheme="dark")
    shot(page, "phone-dark-queued")
    page.set_viewport_size({"width": 1280, "height": 900})
    shot(page, "desktop-dark-queued")
    page.emulate_media(color_scheme="light")
    shot(page, "desktop-light-queued")


def test_what_cannot_be_kept_is_told_and_nothing_is_shown_as_said(stage, said):
    stage.replies[f"PUT {PATH}"] = (503, {"detail": "It could not be written down."})
    page, bar = answered(stage, said)
    thumb = bar.get_by_role("button", name="Not really")
    thumb.click()
    expect(page.get_by_text("It could not be written down.")).to_be_visible()
    expect(thumb).to_have_attribute("aria-pressed", "false")


@pytest.mark.parametrize("status", ["abstained", "referred", "emergency"])
def test_only_an_answer_can_be_judged(stage, said, status):
    stage.open()
    page = stage.ask("anything", ("answer", said(status=status, text="Something.")))
    expect(page.locator(".answer")).to_be_visible()
    expect(page.locator(".signal")).to_have_count(0)


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_history_shows_what_was_said_in_the_persons_language(stage, said, width):
    stage.device.language = "es"
    stage.page.set_viewport_size({"width": width, "height": 844})
    note = "<img src=x onerror=window.hit=1>"
    consult = {
        "id": "c1",
        "question": "¿Cuánto dura un resfriado?",
        "asked": "2026-11-21T10:00:00+00:00",
        "conversation": "talk",
        "answer": said(**CITED),
        "signal": held("wrong", "refused", None, note, "clinic"),
    }
    stage.replies["GET /api/consults"] = {"consults": [consult]}
    page = stage.open("/history#q-c1")
    bar = page.get_by_role("region", name="¿Le ayudó?")
    wrong = bar.get_by_role("button", name="Hay un error")
    expect(wrong).to_have_attribute("aria-pressed", "true")
    expect(bar.get_by_role("status")).to_contain_text("Queda en este dispositivo")
    shot(page, f"history-es-{width}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("window.hit === undefined")
    heights = [box["height"] for button in bar.get_by_role("button").all()
               if (box := button.bounding_box())]  # fmt: skip
    assert min(heights) >= 44
