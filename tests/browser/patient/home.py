"""A device's own application in a real Chromium: its vault, its API and its pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
from playwright.sync_api import Page
from support.axe import violations
from support.looks import Look, overflow, picture
from support.served import Door

from patient_app.app import create
from patient_app.service import Device
from patient_app.settings import DeviceSettings
from services.bricks.knowledge import Knowledge

ORIGIN = "http://localhost:8200"
PASSPHRASE = "correct horse"


@lru_cache(maxsize=1)
def knowledge() -> Knowledge:
    """What a device knows, read once."""
    return Knowledge.load("device")


class Home:
    """One person's device; ``page`` is theirs, unlocked."""

    def __init__(
        self, folder: Path, triage: Any, resources: list[dict[str, Any]], door: Door
    ) -> None:
        node = SimpleNamespace(index=SimpleNamespace(knowledge=knowledge()), triage=triage)
        settings = DeviceSettings(data=folder / "device", hosts="localhost")
        self.device = Device(settings, node)
        self.member = self.device.add("p07", PASSPHRASE)
        if resources:
            self.member.import_record(resources)
        self.app = create(settings, self.device)
        host = {"host": ORIGIN.removeprefix("http://")}
        self._line = httpx.Client(base_url=door.address, headers=host, timeout=20)
        self.complaints: list[str] = []

    def unlock(self) -> None:
        """Open the vault as its owner does."""
        answer = self._line.post("/unlock", data={"person": "p07", "passphrase": PASSPHRASE})
        assert answer.status_code == 303, answer.text
        self._cookie = answer.cookies["caretier_device"]

    def open(self, chromium: Any, width: int, theme: str, language: str, path: str) -> Page:
        """A page of the client, in a context that closes with the browser's page."""
        self.member.set_profile({"language": language})
        context = chromium.new_context(
            viewport={"width": width, "height": 844},
            color_scheme=theme,
            reduced_motion="reduce",
            accept_downloads=True,
            service_workers="block",
        )
        context.add_cookies([{"name": "caretier_device", "value": self._cookie, "url": ORIGIN}])
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(ORIGIN + path)
        return page

    def get(self, path: str) -> httpx.Response:
        """What the person's browser would be given, such as a file."""
        return self._line.get(path)

    def routes(self) -> list[Any]:
        """Every address of the application."""
        return [one for one in self.app.routes if hasattr(one, "methods")]

    def close(self) -> None:
        """Lock the vault."""
        self._line.close()
        self.device.lock("p07")


@contextmanager
def at_home(
    folder: Path, triage: Any, resources: list[dict[str, Any]], door: Door
) -> Iterator[Home]:
    """A device behind the door, unlocked, for the block."""
    made = Home(folder, triage, resources, door)
    try:
        with door.leads(ORIGIN, made.app):
            made.unlock()
            yield made
    finally:
        made.close()


def flaws(page: Page) -> list[str]:
    """What axe finds on the whole page: a window as tall as it is hides nothing under the bars."""
    window = page.viewport_size
    assert window is not None
    tall = page.evaluate("document.documentElement.scrollHeight") + 200
    page.set_viewport_size({"width": window["width"], "height": tall})
    found = violations(page)
    page.set_viewport_size(window)
    return found


def sound(page: Page, name: str, look: Look) -> list[str]:
    """What is wrong with a whole page: axe's findings, and that it is too wide. Keeps a picture."""
    picture(page, name, look, whole=False)
    found = [f"{name}: {one}" for one in flaws(page)]
    wider = overflow(page)
    return [*found, f"{name}: {wider} px wider than its window"] if wider > 0 else found


def shot(page: Page, name: str) -> None:
    """Keep a picture of the whole page where a folder for them is named."""
    picture(page, name)
