"""What people ask of their data, and sites that are let in again: seen first, then done, undone."""

from __future__ import annotations

from datetime import UTC, datetime

from support.looks import in_looks, portal_says, sound

from services.learning.models import StoredContribution, TrustEvent

ORIGIN = "http://localhost:8000"
KEY = "B" * 16


@in_looks
def test_a_record_that_is_held_stays_until_the_hold_is_lifted(treated, open_page, look):
    page, said = open_page(*look, user="pia"), lambda key, **v: portal_says(look.language, key, **v)
    page.goto(f"{ORIGIN}/portal/requests")
    page.fill("#held-number", "p07")
    page.fill("#held-reason", "File 12/26")
    page.click("#hold button[type=submit]")
    page.wait_for_url("**/requests?done=placed")
    found = sound(page, "requests", look)
    page.fill("#number", "p07")
    page.click("#find button[type=submit]")
    page.wait_for_selector("#goes")
    page.wait_for_load_state()
    assert said("requests.held_title") in page.inner_text("main")
    assert page.locator("#erase").count() == 0
    page.goto(f"{ORIGIN}/portal/requests")
    page.click("#holds details summary")
    page.click("#holds details button")
    page.wait_for_url("**/requests?done=lifted")
    page.goto(f"{ORIGIN}/portal/requests/p07")
    found += sound(page, "request-erase", look)
    assert said("requests.stays_trail") in page.inner_text("#stays")
    page.check("#sure")
    page.click("#erase button[type=submit]")
    page.wait_for_url("**/requests?done=erased")
    found += sound(page, "requests-erased", look)
    assert found == [], "\n".join(found)
    assert page.locator("#receipts .facts__one").count() == 1
    assert treated.charts.find("p07") is None


@in_looks
def test_a_site_that_was_put_aside_is_let_in_again(treated, open_page, look):
    now = datetime.now(UTC)
    aside = StoredContribution(
        id="c0000000-0000-4000-8000-000000000000", domain="general", epoch=0, key=KEY, bytes=9,
        site="site-9", state="quarantined", reason="wrong-shape", manifest="{}", received=now,
    )  # fmt: skip
    fault = {"key": KEY, "at": now, "change": -0.3, "reason": "too-long"}
    with treated.database.transaction() as session:
        session.add_all([aside, TrustEvent(**fault), TrustEvent(**fault)])
    page, said = (
        open_page(*look, user="omar"),
        lambda key, **v: portal_says(look.language, key, **v),
    )
    page.goto(f"{ORIGIN}/portal/contributors")
    found = sound(page, "contributors", look)
    assert said("contributors.suspended") in page.inner_text("#site-1")
    page.click("#site-1 details summary >> nth=0")
    page.click("#site-1 button[value=lifted] >> nth=0")
    page.wait_for_url("**/contributors?done=lifted")
    assert said("contributors.taken") in page.inner_text("#site-1")
    page.click("#aside details summary")
    page.click("#aside details button")
    page.wait_for_url("**/contributors?done=readmitted")
    assert said("contributors.aside_none_title") in page.inner_text("#aside")
    found += sound(page, "contributors-after", look)
    assert found == [], "\n".join(found)
