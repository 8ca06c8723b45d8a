"""No word is lost: over a session that ended, a server that is away, a new version, a left page."""

from __future__ import annotations

import time
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from playwright.sync_api import expect
from support.looks import Look, device_says, in_looks

from patient_app import shell
from patient_app.settings import DeviceSettings
from services.consult.messages import Answer, Level, ModelCardRef, Status
from tests.browser.patient import serving
from tests.browser.patient.home import sound

pytestmark = pytest.mark.browser

TYPED = "Why do I feel dizzy when I stand up?"
DAY_SECONDS = 86_400
PHONE = Look(390, "light", "en")
SIGN = """fetch(document.querySelector(".banner--problem use").href.baseVal)
  .then((reply) => reply.ok, () => false)"""
ONE = Answer(
    id="c1",
    status=Status.ANSWERED,
    text=serving.SAID,
    tier=Level.DEVICE,
    model=ModelCardRef(name="rules", digest="sha256:0"),
)


@pytest.fixture
def device(tmp_path, monkeypatch, cheap_vault):
    monkeypatch.setenv("CARETIER_ANCHORS", str(tmp_path / "anchors"))
    made = serving.Told(DeviceSettings(data=tmp_path / "device"))
    yield made
    for person in list(made.members):
        made.lock(person)


def open_record(device, look):
    """A vault in the language of a look."""
    member = device.add("p01", serving.PASSPHRASE)
    member.set_profile({"language": look.language})
    return member


