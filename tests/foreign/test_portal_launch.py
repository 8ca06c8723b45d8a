"""The portal as an app of an EHR, in a real Chromium; the EHR is a second hospital of our own."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, sync_playwright
from support.served import served

from services.fhir.sandbox import generate
from services.hospital.app import create
from services.hospital.audited import Caller
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings

CHROMIUM = os.environ.get("CARETIER_CHROMIUM", "/usr/bin/chromium")
PASSWORD = "a long enough password"
TREATS = (
    {"resourceType": "Practitioner", "id": "me"},
    {
        "resourceType": "ServiceRequest", "id": "theirs", "status": "active",
        "intent": "order", "subject": {"reference": "Patient/p01"},
        "code": {"text": "Review"}, "performer": [{"reference": "Practitioner/me"}],
    },
)  # fmt: skip


@pytest.fixture(scope="module")
def clinician(here):
    """Ana, who has an account at the EHR."""
    here.hospital.records.put_many(TREATS)
    return here.hospital.accounts.add_user(
        "ana", PASSWORD, "Ana", "clinician", acts_as=["Practitioner/me"]
    )


@pytest.fixture(scope="module")
def portal(here, clinician, tmp_path_factory, node_of) -> Iterator[str]:
    """Address of a hospital that can be opened from the EHR.

    By another name of this machine: to a browser they are two sites with cookies of their own.
    """
    made: dict[str, Hospital] = {}

    def make(address: str):
        named = address.replace("127.0.0.1", "localhost")
        clients = here.hospital.smart.clients
        client, _ = clients.add(
            "Caretier",
            "public",
            "launch openid fhirUser patient/Patient.rs",
            redirects=[f"{named}/portal/launch/back"],
            launch_url=f"{named}/portal/launch",
        )
        settings = HospitalSettings(
            data=tmp_path_factory.mktemp("launched") / "hospital",
            base_url=named,
            outbound=here.address,
            outbound_private=True,
            launch_ehrs=f"{here.fhir}|{client.id}",
        )
        hospital = made["it"] = Hospital(settings, node_of("hospital"))
        hospital.records.put_many([*generate(), *TREATS])
        hospital.accounts.add_user(
            "ana.ruiz", PASSWORD, "Dr. Ana Ruiz", "clinician", acts_as=["Practitioner/me"]
        )
        hospital.launching.links.link("ana.ruiz", here.address, clinician.id, Caller.shell())
        return create(settings, hospital)

    with served(make) as address:
        yield address.replace("127.0.0.1", "localhost")


@pytest.fixture
def page(portal) -> Iterator[Page]:
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        opened = browser.new_page()
        opened.set_default_timeout(15_000)
        yield opened
        browser.close()


@pytest.mark.browser
def test_the_portal_opens_on_the_chart_from_which_it_was_launched(here, portal, page):
    page.goto(f"{here.address}/portal/patients/p01")
    page.fill("input[name=user]", "ana")
    page.fill("input[name=password]", PASSWORD)
    page.click("#sign-in button[type=submit]")
    page.click("#launch button")
    page.click("#consent button[value=allow]")
    page.wait_for_url(f"{portal}/portal/patients/p01")
    assert "Whitcombe" in page.text_content("main")
    assert "Dr. Ana Ruiz" in page.content()
    kept = {(c["domain"], c["name"]) for c in page.context.cookies()}
    here_too = {name for domain, name in kept if domain == "localhost"}
    assert here_too == {"caretier_portal", "caretier_browser"}
    again = page.goto(f"{portal}/portal/launch/enter")
    assert again is not None
    assert again.status == 401
    assert re.search("cannot be taken", page.text_content("main"))
