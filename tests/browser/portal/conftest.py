"""The portal in a real Chromium, answered by the application in memory; nothing listens."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from argon2 import PasswordHasher
from playwright.sync_api import Browser, Page, Route, sync_playwright
from support.exchange import DeviceKeys, an_answer
from support.trail import Trail

from services.consult.messages import Answer, Level, ModelCardRef, Sentence
from services.fhir.sandbox import generate
from services.hospital.app import create
from services.hospital.desk import URGENCY_RANK
from services.hospital.models import Referral
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings

CHROMIUM = os.environ.get("CARETIER_CHROMIUM") or shutil.which("chromium") or None
ORIGIN = "http://localhost:8000"
PASSWORD = "a long enough password"
PHONE, DESKTOP = 390, 1280
SAID = "Rest and drink enough water every day."
DRAFT = an_answer(
    text=SAID,
    tier=Level.HOSPITAL,
    model=ModelCardRef(name="record-rules", digest="d1"),
    sentences=(Sentence(text=SAID, citations=("flu#care",)),),
)


class _QuickHasher(PasswordHasher):
    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)


@pytest.fixture
def hospital(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hospital]:
    """A hospital with one clinician, ``ana``, who acts as ``Practitioner/ana``."""
    monkeypatch.setattr("services.hospital.accounts.PasswordHasher", _QuickHasher)
    made = Hospital(HospitalSettings(data=tmp_path / "hospital", second_factor="optional"))
    made.intake.audit = Trail()
    made.accounts.add_user(
        "ana", PASSWORD, "Dr. Ana Ruiz", "clinician", acts_as=["Practitioner/ana"]
    )
    yield made
    made.database.close()


@pytest.fixture
def treated(hospital: Hospital) -> Hospital:
    """The hospital with the sandbox's people, all of them treated by ``ana``."""
    made = [*generate(1, datetime.now(UTC).date()), {"resourceType": "Practitioner", "id": "ana"}]
    for one in made:
        if one["resourceType"] == "Patient":
            one["generalPractitioner"] = [{"reference": "Practitioner/ana"}]
    assert not hospital.records.put_many(made).rejected
    return hospital


@pytest.fixture
def lay(hospital: Hospital) -> Callable[..., str]:
    """Lays a referral with a draft on the desk; gives its id."""

    def lay_one(text: str = "Is it flu?", draft: Answer = DRAFT, urgency: str = "routine") -> str:
        made = DeviceKeys().refer(text, hospital.keys)
        hospital.intake.accept(made.envelope, "CLINIC")
        seal = hospital.desk.seal
        with hospital.database.transaction() as session:
            session.add(
                Referral(
                    id=made.id,
                    urgency=urgency,
                    urgency_rank=URGENCY_RANK[urgency],
                    reason="not-covered",
                    question=seal(made.id, "question", made.question.model_dump_json()),
                    draft=seal(made.id, "draft", draft.model_dump_json()),
                    state="open",
                    language=made.question.person.language,
                    drafted=True,
                    received=datetime.now(UTC),
                )
            )
        return made.id

    return lay_one


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for a module: Playwright holds the event loop of the thread while it lives."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield browser
        browser.close()


@pytest.fixture
def open_page(hospital: Hospital, chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Opens pages that are signed in; the test fails where the browser complained."""
    app, complaints, contexts = create(hospital.settings, hospital), [], []

    async def get(method: str, url: str, headers: dict[str, str], body: bytes) -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport) as client:
            return await client.request(method, url, headers=headers, content=body)

    with ThreadPoolExecutor(1) as pool:

        def fetch(route: Route) -> None:
            asked = route.request
            work = get(
                asked.method, asked.url, asked.all_headers(), (asked.post_data or "").encode()
            )
            reply = pool.submit(asyncio.run, work).result(timeout=30)
            route.fulfill(status=reply.status_code, headers=dict(reply.headers), body=reply.content)

        def make(
            width: int = PHONE, theme: str = "light", language: str = "en", user: str = "ana"
        ) -> Page:
            context = chromium.new_context(
                viewport={"width": width, "height": 844},
                reduced_motion="reduce",
                locale=language,
                color_scheme=theme,
            )
            contexts.append(context)
            token = hospital.accounts.sign_in(user, PASSWORD)
            context.add_cookies([{"name": "caretier_portal", "value": token, "url": ORIGIN}])
            context.route("**/*", fetch)
            page = context.new_page()
            page.on("pageerror", lambda error: complaints.append(str(error)))
            return page

        yield make
        for context in contexts:
            context.close()
    assert complaints == []


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    """A page of a phone's size."""
    return open_page()


@pytest.fixture
def overflow() -> Callable[[Page], int]:
    """How far a page is wider than its window, in pixels."""
    return lambda page: page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