@contextmanager
def a_day_later():
    """Each session of the device was idle too long."""
    later = SimpleNamespace(monotonic=lambda: time.monotonic() + DAY_SECONDS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("patient_app.sessions.time", later)
        yield


@in_looks
def test_a_question_asked_after_the_session_ended_is_in_the_field_after_the_passphrase(
    chromium, device, look
):
    open_record(device, look)
    page = serving.window(chromium, look)
    with serving.at(device) as address:
        serving.unlock(page, address)
        page.fill("#question", TYPED)
        page.wait_for_load_state("networkidle")  # what the page still asks for would lead away too
        with a_day_later():
            page.click("#send")
            page.wait_for_url("**/unlock**")
        assert "dizzy" not in page.url
        serving.give_passphrase(page)
        expect(page.locator("#question")).to_have_value(TYPED)
        assert device.asked == []
        page.click("#send")
        page.wait_for_selector(".receipt")
        assert device.asked == [TYPED]
        assert sound(page, "again", look) == []
        page.reload()
        page.wait_for_selector(".receipt")
        expect(page.locator("#question")).to_have_value("")
        page.context.close()


def looked_again(page):
    """Whether the page found the device; a look may still be under way as time goes on."""
    page.clock.run_for(6_000)
    return page.locator("#offlinebar").count() == 0


def until(holds):
    """Wait for what a page does by itself, or says as it is left."""
    last = time.monotonic() + 15
    while not holds():
        assert time.monotonic() < last
        time.sleep(0.05)


@in_looks
def test_a_question_asked_while_the_device_is_away_is_kept_and_sent_once(chromium, device, look):
    open_record(device, look)
    page = serving.window(chromium, look)
    page.clock.install()
    with serving.at(device) as address:
        serving.unlock(page, address)
        serving.controlled(page)
        page.wait_for_load_state("networkidle")
        page.context.set_offline(True)
        page.fill("#question", TYPED)
        page.click("#send")
        again = page.get_by_role("button", name=device_says(look.language, "answer.retry"))
        again.wait_for()
        page.wait_for_selector("#offlinebar")
        assert page.evaluate(SIGN), "the sign of the banner is not kept"
        assert sound(page, "away", look) == []
        page.reload()
        expect(page.locator("#again")).to_be_visible()
        assert sound(page, "offline", look) == []
        page.context.set_offline(False)
        page.clock.run_for(6_000)
        expect(page.locator("#question")).to_have_value(TYPED)
        page.click("#send")
        page.wait_for_selector(".receipt")
        assert device.asked == [TYPED]
        page.context.close()


def test_the_bar_goes_when_the_device_is_back_and_try_again_sends_once(chromium, device):
    open_record(device, PHONE)
    page = serving.window(chromium, PHONE)
    page.clock.install()
    with serving.at(device) as address:
        serving.unlock(page, address)
        page.wait_for_load_state("networkidle")
        page.context.set_offline(True)
        page.fill("#question", TYPED)
        page.click("#send")
        again = page.get_by_role("button", name="Try again")
        again.wait_for()
        page.wait_for_selector("#offlinebar")
        page.context.set_offline(False)
        until(lambda: looked_again(page))
        again.dblclick()
        page.wait_for_selector(".receipt")
        assert device.asked == [TYPED]
        expect(page.locator(".exchange")).to_have_count(1)
        page.context.close()


@in_looks
def test_a_new_version_waits_for_the_person_and_keeps_what_was_typed(
    chromium, device, monkeypatch, look
):
    open_record(device, look)
    page = serving.window(chromium, look)
    with serving.at(device) as address:
        serving.unlock(page, address)
        serving.controlled(page)
        page.fill("#question", TYPED)
        newer = shell.worker().replace('"version": "', '"version": "next-')
        monkeypatch.setattr(shell, "worker", lambda: newer)
        page.evaluate("navigator.serviceWorker.getRegistration().then((one) => one.update())")
        page.wait_for_selector("#updatebar")
        assert sound(page, "update", look) == []
        with page.expect_event("load"):
            page.click("#update")
        expect(page.locator("#question")).to_have_value(TYPED)
        expect(page.locator("#updatebar")).to_have_count(0)
        names = page.evaluate("caches.keys()")
        assert len(names) == 1
        assert "next-" in names[0]
        page.context.close()


@pytest.mark.parametrize("way", ["undo", "leave"])
def test_a_deleted_question_goes_for_good_when_the_page_is_left_and_not_when_undone(
    chromium, device, way
):
    member = open_record(device, PHONE)
    serving.write_down(member, "c1", TYPED, "talk", ONE)
    page = serving.window(chromium, PHONE)
    with serving.at(device) as address:
        serving.unlock(page, address, "/history")
        page.locator(".consult summary").first.click()
        page.get_by_role("button", name="Delete").click()
        expect(page.locator(".consult")).to_have_count(0)
        assert len(member.consults()) == 1, "it can still be undone"
        if way == "undo":
            page.get_by_role("button", name="Undo").click()
        left = 1 if way == "undo" else 0
        page.goto("about:blank")
        page.goto(f"{address}/history")
        page.wait_for_selector(".consult" if left else ".empty")
        assert len(member.consults()) == left
        page.context.close()


def test_a_deletion_whose_word_was_lost_as_the_page_went_is_done_when_one_comes_back(
    chromium, device
):
    member = open_record(device, PHONE)
    serving.write_down(member, "c1", TYPED, "talk", ONE)
    page = serving.window(chromium, PHONE)
    page.add_init_script(
        "const way = fetch; fetch = (path, told) =>"
        " told?.keepalive ? Promise.reject(new TypeError()) : way(path, told)"
    )
    with serving.at(device) as address:
        serving.unlock(page, address, "/history")
        page.locator(".consult summary").first.click()
        page.get_by_role("button", name="Delete").click()
        expect(page.locator(".consult")).to_have_count(0)
        page.goto("about:blank")
        assert len(member.consults()) == 1, "its word was lost"
        page.goto(f"{address}/history")
        page.wait_for_selector(".empty")
        assert member.consults() == []
        page.context.close()


@in_looks
def test_what_one_writes_for_a_visit_a_medicine_or_a_signal_is_there_again(stage, said, look):
    stage.see(look)
    stage.replies["GET /api/visits"] = {"forms": [], "drafts": [], "questions": []}
    stage.replies["GET /api/medicines"] = {
        "active": [], "on_hold": [], "stopped": [], "twice": [], "allergies": [],
    }  # fmt: skip
    stage.replies["GET /api/reminders"] = {"today": [], "reminders": [], "history": []}
    asked = {"id": "c1", "asked": "2026-11-20T10:00:00Z", "question": "A cold?", "answer": said()}
    stage.replies["GET /api/consults"] = {"consults": [{**asked, "signal": None}]}
    for path, field in (("/visits", "#question-text"), ("/medicines", "#take")):
        page = stage.open(path)
        page.fill(field, TYPED)
        page.reload()
        expect(page.locator(field)).to_have_value(TYPED)
    page = stage.open("/history#q-c1")
    page.locator("[data-verdict=wrong]").click()
    page.locator(".signal textarea").fill(TYPED)
    page.reload()
    expect(page.locator(".signal textarea")).to_have_value(TYPED)
    expect(page.locator(".signal textarea")).to_be_visible()
    page.evaluate(
        """() => {
          const form = document.querySelector('form[action="/lock"]');
          form.addEventListener("submit", (event) => event.preventDefault());
          form.requestSubmit();
        }"""
    )  # where it leads to is another site to a played page
    held = page.evaluate("Object.keys(sessionStorage).filter((one) => one.includes('draft'))")
    assert held == [], "what was typed is wiped when the record is locked, from whatever page"
