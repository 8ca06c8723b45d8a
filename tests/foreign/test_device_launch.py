"""The patient's device connects to a hospital's record by SMART standalone launch, in Chromium."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from support.served import served

from patient_app.app import create
from patient_app.service import Device
from patient_app.settings import DeviceSettings

CHROMIUM = os.environ.get("CARETIER_CHROMIUM", "/usr/bin/chromium")
PASSWORD = "a long enough password"
PASSPHRASE = "a long enough passphrase"
SCOPES = "launch/patient openid fhirUser offline_access patient/*.rs"


@dataclass(frozen=True)
class Served:
    """A device with its address."""

    device: Device
    address: str


@pytest.fixture(scope="module")
def portal(here) -> None:
    """Ana may say yes for p01 at the hospital."""
    here.hospital.records.put({"resourceType": "Practitioner", "id": "me"})
    here.hospital.records.put(
        {
            "resourceType": "ServiceRequest", "id": "theirs", "status": "active",
            "intent": "order", "subject": {"reference": "Patient/p01"},
            "code": {"text": "Review"},
            "performer": [{"reference": "Practitioner/me"}],
        }
    )  # fmt: skip
    here.hospital.accounts.add_user(
        "ana", PASSWORD, "Ana", "clinician", acts_as=["Practitioner/me"]
    )


@pytest.fixture(scope="module")
def device(here, portal, node_of, tmp_path_factory) -> Iterator[Served]:
    made: dict[str, Device] = {}
    folder = tmp_path_factory.mktemp("device")

    def make(address: str):
        clients = here.hospital.smart.clients
        clients.add(
            "Patients' device", "public", SCOPES, id_="device", redirects=[f"{address}/record/back"]
        )
        settings = DeviceSettings(
            data=folder,
            records=f"City Hospital|{here.fhir}|device",
            records_private=True,
        )
        made["it"] = Device(settings, node_of("device"))
        made["it"].add("me", PASSPHRASE)
        return create(settings, made["it"])

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARETIER_ANCHORS", str(folder / "anchors"))
        with served(make) as address:
            yield Served(made["it"], address)


@pytest.fixture
def anchors(device, monkeypatch) -> None:
    """Keep the anchors where the vault was made; each test has others otherwise."""
    monkeypatch.setenv("CARETIER_ANCHORS", str(device.device.settings.data / "anchors"))


@pytest.fixture
def page(device, anchors) -> Iterator[Page]:
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        opened = browser.new_page()
        opened.set_default_timeout(20_000)
        opened.goto(f"{device.address}/unlock?next=/record")
        opened.fill("input[name=passphrase]", PASSPHRASE)
        opened.click("main form.card button[type=submit]")
        yield opened
        browser.close()


def _allow(page: Page, answer: str = "allow") -> None:
    page.click("#connections button")
    page.fill("input[name=user]", "ana")
    page.fill("input[name=password]", PASSWORD)
    page.click("#sign-in button[type=submit]")
    page.check("input[name=patient][value=p01]")
    page.click("#whose button[type=submit]")
    page.click(f"#consent button[value={answer}]")


@pytest.mark.browser
def test_a_no_is_told_and_nothing_is_connected(device, page):
    _allow(page, "deny")
    expect(page.locator("#connect-result")).to_contain_text("not allowed")
    assert device.device.member("me").vault.get("connection", "x") is None
    assert device.device.member("me").resources() == []


@pytest.mark.browser
def test_an_answer_that_was_not_begun_here_is_refused(device, page):
    page.goto(f"{device.address}/record/back?state=forged&code=forged")
    expect(page.locator("#connect-result")).to_contain_text("not begun here")
    assert page.url == f"{device.address}/record"


@pytest.mark.browser
def test_the_record_is_read_into_the_vault_read_again_and_let_go(here, device, page):
    _allow(page)
    expect(page.locator("#connections")).to_contain_text("came from there", timeout=60_000)
    member = device.device.member("me")
    (place,) = device.device.connections.places
    kinds = {r["resourceType"] for r in member.resources()}
    assert {"Patient", "Observation", "MedicationRequest"} <= kinds
    assert all(r["id"].startswith(f"{place}.") for r in member.resources())
    assert member.record() is not None
    expect(page.locator("#summary")).to_contain_text("Medicines")
    before = {f"{r['resourceType']}/{r['id']}" for r in member.resources()}

    page.get_by_role("button", name="Read again").click()
    expect(page.locator("#connections progress")).to_have_count(0, timeout=60_000)
    assert {f"{r['resourceType']}/{r['id']}" for r in member.resources()} == before

    token = member.vault.get("connection", place)["grant"]["refresh"]
    assert here.hospital.smart.tokens.find(token) is not None
    page.get_by_role("button", name="Disconnect").click()
    page.get_by_role("button", name="remove what was read").click()
    expect(page.locator("#connect-result")).to_contain_text("Disconnected")
    assert member.resources() == []
    assert here.hospital.smart.tokens.find(token) is None
