"""The patient's device connects to a hospital's record by SMART standalone launch, in Chromium."""

from __future__ import annotations

import os
import time
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
SCOPES = (
    "launch/patient openid fhirUser offline_access patient/*.rs "
    "patient/QuestionnaireResponse.c patient/QuestionnaireResponse.u"
)


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
        opened.wait_for_url(f"{device.address}/record")
        yield opened
        browser.close()


def _allow(page: Page, answer: str = "allow") -> None:
    page.click("#connections button")
    page.fill("input[name=user]", "ana")
    page.fill("input[name=password]", PASSWORD)
    page.click("#sign-in button[type=submit]")
    page.check("input[name=patient][value=p01]")
    page.click("#whose button[type=submit]")
    expect(page.locator("#consent")).to_contain_text("QuestionnaireResponse")
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


def _last_read(device: Served) -> str:
    """When the person's record was last read to its end."""
    (place,) = device.device.connections.listing(device.device.member("me"))
    return place["read"]


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

    read = _last_read(device)
    page.get_by_role("button", name="Read again").click()
    until = time.monotonic() + 60
    while _last_read(device) == read:
        assert time.monotonic() < until
        page.wait_for_timeout(50)
    expect(page.locator("#connections progress")).to_have_count(0)
    assert {f"{r['resourceType']}/{r['id']}" for r in member.resources()} == before

    token = member.vault.get("connection", place)["grant"]["refresh"]
    assert here.hospital.smart.tokens.find(token) is not None
    page.get_by_role("button", name="Disconnect").click()
    page.get_by_role("button", name="remove what was read").click()
    expect(page.locator("#connect-result")).to_contain_text("Disconnected")
    assert member.resources() == []
    assert here.hospital.smart.tokens.find(token) is None


def _fill_in(page: Page, device: Served, words: str) -> None:
    """Answer what is asked for a follow-up, from the first question to the last word."""
    page.goto(f"{device.address}/visits")
    page.locator("#forms button").nth(2).click()
    _answer(page, words)


def _answer(page: Page, words: str) -> None:
    """Answer from the question that is open on, and say that these are the answers."""
    page.wait_for_selector(".visit form")
    while page.locator(".reviewed").count() == 0:
        step = page.locator(".visit form")
        for field in step.locator("[data-link=followed], [data-link=listed-medicine-taken]").all():
            field.locator("input").first.check()
        if step.locator("[data-link=new-symptoms] textarea").count():
            page.fill("[data-link=new-symptoms] textarea", words)
        here = page.locator(".visit progress").get_attribute("value")
        step.locator("button[type=submit]").click()
        expect(page.locator(f'.visit progress[value="{here}"]')).to_have_count(0)
    page.locator(".visit .button--primary").click()
    expect(page.locator(".visit .banner--ok")).to_be_visible()


def _held(here) -> dict[str, str]:
    """Status of every version of the person's answers that the hospital has, by id."""
    found = here.hospital.records.search("QuestionnaireResponse", patient="p01").resources
    assert {one["subject"]["reference"] for one in found} <= {"Patient/p01"}
    return {one["id"]: one["status"] for one in found}


def _chart(here, page: Page) -> Page:
    """The person's chart as the clinician sees it who treats them."""
    chart = page.context.browser.new_page()
    chart.set_default_timeout(20_000)
    chart.goto(f"{here.address}/portal/patients/p01")
    chart.fill("input[name=user]", "ana")
    chart.fill("input[name=password]", PASSWORD)
    chart.click("#sign-in button[type=submit]")
    chart.wait_for_url(f"{here.address}/portal/patients/p01")
    return chart


@pytest.mark.browser
def test_answers_go_to_the_record_once_are_seen_there_altered_and_taken_back(here, device, page):
    _allow(page)
    expect(page.locator("#connections")).to_contain_text("came from there", timeout=60_000)
    _fill_in(page, device, "My ankles swell in the evening.")
    send = page.get_by_role("button", name="Send to City Hospital")
    trouble = page.locator(".visit [role=status] .banner--problem")

    page.context.set_offline(True)
    send.click()
    expect(trouble).to_be_visible()
    assert _held(here) == {}
    page.context.set_offline(False)
    page.route("**/send/*", lambda route: (route.fetch(), route.abort()), times=1)
    send.click()
    expect(trouble).to_be_visible()
    send.click()
    expect(page.locator(".visit")).to_contain_text("Sent to City Hospital")
    (first,) = _held(here)
    ledger = [row for _, row in device.device.member("me").vault.items("ledger")]
    assert [(row["destination"], row["state"]) for row in ledger] == [("City Hospital", "sent")]
    chart = _chart(here, page)
    expect(chart.locator("main")).to_contain_text("My ankles swell in the evening.")

    page.get_by_role("button", name="Change: ", exact=False).nth(2).click()
    _answer(page, "My ankles swell all day.")
    expect(page.locator(".visit")).to_contain_text("You have changed your answers")
    send.dblclick()
    expect(page.locator(".visit")).to_contain_text("Sent to City Hospital")
    held = _held(here)
    assert held.pop(first) == "completed"
    assert list(held.values()) == ["amended"]
    chart.reload()
    expect(chart.locator("main")).to_contain_text("My ankles swell all day.")
    expect(chart.locator("main")).not_to_contain_text("in the evening")

    page.get_by_role("button", name="Take back").click()
    expect(page.locator(".visit")).to_contain_text("Taken back on")
    assert set(_held(here).values()) == {"entered-in-error"}
    chart.reload()
    expect(chart.locator("main")).not_to_contain_text("My ankles swell")
    page.goto(f"{device.address}/record")
    page.get_by_role("button", name="Disconnect").click()
    page.get_by_role("button", name="remove what was read").click()
    expect(page.locator("#connect-result")).to_contain_text("Disconnected")
