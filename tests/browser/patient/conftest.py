"""A real Chromium on the patient's pages; the device's API is played from a table of replies.

The pages come from the application itself, under the same content policy and guards as in
production.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from playwright.sync_api import Browser, BrowserContext, Page, Route
from support.looks import Look, device_says
from support.served import Door

from patient_app.pages import PersonChoice, install
from patient_app.vault import KdfParameters, vault
from services.consult.messages import Answer, Level, ModelCardRef, Status
from services.consult.triage import Triager
from services.fhir.sandbox import generate
from services.web.app import create_app
from tests.browser.patient.home import Home, at_home

ORIGIN = "http://localhost:8200"


@dataclass(frozen=True)
class Session:
    language: str = "en"
    person_label: str = "Ana Example"
    person_id: str = "p01"
    csrf: str = "token"
    reminds: bool = False


@dataclass
class Device:
    """An unlocked device."""

    language: str = "en"

    def current(self, request: Request) -> Session:
        return Session(self.language)

    def people(self) -> list[PersonChoice]:
        return [PersonChoice("a", "Ana Example")]

    def unlock(self, request: Request, response: Response, *_given: str | None) -> None:
        response.set_cookie("s", "1")

    def lock(self, request: Request, response: Response) -> None:
        response.delete_cookie("s")


def events(*pairs: tuple[str, Any]) -> str:
    """Server-sent events as one body."""
    return "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in pairs)


def answer(**changes: Any) -> dict[str, Any]:
    """An ``Answer`` as it goes over the wire, checked by the message itself."""
    given = {
        "id": "c1",
        "status": Status.ANSWERED,
        "text": "Rest.",
        "tier": Level.DEVICE,
        "model": ModelCardRef(name="rules", digest="sha256:0"),
    }
    return Answer.model_validate({**given, **changes}).model_dump(mode="json")


@dataclass
class Stage:
    """The page, what the API says, and what the browser sent.

    ``injected`` says that the test puts a tool into the page that sets styles of its own: what the
    policy refuses of those is then no complaint.

    ``replies`` maps ``"METHOD /path"`` to JSON, to (status, JSON), to text for a stream, or to
    ``HELD``: such a request waits in ``waiting`` until `let_go`.
    """

    page: Page
    device: Device
    replies: dict[str, Any] = field(default_factory=dict)
    sent: list[tuple[str, dict[str, str], str]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    injected: bool = False
    waiting: list[tuple[Route, str]] = field(default_factory=list)

    def let_go(self) -> None:
        """Answer what was held, each call with what ``replies`` now has for it."""
        waiting, self.waiting = self.waiting, []
        for route, name in waiting:
            _reply(self, route, name)

    def see(self, look: Look) -> Callable[..., str]:
        """Look at the pages so; gives the words of the client in that language.

        axe sets styles of its own: what the policy refuses of those is no complaint.
        """
        self.injected = True
        self.device.language = look.language
        self.replies["GET /api/profile"] = {**PROFILE, "language": look.language}
        self.page.set_viewport_size({"width": look.width, "height": 844})
        self.page.emulate_media(color_scheme=look.theme)  # type: ignore[arg-type]  # a literal
        return partial(device_says, look.language)

    def open(self, path: str = "/") -> Page:
        """Load a page of the client."""
        self.page.goto(ORIGIN + path)
        return self.page

    def ask(self, text: str, *stream: tuple[str, Any]) -> Page:
        """Ask on the ask page; the stream is what the device answers."""
        self.replies["POST /api/ask"] = events(*stream)
        self.page.fill("#question", text)
        self.page.click("#send")
        return self.page

    def bodies(self, call: str) -> list[Any]:
        """JSON bodies that were sent with a call, oldest first."""
        return [json.loads(body) for name, _, body in self.sent if name == call]


HELD = object()
"""A reply that comes later."""
PROFILE = {"language": "en", "reading_level": "simple", "country": "US", "local_only": False}


def _play(stage: Stage, route: Route) -> None:
    request = route.request
    name = f"{request.method} {httpx.URL(request.url).path}"
    stage.sent.append((name, request.headers, request.post_data or ""))
    _reply(stage, route, name)


def _reply(stage: Stage, route: Route, name: str) -> None:
    found = stage.replies.get(name, (404, {"detail": "no such thing"}))
    if found is HELD:
        stage.waiting.append((route, name))
        return
    status, body = found if isinstance(found, tuple) else (200, found)
    if isinstance(body, str):
        route.fulfill(status=status, content_type="text/event-stream", body=body)
    else:
        kind = "application/json" if status < 400 else "application/problem+json"
        route.fulfill(status=status, content_type=kind, body=json.dumps(body))


def _client(device: Device) -> FastAPI:
    app = create_app("device", ready=dict)
    install(app, device)
    return app


@pytest.fixture
def stage(chromium: Browser, door: Door) -> Iterator[Stage]:
    """A phone-sized page over a played API; fails the test if the browser complained."""
    context: BrowserContext = chromium.new_context(
        viewport={"width": 390, "height": 844},
        reduced_motion="reduce",
        service_workers="block",  # it would take the page over when the machine gets to it
    )
    device = Device()
    stage = Stage(context.new_page(), device)
    stage.replies["GET /api/profile"] = PROFILE
    stage.replies["GET /api/connections"] = {"connections": []}
    stage.replies["GET /api/clinic"] = {"clinic": "Riverside", "hospital": None}
    stage.page.on("pageerror", lambda error: stage.complaints.append(str(error)))
    stage.page.on(
        "console",
        lambda said: (
            stage.complaints.append(said.text)
            if "Content Security Policy" in said.text and not stage.injected
            else None
        ),
    )
    context.route(f"{ORIGIN}/api/**", lambda route: _play(stage, route))
    with door.leads(ORIGIN, _client(device)):
        yield stage
        context.close()
    assert stage.complaints == []


@pytest.fixture
def said() -> Callable[..., dict[str, Any]]:
    """Builder of answers."""
    return answer


@pytest.fixture
def home(tmp_path, cheap_vault, triage_rules, door) -> Iterator[Home]:
    """The device of a sandbox person with a long record."""
    record = [one for one in generate() if one["id"][:3] == "p01"]
    with at_home(tmp_path, Triager(triage_rules), record, door) as made:
        yield made


@pytest.fixture
def empty_home(tmp_path, cheap_vault, triage_rules, door) -> Iterator[Home]:
    """The device of somebody without a record."""
    with at_home(tmp_path, Triager(triage_rules), [], door) as made:
        yield made


@pytest.fixture
def cheap_vault(monkeypatch) -> None:
    """Let a vault cost a guess next to nothing."""
    cheap = KdfParameters(memory_kib=64, passes=1, lanes=1)
    monkeypatch.setattr(vault, "KdfParameters", lambda: cheap)
