"""A browser app of another site is let in by a clinician: real servers, real Chromium, no mock.

The portal is at ``localhost`` and the app at ``127.0.0.1``: two sites, so that strict cookies, the
content policy and the cross-origin rules all hold as they do between a hospital and an app maker.
With CARETIER_PICTURES set to a folder the pages are kept there as pictures.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.responses import FileResponse
from playwright.sync_api import Browser, Page, sync_playwright
from support.looks import DESKTOP, in_looks
from support.served import served
from support.smart import PASSWORD, seeded  # noqa: F401  # fixture

from services.hospital.app import create
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings

CHROMIUM = os.environ.get("CARETIER_CHROMIUM") or shutil.which("chromium") or None
PICTURES = os.environ.get("CARETIER_PICTURES")
SCOPES = "openid fhirUser launch launch/patient offline_access patient/*.rs"

pytestmark = pytest.mark.browser


def _app_of_another_site() -> FastAPI:
    app, page = FastAPI(), Path(__file__).with_name("page_app.html")

    @app.get("/{path:path}")
    def serve(path: str) -> FileResponse:
        return FileResponse(page)

    return app


def _by_name(address: str) -> str:
    """The same server as another site."""
    return address.replace("127.0.0.1", "localhost")


@pytest.fixture(scope="module")
def places(seeded, tmp_path_factory) -> Iterator[tuple[str, str]]:  # noqa: F811
    """Addresses of portal and app."""
    data = tmp_path_factory.mktemp("browser") / "hospital"
    data.mkdir()
    shutil.copyfile(seeded, data / "hospital.db")
    with served(lambda _: _app_of_another_site(), lifespan="off") as app:

        def make(address: str) -> FastAPI:
            settings = HospitalSettings(data=data, base_url=_by_name(address))
            hospital = Hospital(settings)
            stack.callback(hospital.database.close)
            hospital.smart.clients.add(
                "Growth chart", "public", SCOPES, id_="growth-chart", redirects=[f"{app}/back"],
                origins=[app], launch_url=f"{app}/launch",
            )  # fmt: skip
            return create(settings, hospital)

        with ExitStack() as stack, served(make, lifespan="off") as address:
            yield _by_name(address), app


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def open_page(browser) -> Iterator[Callable[..., Page]]:
    """Open pages that fail the test when a policy stops something or a script breaks."""
    complaints: list[str] = []
    contexts = []

    def fresh(width: int = DESKTOP, theme: str = "light", language: str = "en") -> Page:
        window = {"width": width, "height": 900}
        context = browser.new_context(viewport=window, color_scheme=theme, locale=language)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda said: complaints.append(said.text) if said.type == "error" else None,
        )
        return page

    yield fresh
    for context in contexts:
        context.close()
    assert complaints == []


def keep(page: Page, name: str) -> None:
    """Keep the page as a picture, where that is wanted; nothing may stick out at the side."""
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert not wide, name


def sign_in(page: Page, user: str = "ana") -> None:
    page.fill("#user", user)
    page.fill("#password", PASSWORD)
    page.click("#sign-in button[type=submit]")


def said(page: Page) -> dict[str, Any]:
    page.wait_for_selector("#state:not(:text('starting'))")
    assert page.text_content("#state") == "done", page.text_content("#said")
    return json.loads(page.text_content("#said"))


@in_looks
def test_an_app_that_starts_by_itself_is_let_in(places, open_page, look):
    portal, app = places
    page = open_page(*look)
    name = str(look)
    page.goto(f"{app}/start?iss={portal}/fhir")
    page.wait_for_selector("#sign-in")
    keep(page, f"{name}-1-sign-in")
    sign_in(page)
    page.wait_for_selector("#whose")
    keep(page, f"{name}-2-whose")
    page.check("input[value=p07]")
    page.click("#whose button[type=submit]")
    page.wait_for_selector("#consent")
    keep(page, f"{name}-3-consent")
    page.uncheck("input[value='offline_access']")
    page.click("button[value=allow]")
    told = said(page)
    assert told["token"]["patient"] == told["patient"]["id"] == "p07"
    assert "offline_access" not in told["token"]["scope"]
    assert "refresh_token" not in told["token"]
    page.goto(f"{portal}/portal/apps")
    keep(page, f"{name}-4-apps")
    page.click("form[id^=grant-] button[type=submit] >> nth=0")
    page.wait_for_load_state()


def test_an_app_is_launched_from_a_chart(places, open_page):
    portal, _ = places
    page = open_page()
    page.goto(f"{portal}/portal/patients/p07")
    sign_in(page)
    page.wait_for_selector("#launch")
    keep(page, "desk-light-en-5-chart")
    page.click("#launch button")
    page.wait_for_selector("#consent")
    page.click("button[value=allow]")
    told = said(page)
    assert told["token"]["patient"] == "p07"
    assert told["token"]["refresh_token"]


def test_a_person_says_no(places, open_page):
    portal, app = places
    page = open_page()
    page.goto(f"{app}/start?iss={portal}/fhir")
    sign_in(page)
    page.check("input[value=p07]")
    page.click("#whose button[type=submit]")
    page.click("button[value=deny]")
    page.wait_for_selector("#state:text('refused')")
    assert "access_denied" in page.text_content("#said")


@in_looks
def test_an_operator_sees_the_programs(places, open_page, look):
    portal, _ = places
    page = open_page(*look)
    page.goto(f"{portal}/portal/clients")
    sign_in(page, "op")
    page.wait_for_selector("#client-growth-chart")
    keep(page, f"{look}-6-clients")
