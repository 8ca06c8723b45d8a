"""The first day on a real server: begin, come back, install, and open without the server."""

from __future__ import annotations

import os
import re
from types import SimpleNamespace

import pytest
from playwright.sync_api import expect
from support.axe import violations
from support.looks import device_says, in_looks
from support.served import served

from patient_app.app import create
from patient_app.service import Device
from patient_app.settings import DeviceSettings
from patient_app.vault import KdfParameters, RecoveryCode, Vault, vault
from tests.browser.patient.serving import controlled

pytestmark = pytest.mark.browser

SHOTS = os.environ.get("CARETIER_SCREENSHOTS")
PASSPHRASE = "four unrelated plain words"
NEW = "violet lantern over nine hills"
SECRET = "a question that only Ana asked"


@pytest.fixture
def device(tmp_path, monkeypatch):
    cheap = KdfParameters(memory_kib=64, passes=1, lanes=1)
    monkeypatch.setattr(vault, "KdfParameters", lambda: cheap)
    monkeypatch.setenv("CARETIER_ANCHORS", str(tmp_path / "anchors"))
    node = SimpleNamespace(index=None, triage=None)
    made = Device(DeviceSettings(data=tmp_path / "device"), node)
    yield made
    for person in list(made.members):
        made.lock(person)


