"""What stopped a new patient: no clinic to send to, a passphrase to change, an empty record."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from support.looks import in_looks

from tests.browser.patient.home import overflow, sound

pytestmark = pytest.mark.browser

UNLINKED = {"type": "urn:caretier:problem:not-linked", "title": "x", "detail": "Not linked."}
REFUSED = {"type": "urn:caretier:problem:enrolment-refused", "detail": "Not taken.", "remedy": "?"}
CODE = "T7PEFQIL.ZHS62GWZ.MWPHNUYV"
NEW = "nine quiet boats sail"


@in_looks
def test_without_a_clinic_the_way_to_one_is_shown_and_a_code_links_it(stage, said, look):
    says = stage.see(look)
    stage.replies["POST /api/preview"] = (409, UNLINKED)
    stage.replies["GET /api/clinic"] = {"clinic": None, "hospital": None}
    stage.replies["POST /api/clinic"] = (403, REFUSED)
    stage.open()
    page = stage.ask("Where can I park?", ("answer", said(status="abstained", text="")))
    page.get_by_role("button", name=says("offer.also")).click()
    way = page.get_by_role("link", name=says("clinic.go"))
    expect(way).to_be_focused()
    assert sound(page, "unlinked", look) == []
    way.click()
    expect(page.locator("#clinic-state")).to_have_text(says("clinic.none"))
    page.fill("#code", CODE)
    page.click("#clinic-link")
    expect(page.locator("#clinic-problem")).to_contain_text("Not taken.")
    stage.replies["POST /api/clinic"] = {"clinic": "Riverside", "hospital": "St. Ann"}
    page.click("#clinic-link")
    linked = says("clinic.linked_hospital", name="Riverside", hospital="St. Ann")
    expect(page.locator("#clinic-state")).to_have_text(linked)
    expect(page.locator("#clinic-form")).to_be_hidden()
    assert stage.bodies("POST /api/clinic")[-1] == {"code": CODE}


@in_looks
def test_a_passphrase_that_is_guessed_first_is_not_sent_and_another_is(stage, look):
    says = stage.see(look)
    stage.replies["POST /api/passphrase"] = {"changed": True}
    page = stage.open("/settings")
    page.click("#change-passphrase")
    page.fill("#passphrase-now", "correct horse")
    for field in ("#passphrase", "#again"):
        page.fill(field, "password123456")
    expect(page.locator("#strength-words")).to_have_text(says("strength.plain"))
    page.click("#passphrase-save")
    assert stage.bodies("POST /api/passphrase") == []
    for field in ("#passphrase", "#again"):
        page.fill(field, NEW)
    assert sound(page, "passphrase", look) == []
    page.click("#passphrase-save")
    expect(page.locator(".toast")).to_have_text(says("settings.passphrase_changed"))
    assert stage.bodies("POST /api/passphrase") == [{"now": "correct horse", "new": NEW}]
    expect(page.locator("#passphrase-now")).to_have_value("")


def test_an_answer_says_that_it_knows_no_record_and_a_long_text_fits_a_small_phone(stage, said):
    stage.page.set_viewport_size({"width": 360, "height": 740})
    stage.open()
    detail = {"empty": True, "child": True}
    empty = said(trace=[{"step": "person", "ms": 0, "detail": detail}])
    page = stage.ask("Can I take it with my medicines?", ("answer", empty))
    expect(page.locator(".answer__main .banner--urgent")).to_contain_text("under 18")
    link = page.get_by_role("link", name="Add my record")
    expect(link).to_have_attribute("href", "/record#import")
    listed = said(trace=[{"step": "person", "ms": 0, "detail": {"listed": True}}])
    stage.ask("And with these?", ("answer", listed))
    banner = page.locator(".exchange").last.locator(".answer__main .banner--info")
    expect(banner).to_contain_text("the medicines on your list, but no allergies")
    page.fill("#question", "x" * 7900)
    expect(page.locator("#counter")).to_have_text("100 characters left")
    assert overflow(page) <= 0
    queued = said(
        status="queued", text="I can ask your clinic.",
        disclosure={"receipt": "r1", "text": "t", "destination": "clinic", "readers": ["clinic"],
                    "placeholders": {}, "bytes": 9},
    )  # fmt: skip
    stage.ask("And now?", ("answer", queued))
    last = page.locator(".exchange").last
    expect(last).to_contain_text("If you feel worse meanwhile")
    expect(last).not_to_contain_text("I can ask your clinic.")
