"""Reminders beyond the open page: by a phone's service worker, and in one's calendar."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect
from support.looks import in_looks

from patient_app.medicines import reminders
from patient_app.medicines.reminders import Reminder
from tests.browser.patient.home import sound
from tests.browser.patient.test_patient_installed import reminded, rings

pytestmark = pytest.mark.browser

WORKER = """
window.rung = [];
const worker = {
  controller: {},
  ready: Promise.resolve({
    showNotification: (title, { body }) => {
      document.documentElement.dataset.told = window.rung.push(body);
      return Promise.resolve();
    },
  }),
  addEventListener() {},
  register: () => Promise.resolve(null),
};
Object.defineProperty(navigator, "serviceWorker", { value: worker });
"""


@in_looks
def test_reminders_are_saved_for_a_calendar_and_name_a_medicine_only_where_one_says_so(
    home, chromium, look
):
    since = datetime.now(UTC).date()
    one = Reminder("m1", "Metformin 500 mg", ("08:00", "20:00"), tuple(range(7)), since)
    reminders.keep(home.member, one)
    page = home.open(chromium, *look, "/medicines")
    link = page.locator("#calendar-file")
    expect(link).to_have_attribute("download", "caretier-reminders.ics")
    for named in (False, True):
        page.locator("#calendar-names").set_checked(named)
        text = home.get(link.get_attribute("href")).text
        assert text.count("BEGIN:VEVENT") == 2
        assert ("Metformin 500 mg" in text) is named
    assert sound(page, "calendar", look) == []
    page.context.close()
    assert home.complaints == []


def test_without_a_reminder_there_is_no_file_to_save(home, chromium):
    page = home.open(chromium, 390, "light", "en", "/medicines")
    page.wait_for_selector("#medicines[aria-busy]", state="detached")
    expect(page.locator("#calendar")).to_be_hidden()
    page.context.close()


def test_a_browser_with_a_service_worker_rings_by_it(stage):
    stage.page.clock.install()
    stage.page.add_init_script(WORKER)
    page = reminded(stage, "granted")
    page.click("#notify")
    rings(page, 2)
    assert page.evaluate("window.rung")[1:] == ["08:00 Vitamin D"]
    assert page.evaluate("window.told") == []
