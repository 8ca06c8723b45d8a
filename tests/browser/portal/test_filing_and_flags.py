"""A clinician in a real Chromium: filing a reply, withdrawing it, and what came before a visit."""

from __future__ import annotations

import asyncio
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import httpx
import pytest
from argon2 import PasswordHasher
from playwright.sync_api import sync_playwright
from support.exchange import DeviceKeys, an_answer
from support.trail import Trail

from services.consult.messages import Level, ModelCardRef, Sentence
from services.hospital.app import create
from services.hospital.models import IntakeAlert, Referral
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings

CHROMIUM = os.environ.get("CARETIER_CHROMIUM") or shutil.which("chromium") or None
ORIGIN = "http://localhost:8000"
PASSWORD = "a long enough password"
SAID = "Rest and drink enough water every day."
DRAFT = an_answer(
    text=SAID,
    tier=Level.HOSPITAL,
    model=ModelCardRef(name="record-rules", digest="d1"),
    sentences=(Sentence(text=SAID, citations=("flu#care",)),),
)
RECORD = [
    {
        "resourceType": "Patient",
        "id": "mine",
        "name": [{"given": ["Ada"], "family": "Test"}],
        "generalPractitioner": [{"reference": "Practitioner/ana"}],
    },
    {"resourceType": "Practitioner", "id": "ana"},
    {
        "resourceType": "QuestionnaireResponse",
        "id": "a-very-long-id-of-a-response-that-has-to-wrap-on-a-small-phone",
        "status": "completed",
        "questionnaire": "urn:caretier:questionnaire:new-visit",
        "subject": {"reference": "Patient/mine"},
        "authored": datetime.now(UTC).isoformat(),
        "item": [{"linkId": "reason", "answer": [{"valueString": "My knee <b>hurts</b>."}]}],
    },
]


class _QuickHasher(PasswordHasher):
    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)


@pytest.fixture
def hospital(tmp_path, monkeypatch):
    monkeypatch.setattr("services.hospital.accounts.PasswordHasher", _QuickHasher)
    made = Hospital(HospitalSettings(data=tmp_path / "hospital", second_factor="optional"))
    made.intake.audit = Trail()
    assert not made.records.put_many(RECORD).rejected
    made.accounts.add_user(
        "ana", PASSWORD, "Dr. Ana Ruiz", "clinician", acts_as=["Practitioner/ana"]
    )
    yield made
    made.database.close()


def lay(hospital) -> str:
    """Lay a referral on the desk."""
    made = DeviceKeys().refer("Is it flu?", hospital.keys)
    hospital.intake.accept(made.envelope, "CLINIC")
    seal = hospital.desk.seal
    with hospital.database.transaction() as session:
        session.add(
            Referral(
                id=made.id,
                urgency="routine",
                urgency_rank=2,
                reason="not-covered",
                question=seal(made.id, "question", made.question.model_dump_json()),
                draft=seal(made.id, "draft", DRAFT.model_dump_json()),
                state="open",
                received=datetime.now(UTC),
            )
        )
    return made.id


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield browser
        browser.close()


@pytest.fixture
def page(hospital, chromium):
    """A phone-sized page, signed in; the test fails where the browser complained."""
    app, complaints = create(hospital.settings, hospital), []
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, reduced_motion="reduce", locale="en"
    )
    token = hospital.accounts.sign_in("ana", PASSWORD)
    context.add_cookies([{"name": "caretier_portal", "value": token, "url": ORIGIN}])

    async def get(method, url, headers, body):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport) as client:
            return await client.request(method, url, headers=headers, content=body)

    with ThreadPoolExecutor(1) as pool:

        def fetch(route):
            asked = route.request
            body = (asked.post_data or "").encode()
            sent = asked.all_headers()
            work = get(asked.method, asked.url, sent, body)
            reply = pool.submit(asyncio.run, work).result(timeout=30)
            headers = dict(reply.headers)
            route.fulfill(status=reply.status_code, headers=headers, body=reply.content)

        context.route("**/*", fetch)
        made = context.new_page()
        made.on("pageerror", lambda error: complaints.append(str(error)))
        yield made
        context.close()
    assert complaints == []


def overflow(page) -> int:
    return page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )


def test_without_a_number_signing_asks_once_and_files_nothing(hospital, page):
    id_ = lay(hospital)
    page.goto(f"{ORIGIN}/portal/referrals/{id_}")
    page.click("#sign")
    page.click("#confirm [type=submit]")
    page.wait_for_url("**signed=1")
    assert hospital.records.read("Communication", f"reply-{id_}") is None
    assert page.locator("#filed").count() == 0


def test_with_a_number_it_is_shown_signed_filed_and_withdrawn(hospital, page):
    id_ = lay(hospital)
    page.goto(f"{ORIGIN}/portal/referrals/{id_}")
    page.click("#file-box summary")
    page.fill("#number", "mine")
    page.click("#sign")
    page.wait_for_url("**/filing")
    assert "Ada Test" in page.locator("#whose").inner_text()
    assert page.locator("#words").inner_text() == SAID
    page.click("#filing details summary")
    assert overflow(page) == 0
    page.click("#sign-and-file")
    page.wait_for_url("**signed=1")
    assert hospital.records.read("Communication", f"reply-{id_}")["status"] == "completed"
    assert overflow(page) == 0
    page.click("#filed details summary")
    page.fill("#why", "Wrong person")
    page.click("#filed [type=submit]")
    page.wait_for_function("document.querySelector('#filed details') === null")
    assert hospital.records.read("Communication", f"reply-{id_}")["status"] == "entered-in-error"


def test_a_number_of_nobody_brings_the_text_back(hospital, page):
    id_ = lay(hospital)
    page.goto(f"{ORIGIN}/portal/referrals/{id_}")
    page.fill("#text", "My own words.")
    page.click("#file-box summary")
    page.fill("#number", "nobody")
    page.click("#look")
    page.wait_for_url("**/filing")
    assert "You treat nobody with this number" in page.locator("main").inner_text()
    assert page.input_value("#text") == "My own words."
    assert page.input_value("#number") == "nobody"


def test_what_came_before_a_visit_stays_on_a_phone_and_is_text(hospital, page):
    page.goto(f"{ORIGIN}/portal/patients/mine")
    shown = page.locator("#before-visit").inner_text()
    assert "Reason: My knee <b>hurts</b>." in shown
    assert overflow(page) == 0


def test_a_red_flag_stands_above_the_inbox_until_it_is_taken_up(hospital, page):
    alert = IntakeAlert(
        id=RECORD[2]["id"], patient="mine", level="emergency", rule="chest-pain",
        received=datetime.now(UTC),
    )  # fmt: skip
    with hospital.database.transaction() as session:
        session.add(alert)
    page.goto(f"{ORIGIN}/portal/")
    assert "1 patient wrote something" in page.locator("#flags").inner_text()
    assert overflow(page) == 0
    page.click("#flags [type=submit]")
    page.wait_for_url("**/portal/patients/mine")
    page.goto(f"{ORIGIN}/portal/")
    assert page.locator("#flags").count() == 0
