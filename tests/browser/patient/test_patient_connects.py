"""A person connects a record at another server, is told how it goes, and ends it again."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from support.looks import in_looks

from tests.browser.patient.conftest import HELD
from tests.browser.patient.home import sound

pytestmark = pytest.mark.browser

PLACE = {
    "id": "riverside", "name": "Riverside Hospital", "address": "https://fhir.example.org/r4",
    "connected": False, "busy": False, "progress": {}, "problem": None, "read": None,
    "count": 0, "failures": [], "sends": False,
}  # fmt: skip
READ = {**PLACE, "connected": True, "count": 41, "read": "2026-11-20T10:00:00Z"}
BUSY = {"step": 2, "steps": 9, "kind": "Observation"}


@in_looks
def test_a_record_is_connected_read_and_disconnected_with_what_was_read_kept(stage, look):
    says = stage.see(look)
    calls = stage.replies
    calls["GET /api/record"] = {"summary": []}
    calls["GET /api/connections"] = {"connections": [PLACE]}
    calls["POST /api/connections/riverside"] = {"url": "/record?code=c&state=s&iss=x"}
    page = stage.open("/record")
    assert sound(page, "connect", look) == []
    calls["POST /api/connections/back/answer"] = HELD
    busy = {**READ, "busy": True, "progress": BUSY}
    with page.expect_request("**/api/connections/back/answer"):
        page.get_by_role("button", name=says("connect.begin")).click()
    calls["GET /api/connections"] = {"connections": [busy]}
    calls["POST /api/connections/back/answer"] = {}
    stage.let_go()
    expect(page.locator("#connections progress")).to_have_attribute("value", "2")
    assert page.url.endswith("/record"), "the code leaves the address at once"
    assert stage.bodies("POST /api/connections/back/answer") == [
        {"state": "s", "code": "c", "iss": "x"}
    ]
    calls["GET /api/connections"] = {"connections": [{**READ, "failures": ["Claim: refused"]}]}
    words = says("connect.connected.other", count=41)
    expect(page.get_by_text(words)).to_be_visible()
    page.get_by_role("button", name=says("connect.end")).click()
    keep = page.get_by_role("button", name=says("connect.end_keep"))
    keep.wait_for()
    assert sound(page, "connected", look) == []
    calls["POST /api/connections/riverside/disconnect"] = {}
    calls["GET /api/connections"] = {"connections": [PLACE]}
    keep.click()
    expect(page.get_by_text(says("connect.ended"))).to_be_visible()
    assert stage.bodies("POST /api/connections/riverside/disconnect") == [{"keep": True}]


@in_looks
def test_a_server_that_refuses_is_said_to_and_nothing_was_read(stage, look):
    stage.see(look)
    stage.replies["GET /api/record"] = {"summary": []}
    stage.replies["GET /api/connections"] = {"connections": [PLACE]}
    refused = {"detail": "The other server did not allow it.", "remedy": "Ask there for access."}
    stage.replies["POST /api/connections/back/answer"] = (403, refused)
    page = stage.open("/record?error=access_denied&state=s")
    told = page.locator("#connect-result [role=alert]")
    expect(told).to_contain_text("did not allow it")
    expect(told).to_contain_text("Ask there for access.")
    assert sound(page, "refused", look) == []
