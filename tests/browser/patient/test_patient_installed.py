"""The browser's own: the offer to install, and notifications that a person allowed or refused."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect
from support.looks import Look, in_looks

from patient_app.settings import DeviceSettings
from tests.browser.patient import serving
from tests.browser.patient.home import sound

pytestmark = pytest.mark.browser

OFFER = """() => {
  const offer = new Event("beforeinstallprompt", { cancelable: true });
  offer.prompt = () => { window.prompted = (window.prompted ?? 0) + 1; return Promise.resolve(); };
  window.dispatchEvent(offer);
  return offer.defaultPrevented;
}"""
NOTIFIES = """
window.told = [];
window.Notification = class {
  static permission = "default";
  static requestPermission() {
    this.permission = "%s";
    return Promise.resolve(this.permission);
  }
  constructor(title, { body, tag }) {
    document.documentElement.dataset.told = window.told.push([title, body, tag]);
  }
};
"""
DUE = [
    {"id": "d1", "state": "due", "name": "Lisinopril 10 mg", "time": "08:00", "named": False},
    {"id": "d2", "state": "due", "name": "Vitamin D", "time": "08:00", "named": True},
    {"id": "d3", "state": "ahead", "name": "Vitamin D", "time": "20:00", "named": True},
]
REMINDER = {
    "id": "r1", "medicine": "m1", "name": "Vitamin D", "times": ["08:00", "20:00"],
    "days": [0, 1, 2, 3, 4, 5, 6], "since": None, "until": None, "named": True, "stopped": False,
}  # fmt: skip
SHOWN = """async () => {
  const worker = await navigator.serviceWorker.ready;
  for (let tries = 0; tries < 400; tries += 1) {
    const shown = await worker.getNotifications();
    if (shown.length === 2) return shown.map(({ tag, body }) => [tag, body]).sort();
    await new Promise((done) => setTimeout(done, 50));
  }
  return [];
}"""
EMPTY = {"active": [], "on_hold": [], "stopped": [], "twice": [], "allergies": []}


@in_looks
def test_the_button_to_install_is_there_when_the_browser_offers_it_and_asks_once(stage, look):
    says = stage.see(look)
    page = stage.open("/history")
    button = page.get_by_role("button", name=says("shell.install"))
    expect(button).to_have_count(0)
    assert page.evaluate(OFFER), "the browser's own bar gives way to the button"
    expect(button).to_be_visible()
    assert sound(page, "install", look) == []
    button.click()
    expect(button).to_have_count(0)
    assert page.evaluate("window.prompted") == 1


def reminded(stage, permission):
    stage.replies["GET /api/medicines"] = EMPTY
    stage.replies["GET /api/reminders"] = {"today": DUE, "reminders": [REMINDER], "history": []}
    stage.page.add_init_script(NOTIFIES % permission)
    page = stage.open("/medicines")
    page.wait_for_selector(".dose")
    return page


def rings(page, times):
    """Let time go on until the browser rang so often; a look may still be under way as it does."""
    told, last = page.locator("html"), time.monotonic() + 20
    while told.get_attribute("data-told") != str(times):
        assert time.monotonic() < last
        page.clock.run_for(31_000)


@in_looks
def test_a_dose_that_is_due_is_told_once_and_named_only_where_the_person_chose_so(stage, look):
    says = stage.see(look)
    stage.page.clock.install()
    page = reminded(stage, "granted")
    assert page.evaluate("window.told") == [], "nobody was asked yet"
    page.click("#notify")
    expect(page.locator("#notify")).to_be_hidden()
    expect(page.locator("#notify-state")).to_have_text(says("reminders.notify_on"))
    rings(page, 2)
    page.clock.run_for(31_000)
    expect(page.locator("html")).to_have_attribute("data-told", "2")
    title = says("reminders.notify_title")
    assert page.evaluate("window.told") == [
        [title, says("reminders.notify_body"), "d1"],
        [title, "08:00 Vitamin D", "d2"],
    ]
    assert sound(page, "notified", look) == []


@in_looks
def test_refused_notifications_are_said_to_be_so_and_nothing_is_told(stage, look):
    says = stage.see(look)
    page = reminded(stage, "denied")
    page.click("#notify")
    expect(page.locator("#notify")).to_be_hidden()
    expect(page.locator("#notify-state")).to_have_text(says("reminders.notify_denied"))
    assert page.evaluate("window.told") == []
    expect(page.locator(".dose")).to_have_count(3)


def test_a_browser_without_notifications_has_no_button_and_shows_the_doses_all_the_same(stage):
    stage.replies["GET /api/medicines"] = EMPTY
    stage.replies["GET /api/reminders"] = {"today": DUE, "reminders": [REMINDER], "history": []}
    stage.page.add_init_script("delete window.Notification")
    page = stage.open("/medicines")
    expect(page.locator(".dose")).to_have_count(3)
    expect(page.locator("#notify")).to_be_hidden()


def test_an_installed_client_notifies_through_its_worker(chromium, tmp_path, cheap_vault):
    device = serving.Told(DeviceSettings(data=tmp_path / "device"))
    device.add("p01", serving.PASSPHRASE)
    page = serving.window(chromium, Look(390, "light", "en"))
    page.context.grant_permissions(["notifications"])
    state = {"today": DUE, "reminders": [REMINDER], "history": []}
    page.route("**/api/reminders", lambda route: route.fulfill(json=state))
    with serving.at(device) as address:
        serving.unlock(page, address)
        serving.controlled(page)
        page.goto(f"{address}/medicines")
        page.wait_for_selector(".dose")
        assert page.evaluate(SHOWN) == [["d1", "Open Caretier to see which one."],
                                        ["d2", "08:00 Vitamin D"]]  # fmt: skip
        page.context.close()
    device.lock("p01")
