"""A device behind a real socket: for what only a browser with a real server does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from playwright.sync_api import Page
from support.looks import Look
from support.served import served

from patient_app.app import create
from patient_app.service import Device
from patient_app.settings import DeviceSettings
from services.consult.messages import Answer, Level, ModelCardRef, Status, Triage

PASSPHRASE = "four unrelated plain words"
SAID = "Rest and drink enough."


class Told(Device):
    """A device that answers each question with one sentence, and counts the questions.

    Attributes:
        asked: the texts that reached it, oldest first.
    """

    def __init__(self, settings: DeviceSettings) -> None:
        super().__init__(settings, SimpleNamespace(index=None, triage=None))
        self.asked: list[str] = []

    async def ask(
        self, member: Any, text: str, *, conversation: str | None = None, local_only: bool = False
    ) -> AsyncIterator[Any]:
        """Answer, and write it down."""
        self.asked.append(text)
        id_ = f"c{len(self.asked)}"
        model = ModelCardRef(name="rules", digest="sha256:0")
        answer = Answer(id=id_, status=Status.ANSWERED, text=SAID, tier=Level.DEVICE, model=model)
        yield Triage()
        write_down(member, id_, text, conversation or "talk", answer)
        yield answer


def write_down(member: Any, id_: str, text: str, talk: str, answer: Answer) -> None:
    """Put a consult into the vault, as if it had been asked."""
    row = {
        "question": text,
        "asked": f"2026-11-2{id_[-1]}T10:00:00+00:00",
        "conversation": talk,
        "answer": answer.model_dump(mode="json"),
        "local_only": False,
    }
    with member.vault.write() as tx:
        tx.put("consult", id_, row)


@contextmanager
def at(device: Device) -> Iterator[str]:
    """The address of a device while the block runs."""
    with served(lambda _: create(device.settings, device), lifespan="off") as address:
        yield address


def window(chromium: Any, look: Look) -> Page:
    """An empty page that is seen so; its context goes with the browser."""
    context = chromium.new_context(
        viewport={"width": look.width, "height": 844},
        color_scheme=look.theme,
        locale={"en": "en-US", "es": "es-ES"}[look.language],
        reduced_motion="reduce",
    )
    page: Page = context.new_page()
    page.set_default_timeout(15_000)
    return page


def unlock(page: Page, address: str, path: str = "/") -> Page:
    """Open the one record of a device and wait for a page of it."""
    page.goto(f"{address}/unlock?next={path}")
    give_passphrase(page)
    page.wait_for_url(f"{address}{path}")
    return page


def give_passphrase(page: Page, passphrase: str = PASSPHRASE) -> None:
    """Fill the form in."""
    page.fill("#passphrase", passphrase)
    page.click("form.card button[type=submit]")


def controlled(page: Page) -> None:
    """Wait until the service worker answers for the page."""
    page.evaluate(
        """navigator.serviceWorker.ready.then(() => navigator.serviceWorker.controller ||
          new Promise((done) =>
            navigator.serviceWorker.addEventListener("controllerchange", done)))
        .then(() => true)"""
    )
