"""Each page in the order a screen reader reads it, and from the narrowest window to the widest."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from support.looks import Look, device_says, in_looks, overflow, picture

from tests.browser.patient.conftest import events
from tests.browser.patient.home import ORIGIN

pytestmark = pytest.mark.browser

PAGES = [
    "/", "/history", "/ledger", "/record", "/results", "/medicines", "/visits", "/settings",
    "/family", "/recovery", "/recover", "/unlock", "/start", "/start/you", "/start/recovery",
    "/start/choices", "/start/bring", "/offline",
]  # fmt: skip
WIDTHS = [320, 360, 768, 3840]
THUMB = 44
"""Least width and height of what is pressed often, in CSS pixels."""
ADVICE = "Call 911 now. Chew aspirin 325 mg if you are not allergic."
URGENT = {"level": "emergency", "rule": "chest-pain", "advice": ADVICE, "source": "AHA"}
ORDER = """() => {
  const shown = (one) => one.checkVisibility({ visibilityProperty: true });
  const wrong = [];
  const heads = [...document.querySelectorAll("h1, h2, h3, h4, h5")].filter(shown);
  const levels = heads.map((one) => Number(one.tagName[1]));
  const tops = levels.filter((one) => one === 1).length;
  if (tops !== 1 || levels[0] !== 1) wrong.push(`h1: ${levels}`);
  levels.forEach((level, at) => {
    if (at && level > levels[at - 1] + 1) wrong.push(`h${level}: ${heads[at].textContent.trim()}`);
  });
  if (document.querySelectorAll("main").length !== 1) wrong.push("main");
  const navs = [...document.querySelectorAll("nav")].filter(shown);
  if (navs.some((one) => !one.ariaLabel)) wrong.push("a navigation without a name");
  if (new Set(navs.map((one) => one.ariaLabel)).size !== navs.length) wrong.push("two alike");
  for (const one of document.querySelectorAll("[tabindex]")) {
    if (one.tabIndex > 0) wrong.push(`tabindex ${one.outerHTML.slice(0, 80)}`);
  }
  const main = document.querySelector("main");
  const stops = [...document.querySelectorAll("a[href], button, input, select, textarea")];
  if (!document.activeElement.closest("main") && stops[0].getAttribute("href") !== "#main") {
    wrong.push("the way to the content does not come first");
  }
  return wrong;
}"""
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
WIDER = """() => [...document.querySelectorAll("body *")]
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 0.5)
  .map((one) => `${one.tagName}.${one.className} "${one.textContent.trim().slice(0, 30)}"`)
  .slice(-3)"""
CUT = """() => [...document.querySelectorAll("main *, header *")]
  .filter((one) => one.checkVisibility() && !one.closest(".sr-only, svg, .skip"))
  .filter((one) => {
    const style = getComputedStyle(one);
    const clips = ["hidden", "clip"].includes(style.overflowX) && style.textOverflow !== "ellipsis";
    return clips && one.scrollWidth > one.clientWidth + 1;
  })
  .map((one) => one.outerHTML.slice(0, 120))"""


def opened(page, path):
    page.goto(ORIGIN + path)
    expect(page.locator(".skeleton:visible")).to_have_count(0)


@in_looks
def test_each_page_reads_in_order_and_fits_from_a_small_phone_to_a_wall(home, chromium, look):
    page = home.open(chromium, *look, "/")
    found = []
    for path in PAGES:
        opened(page, path)
        found += [f"{path}: {one}" for one in page.evaluate(ORDER)]
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            page.evaluate(DRAWN)
            if (wide := overflow(page)) > 0:
                found.append(f"{path} at {width}: {wide} px {page.evaluate(WIDER)}")
            found += [f"{path} at {width} cuts {one}" for one in page.evaluate(CUT)]
            picture(page, f"wide-{width}-{path.strip('/').replace('/', '-') or 'ask'}", look)
    page.context.close()
    assert found == [], "\n".join(found)
    assert home.complaints == []


def test_the_pages_that_are_looked_at_are_all_there_are(home):
    routes = {one.path for one in home.routes() if "GET" in one.methods}
    pages = {one for one in routes if "{" not in one and "." not in one}
    pages -= {one for one in pages if one.startswith(("/api", "/openapi", "/docs"))}
    assert pages - set(PAGES) <= {"/healthz", "/readyz", "/metrics", "/record/back"}


@in_looks
def test_an_emergency_is_heard_first_and_the_call_is_its_first_link(stage, said, look):
    says = stage.see(look)
    answer = said(status="emergency", triage=URGENT, text=ADVICE)
    stage.replies["POST /api/ask"] = events(("triage", URGENT), ("answer", answer))
    page = stage.open()
    page.fill("#question", "chest pain")
    page.click("#send")
    page.wait_for_selector(".banner--emergency")
    heard = page.locator("#thread").aria_snapshot()
    call, title = says("answer.call", number="911"), says("answer.emergency_title")
    first = heard.index("- alert")
    assert heard.index(title) > first
    assert heard.index(f'link "{call}"') > heard.index(title)
    assert heard.index(f'link "{call}"') < heard.index("Chew aspirin")
    assert "- link" not in heard[:first]
    assert heard.count("- alert") == 1
    frame = page.locator("body").aria_snapshot()
    order = ["banner", f'navigation "{says("frame.navigation")}"', "main"]
    places = [frame.index(f"- {one}") for one in order]
    assert places == sorted(places)
    assert device_says(look.language, "frame.skip") in frame.splitlines()[0]


def test_the_frame_of_a_narrow_window_is_that_of_a_wide_one(stage):
    heard = []
    for width in (390, 1280):
        stage.see(Look(width, "light", "en"))
        stage.open("/history").wait_for_load_state("networkidle")
        heard.append(stage.page.locator("header").aria_snapshot())
    assert heard[0] == heard[1]


def test_what_one_presses_most_is_large_and_under_the_thumb(stage):
    stage.see(Look(390, "light", "es"))
    page = stage.open()
    page.locator("#send").wait_for()
    often = [page.locator("#send"), page.locator("#question"), *page.locator(".nav a").all()]
    for one in often:
        box = one.bounding_box()
        assert min(box["height"], box["width"]) >= THUMB, one
        assert box["y"] > 844 / 2, "the upper half is out of reach"
    assert page.locator("#lifeline").bounding_box()["y"] > 844 / 2
