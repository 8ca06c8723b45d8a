"""An answer as it comes: read as it streams, stopped, asked by keyboard alone, without motion."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect
from support.looks import in_looks

from tests.browser.patient.conftest import events
from tests.browser.patient.home import sound

pytestmark = pytest.mark.browser

WORDS = "Most colds go away in 7 to 10 days."
CITATION = {
    "id": "k#1", "title": "Colds", "source": "MedlinePlus", "url": "https://example.org/cold",
    "date": "2026-10-01", "quote": WORDS,
}  # fmt: skip
FIRST = events(
    ("triage", {"level": "routine", "rule": None, "advice": None, "source": None}),
    ("delta", {"text": WORDS, "citations": ["k#1"]}),
)
OPEN_STREAM = """(() => {
  const real = window.fetch;
  window.fetch = (path, options) => {
    if (path !== "/api/ask") return real(path, options);
    window.asked = (window.asked ?? 0) + 1;
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(%s));
        window.more = (text) => { controller.enqueue(new TextEncoder().encode(text)); };
        window.close = () => controller.close();
        options.signal.addEventListener("abort", () => {
          window.aborted = true;
          controller.error(new DOMException("stopped", "AbortError"));
        });
      },
    });
    const headers = { "content-type": "text/event-stream" };
    return Promise.resolve(new Response(body, { headers }));
  };
})()"""
MOVING = """() => document.getAnimations()
  .filter((one) => one.playState === "running" && one.effect.getComputedTiming().duration > 1)
  .map((one) => `${one.animationName ?? one.transitionProperty} of ${one.effect.target.className}`)
"""
SHOWN = """() => {
  const here = document.activeElement;
  const style = getComputedStyle(here);
  const box = here.getBoundingClientRect();
  const at = document.elementFromPoint(
    Math.min(Math.max(box.x + box.width / 2, 1), innerWidth - 1), box.y + box.height / 2);
  const ring = style.outlineStyle !== "none" || style.boxShadow !== "none";
  const round = here.closest(".switch, .composer__box");
  const around = round && (getComputedStyle(round).outlineStyle !== "none"
    || getComputedStyle(round).boxShadow !== "none");
  return { name: here.id || here.className || here.tagName, ring: Boolean(ring || around),
    seen: Boolean(at && (here.contains(at) || at.contains(here) || round?.contains(at))) };
}"""


def streaming(stage, look):
    says = stage.see(look)
    stage.page.add_init_script(OPEN_STREAM % json.dumps(FIRST))
    return says, stage.open()


@in_looks
def test_an_answer_is_read_while_it_comes_and_can_be_stopped(stage, look):
    says, page = streaming(stage, look)
    page.fill("#question", "How long does a cold last?")
    page.click("#send")
    expect(page.locator(".exchange [aria-live=polite]")).to_contain_text(WORDS)
    expect(page.locator("#thread")).to_have_attribute("aria-busy", "true")
    expect(page.locator("#send")).to_be_hidden()
    assert sound(page, "streaming", look) == []
    page.get_by_role("button", name=says("ask.stop")).click()
    expect(page.get_by_role("alert")).to_contain_text(says("ask.stopped"))
    assert page.evaluate("window.aborted")
    expect(page.locator("#question")).to_be_focused()
    expect(page.locator("#send")).to_be_visible()
    assert sound(page, "stopped", look) == []
    page.get_by_role("button", name=says("answer.retry")).click()
    expect(page.locator("#thread")).to_have_attribute("aria-busy", "true")
    expect(page.locator(".exchange")).to_have_count(1)
    assert page.evaluate("window.asked") == 2


def test_a_quiet_device_says_what_it_does_after_two_seconds(stage):
    stage.page.clock.install()
    stage.page.add_init_script(OPEN_STREAM % json.dumps(""))
    page = stage.open()
    page.fill("#question", "How long does a cold last?")
    page.click("#send")
    page.wait_for_selector(".exchange")
    expect(page.locator(".exchange .status")).to_be_hidden()
    page.clock.run_for(2_100)
    expect(page.locator(".exchange .status")).to_have_text("Checking first whether this is urgent")


@in_looks
def test_somebody_who_only_has_a_keyboard_asks_reads_the_source_and_judges(stage, said, look):
    says = stage.see(look)
    answer = said(
        text=WORDS, sentences=[{"text": WORDS, "citations": ["k#1"]}], citations=[CITATION],
        confidence=0.9,
    )  # fmt: skip
    stage.replies["POST /api/ask"] = events(("answer", answer))
    stage.replies["PUT /api/consults/c1/signal"] = {
        "verdict": "up", "note": "", "state": "kept", "why": "no-consent", "destination": None,
    }  # fmt: skip
    page = stage.open()
    page.wait_for_load_state("networkidle")
    keys, lost = page.keyboard, []

    def tab_to(found, most=40):
        for _ in range(most):
            keys.press("Tab")
            shown = page.evaluate(SHOWN)
            lost.extend([shown] if not (shown["ring"] and shown["seen"]) else [])
            if page.evaluate(f"document.activeElement.matches({json.dumps(found)})"):
                return
        pytest.fail(f"{found} is not reached by Tab")

    keys.press("Tab")
    keys.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    tab_to("#question")
    keys.type("How long does a cold last?")
    keys.press("Enter")
    page.wait_for_selector(".receipt")
    page.locator("#thread").focus()
    tab_to(".cite")
    keys.press("Enter")
    expect(page.locator(".citation").first).to_be_focused()
    page.locator("#thread").focus()
    tab_to("[data-verdict=up]")
    keys.press("Enter")
    expect(page.locator("[data-verdict=up]")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".signal [role=status]")).to_contain_text(says("signal.settings"))
    assert lost == []


def test_nothing_moves_for_somebody_who_asked_for_no_motion(stage):
    stage.page.add_init_script(OPEN_STREAM % json.dumps(FIRST))
    page = stage.open()
    page.evaluate("""() => { const real = Element.prototype.scrollIntoView; window.scrolls = [];
      Element.prototype.scrollIntoView = function (how) {
        window.scrolls.push(how?.behavior ?? "auto"); real.call(this, how); }; }""")
    page.fill("#question", "How long does a cold last?")
    page.click("#send")
    page.wait_for_selector(".exchange")
    assert page.evaluate(MOVING) == []
    assert set(page.evaluate("window.scrolls")) <= {"auto", "instant"}
    for path in ("/history", "/record", "/settings"):
        page = stage.open(path)
        assert page.evaluate(MOVING) == []
    stage.replies["GET /api/consent"] = {"consents": []}
    page.click("#erase")
    page.wait_for_selector("dialog[open]")
    assert page.evaluate(MOVING) == []