def _open(chromium, width, theme, language):
    context = chromium.new_context(
        viewport={"width": width, "height": 844},
        color_scheme=theme,
        locale={"en": "en-US", "es": "es-ES"}[language],
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.set_default_timeout(15_000)
    return page


def _fit(page, name):
    """Nothing stands against WCAG, nothing is wider than the window; a picture where asked for."""
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/first-{name}.png", full_page=True)


def _code_on_paper(page, name):
    """Let a recovery code be made and type the group back that is asked for; returns the code."""
    page.click("#code-make")
    groups = page.locator("#code-groups li")
    expect(groups).to_have_count(6)
    written = groups.all_inner_texts()
    _fit(page, f"{name}-paper")
    page.click("#code-written")
    expect(page.locator("#code-groups")).to_be_hidden()
    label = page.locator('label[for="code-typed"]').inner_text()
    wanted = written[int(re.search("[1-6]", label)[0]) - 1]
    page.fill("#code-typed", "ZZZZZ")
    page.click("#code-keep")
    expect(page.locator("#code-problem .banner")).to_be_visible()
    _fit(page, f"{name}-check")
    page.fill("#code-typed", wanted.lower())
    if page.locator("#code-passphrase").count():
        page.fill("#code-passphrase", PASSPHRASE)
    page.keyboard.press("Enter")
    expect(page.locator("#code-done")).to_be_visible()
    _fit(page, f"{name}-done")
    return "-".join(written)


@in_looks
def test_a_new_person_begins_by_thumb_loses_nothing_on_reload_and_ends_at_asking(
    chromium, device, look
):
    width, theme, language = look
    with served(lambda _: create(device.settings, device), lifespan="off") as address:
        page = _open(chromium, width, theme, language)
        page.goto(address)
        _fit(page, f"nobody-{look}")
        page.locator('a[href^="/start"]').click()
        page.wait_for_url("**/start**")
        expect(page.locator(".journey li")).to_have_count(3)
        _fit(page, f"stays-{look}")
        page.locator(".start__go .button--primary").click()
        page.wait_for_url("**/start/you**")  # with the scripts that keep what is typed
        page.fill("#label", "Ana")
        page.fill("#born", "1984-03-05")
        page.reload()
        expect(page.locator("#label")).to_have_value("Ana")
        page.fill("#passphrase", "short")
        expect(page.locator("#strength-words")).to_contain_text("10")
        page.fill("#passphrase", PASSPHRASE)
        page.fill("#again", PASSPHRASE)
        _fit(page, f"you-{look}")
        page.click("#make")
        page.wait_for_url("**/start/recovery")
        page.click("details.moved summary")
        page.click("#recovery-show")
        expect(page.locator("#recovery-words")).to_contain_text("-")
        code = _code_on_paper(page, f"recovery-{look}")
        page.click("#code-next")
        page.wait_for_url("**/start/choices")
        page.select_option("#country", "ES")
        expect(page.locator("#number")).to_have_text("112")
        _fit(page, f"choices-{look}")
        page.locator(".start__go .button--primary").click()
        page.wait_for_url("**/start/bring")
        _fit(page, f"bring-{look}")
        page.go_back()
        expect(page.locator("#country")).to_have_value("ES")
        page.go_forward()
        page.click("#done")
        expect(page.locator("#lifeline")).to_have_text("112")
        page.click(".who")
        expect(page.locator(".persons li")).to_have_count(1)
        _fit(page, f"family-{look}")
        page.context.close()
    (member,) = device.members.values()
    Vault.open(member.vault.folder, RecoveryCode.read(code)).close()
    assert member.profile["language"] == language
    assert member.profile["country"] == "ES"


@in_looks
def test_who_forgot_the_passphrase_opens_the_record_with_the_paper_and_makes_another(
    chromium, device, look
):
    width, theme, language = look
    member = device.add("p-1", PASSPHRASE)
    member.set_profile({"language": language})
    code = RecoveryCode.new()
    member.vault.set_recovery_code(code)
    with served(lambda _: create(device.settings, device), lifespan="off") as address:
        page = _open(chromium, width, theme, language)
        page.goto(f"{address}/unlock?lang={language}")
        page.locator("details.moved summary").last.click()
        _fit(page, f"forgot-{look}")
        page.click('a[href^="/recover"]')
        expect(page.locator("#code")).to_be_focused()
        page.fill("#code", code.text[:-1] + ("0" if code.text[-1] != "0" else "1"))
        page.fill("#passphrase", NEW)
        page.fill("#again", NEW)
        page.keyboard.press("Enter")
        expect(page.locator(".banner--problem")).to_be_visible()
        _fit(page, f"recover-{look}")
        page.fill("#code", " ".join(code.groups).lower())
        page.fill("#passphrase", NEW)
        page.fill("#again", NEW)
        page.keyboard.press("Enter")
        page.wait_for_url("**/recovery")
        _fit(page, f"recovery-begin-{look}")
        _code_on_paper(page, f"recovery-page-{look}")
        page.reload()
        _fit(page, f"recovery-there-{look}")
        page.click("#code-remove")
        page.fill("#remove-passphrase", NEW)
        _fit(page, f"recovery-remove-{look}")
        page.keyboard.press("Enter")
        expect(page.locator("#code-remove")).to_have_count(0)
        assert not device.members["p-1"].vault.has_recovery_code
        page.context.close()


@in_looks
def test_who_has_no_code_is_reminded_once(chromium, device, look):
    width, theme, language = look
    device.add("p-1", PASSPHRASE).set_profile({"language": language})
    with served(lambda _: create(device.settings, device), lifespan="off") as address:
        page = _open(chromium, width, theme, language)
        page.goto(f"{address}/unlock?lang={language}")
        page.fill("#passphrase", PASSPHRASE)
        page.keyboard.press("Enter")
        later = page.locator('form[action="/recovery/later"] button')
        expect(later).to_be_visible()
        _fit(page, f"reminded-{look}")
        later.click()
        expect(later).to_have_count(0)
        expect(page.locator("#question")).to_be_visible()
        page.context.close()


@in_looks
def test_the_client_is_installable_and_opens_without_its_server_on_whom_to_call(
    chromium, device, look
):
    member = device.add("p01", PASSPHRASE)
    with member.vault.write() as tx:
        row = {"question": SECRET, "asked": "2026-11-21T10:00:00Z", "answer": {}}
        tx.put("profile", "me", {"language": look.language})
        tx.put("note", "n", row)
    page = _open(chromium, *look)
    with served(lambda _: create(device.settings, device), lifespan="off") as address:
        page.goto(address)
        page.fill("#passphrase", PASSPHRASE)
        page.click("form.card button[type=submit]")
        page.wait_for_selector("#question")
        controlled(page)
        manifest = page.evaluate(
            "fetch(document.querySelector('link[rel=manifest]').href).then((r) => r.json())"
        )
        assert manifest["display"] == "standalone"
        page.fill("#question", SECRET)
        page.reload()
        expect(page.locator("#question")).to_have_value(SECRET)
        kept = page.evaluate(
            """async () => {
              const found = [];
              for (const name of await caches.keys()) {
                const cache = await caches.open(name);
                for (const request of await cache.keys()) {
                  const text = await (await cache.match(request)).text();
                  found.push([new URL(request.url).pathname, text]);
                }
              }
              return found;
            }"""
        )
        addresses = {path for path, _ in kept}
        assert "/offline" in addresses
        assert all(one.startswith(("/static/", "/offline")) for one in addresses), addresses
        assert not any(SECRET in text or "p01" in text for _, text in kept)
    page.reload()
    number = {"en": "911", "es": "112"}[look.language]  # of the browser's region: en-US, es-ES
    expect(page.locator("#call")).to_have_attribute("href", f"tel:{number}")
    page.get_by_text(device_says(look.language, "offline.flags.heart-attack-signs")).click()
    expect(page.locator("details[open]")).to_contain_text(number)
    _fit(page, f"offline-{look}")
    page.select_option("#country", "GB")
    expect(page.locator("#call-number")).to_have_text("999")
    page.context.close()
