"""Several people on one device: each with a vault of their own, one open at a time."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from support.looks import device_says, in_looks

from patient_app.settings import DeviceSettings
from tests.browser.patient import serving
from tests.browser.patient.home import sound

pytestmark = pytest.mark.browser

OTHERS = "another passphrase of five words"
SECRET = "Is this rash contagious?"


@pytest.fixture
def device(tmp_path, monkeypatch, cheap_vault):
    monkeypatch.setenv("CARETIER_ANCHORS", str(tmp_path / "anchors"))
    made = serving.Told(DeviceSettings(data=tmp_path / "device"))
    yield made
    for person in list(made.members):
        made.lock(person)


@in_looks
def test_a_family_member_gets_a_vault_of_their_own_and_sees_nothing_of_the_first(
    chromium, device, look
):
    def says(key):
        return device_says(look.language, key)

    device.add("p01", serving.PASSPHRASE).set_profile({"language": look.language})
    page = serving.window(chromium, look)
    with serving.at(device) as address:
        serving.unlock(page, address)
        page.fill("#question", SECRET)
        page.goto(f"{address}/family")
        page.click("#add-person")
        page.locator(".start__go .button--primary").click()
        page.wait_for_url("**/start/you**")
        page.fill("#label", "Lu")
        page.check("#care")
        page.fill("#passphrase", OTHERS)
        page.fill("#again", OTHERS)
        page.click("#make")
        page.wait_for_url("**/start/recovery")
        page.goto(f"{address}/")
        expect(page.locator("#cares")).to_contain_text("Lu")
        expect(page.locator("#question")).to_have_value("")
        assert sound(page, "carer", look) == []
        page.goto(f"{address}/family")
        expect(page.locator(".persons li")).to_have_count(2)
        assert sound(page, "family", look) == []
        page.get_by_role("button", name=says("family.switch")).click()
        page.wait_for_url("**/unlock**")
        assert sound(page, "switch", look) == []
        serving.give_passphrase(page, OTHERS)
        expect(page.get_by_role("alert")).to_contain_text(says("trouble.vault-locked"))
        serving.give_passphrase(page)
        page.wait_for_selector("#question")
        expect(page.locator("#question")).to_have_value("")
        expect(page.locator(".who")).to_contain_text("p01")
        page.context.close()
    assert len(device.people()) == 2
