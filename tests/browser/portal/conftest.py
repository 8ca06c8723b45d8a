"""The portal in a real Chromium, at an address of its own behind the door."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from support.exchange import an_answer
from support.looks import PHONE, Look, portal_says, sound
from support.looks import overflow as wider
from support.served import Door
from support.stage import PASSWORD, admit, staffed
from support.stage import lay as lay_one

from services.consult.messages import Answer, Level, ModelCardRef, Sentence
from services.fhir.sandbox import generate
from services.hospital.app import create
from services.hospital.service import Hospital

ORIGIN = "http://localhost:8000"
BUSY_SECONDS = 60
"""So long a page may take on a machine that does other work beside the tests."""
SAID = "Rest and drink enough water every day."
DRAFT = an_answer(
    text=SAID,
    tier=Level.HOSPITAL,
    model=ModelCardRef(name="record-rules", digest="d1"),
    sentences=(Sentence(text=SAID, citations=("flu#care",)),),
)


@pytest.fixture
def hospital(tmp_path: Path) -> Iterator[Hospital]:
    """A hospital with one user of each role; ``ana`` acts as ``Practitioner/ana``."""
    with staffed(tmp_path) as made:
        yield made


@pytest.fixture
def treated(hospital: Hospital) -> Hospital:
    """The hospital with the sandbox's people, all of them treated by ``ana``."""
    admit(hospital, generate(1, datetime.now(UTC).date()))
    return hospital


@pytest.fixture
def lay(hospital: Hospital) -> Callable[..., str]:
    """Lays a referral with a draft on the desk; gives its id."""

    def lay_on_it(text: str = "Is it flu?", draft: Answer = DRAFT, urgency: str = "routine") -> str:
        return lay_one(hospital, text, draft=draft, urgency=urgency)

    return lay_on_it


@pytest.fixture
def look() -> Look:
    """How the test's person sees the pages: a phone, unless the test goes over `in_looks`."""
    return Look(PHONE, "light", "en")


@pytest.fixture
def said(look: Look) -> Callable[..., str]:
    """A sentence of the portal in the language of the look."""
    return partial(portal_says, look.language)


@pytest.fixture
def good(look: Look) -> Callable[[Page, str], None]:
    """Holds a page to what every page holds; the name is its picture's."""

    def check(page: Page, name: str) -> None:
        found = sound(page, name, look)
        assert found == [], "\n".join(found)

    return check


@pytest.fixture
def open_page(hospital: Hospital, chromium: Browser, door: Door) -> Iterator[Callable[..., Page]]:
    """Opens pages that are signed in; the test fails where the browser complained."""
    complaints: list[str] = []
    contexts = []

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
        context.set_default_timeout(BUSY_SECONDS * 1000)
        token = hospital.accounts.sign_in(user, PASSWORD)
        context.add_cookies([{"name": "caretier_portal", "value": token, "url": ORIGIN}])
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    with door.leads(ORIGIN, create(hospital.settings, hospital)):
        yield make
        for context in contexts:
            context.close()
    assert complaints == []


@pytest.fixture
def page(open_page: Callable[..., Page], look: Look) -> Page:
    """A page of ``ana``, as the look has it."""
    return open_page(*look)


@pytest.fixture
def overflow() -> Callable[[Page], int]:
    """How far a page is wider than its window, in pixels."""
    return wider
