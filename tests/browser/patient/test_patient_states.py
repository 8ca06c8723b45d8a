"""What a page shows while its data comes, when there is none, and when it cannot be had."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from support.looks import in_looks

from tests.browser.patient.conftest import HELD
from tests.browser.patient.home import sound

pytestmark = pytest.mark.browser

NEEDS = {
    "/history": "GET /api/consults",
    "/ledger": "GET /api/ledger",
    "/record": "GET /api/record",
    "/results": "GET /api/results",
    "/medicines": "GET /api/medicines",
    "/visits": "GET /api/visits",
}
NOTHING = {
    "GET /api/consults": {"consults": []},
    "GET /api/ledger": {"entries": []},
    "GET /api/record": {"summary": []},
    "GET /api/results": {"tests": [], "reports": []},
    "GET /api/medicines": {
        "active": [], "on_hold": [], "stopped": [], "twice": [], "allergies": [],
    },
    "GET /api/reminders": {"today": [], "reminders": [], "history": []},
    "GET /api/visits": {"forms": [], "drafts": [], "questions": []},
}  # fmt: skip
TROUBLE = {"detail": "The vault is busy.", "remedy": "Wait a moment and load the page again."}


@in_looks
def test_each_page_stands_while_it_waits_and_says_what_to_do_when_there_is_nothing(stage, look):
    stage.see(look)
    stage.replies |= NOTHING
    found = []
    for path, call in NEEDS.items():
        stage.replies[call] = HELD
        page = stage.open(path)
        expect(page.locator(".skeleton").first).to_be_visible()
        stage.replies[call] = NOTHING[call]
        stage.let_go()
        page.locator(".empty").first.wait_for()
        expect(page.locator(".skeleton:visible")).to_have_count(0)
        found += sound(page, path.strip("/"), look)
    assert found == [], "\n".join(found)


@in_looks
def test_each_page_that_cannot_have_its_data_says_what_happened_and_what_to_do(stage, look):
    stage.see(look)
    stage.replies |= NOTHING
    for path, call in NEEDS.items():
        stage.replies[call] = (503, TROUBLE)
        page = stage.open(path)
        told = page.get_by_role("alert").first
        expect(told).to_contain_text(TROUBLE["detail"])
        expect(told).to_contain_text(TROUBLE["remedy"])
        expect(page.locator(".skeleton:visible")).to_have_count(0)
    stage.replies["GET /api/reminders"] = (503, TROUBLE)
    page = stage.open("/medicines")
    expect(page.locator("#today")).to_contain_text(TROUBLE["remedy"])
    stage.replies |= {"GET /api/profile": (503, TROUBLE), "GET /api/consent": (503, TROUBLE)}
    page = stage.open("/settings")
    expect(page.locator("#consent-list")).to_contain_text(TROUBLE["remedy"])
