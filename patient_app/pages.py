"""The pages of the patient's client: unlock, ask, history, ledger, record and settings.

A page is a frame in the person's language; what is in the record, the ledger or an answer comes
over the device's API and is put in by the page's module as text. No page is cached, none is shown
without a session, and none holds script or style of its own, so that a strict content policy holds.

Example:
    >>> from fastapi import FastAPI
    >>> def build(device: Device) -> FastAPI:
    ...     app = FastAPI()
    ...     install(app, device)
    ...     return app
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from patient_app.shell import shell_routes
from patient_app.unlocking import unlock_routes
from services.web.i18n import COMMON, Catalogue, negotiate
from services.web.templating import mount_static, templates

HERE = Path(__file__).parent
LOCALE = HERE / "locale"
STATIC = HERE / "static"
TEMPLATES = HERE / "templates"

NAVIGATION = (
    ("/", "ask", "nav.ask"),
    ("/history", "history", "nav.history"),
    ("/ledger", "ledger", "nav.ledger"),
    ("/record", "record", "nav.record"),
    ("/settings", "settings", "nav.settings"),
)
"""The pages behind the session: (address, icon, key of the label)."""

RECORD_PARTS = ("results", "medicines", "visits")
"""Pages that are tabs of the record: ``/results`` and so on."""

BROUGHT = ("state", "code", "error", "iss")
"""Parameters of OAuth with which a browser comes back from another record's server."""

_CONSULT = ("answer", "offer", "redact", "confidence", "signal", "tools", "clinic")
WORDS = {
    "/": (*_CONSULT, "ask", "step", "voice", "follow"),
    "/history": (*_CONSULT, "history", "status"),
    "/ledger": ("ledger", "offer"),
    "/record": ("record", "connect"),
    "/settings": ("settings", "clinic", "strength"),
    "/family": ("family",),
    "/recovery": ("recovery",),
    "/results": ("results", "parts"),
    "/medicines": ("medicines", "reminders", "parts"),
    "/visits": ("visits", "parts", "answer", "urgency"),
}
"""Sections of the catalogue that the module of each page needs, beside the shared ones."""

SHARED_WORDS = ("frame", "problem", "tier", "state", "urgency", "citation", "shell")


@dataclass(frozen=True)
class PersonChoice:
    """One person whose record is on this device; ``label`` is what the list shows."""

    id: str
    label: str


class DeviceSession(Protocol):
    """An unlocked record: whose, in which language, and the token that guards its changes."""

    @property
    def language(self) -> str:
        """BCP 47 tag of the person's language: ``en`` or ``es``."""

    @property
    def person_label(self) -> str:
        """What the top bar calls the person."""

    @property
    def person_id(self) -> str:
        """The id of the vault: what the browser keeps for one person is kept under it."""

    @property
    def csrf(self) -> str:
        """Token that each request that changes something must carry; never empty."""

    @property
    def reminds(self) -> bool:
        """Whether to ask now, once, for a recovery code."""


class Device(Protocol):
    """What the pages ask of the device. The calls may block (key derivation takes a second)."""

    def current(self, request: Request) -> DeviceSession | None:
        """The session of this request, None when there is none or it has run out."""

    def people(self) -> Sequence[PersonChoice]:
        """Everyone whose record is on the device, in the order to show them."""

    def unlock(
        self,
        request: Request,
        response: Response,
        person_id: str,
        passphrase: str,
        recovery: str | None = None,
    ) -> None:
        """Open the person's record and set the session cookie on the response.

        ``recovery`` is the recovery text, where the record was moved here from another device.

        Raises:
            CaretierError: wrong passphrase, unknown person (the two look alike) or too many tries;
                message and advice are shown to the person.
        """

    def recover(
        self,
        request: Request,
        response: Response,
        person_id: str,
        *,
        code: str,
        new: str,
        recovery: str | None = None,
    ) -> None:
        """As `unlock`, by the recovery code; ``new`` is the passphrase from now on.

        Raises:
            UnfitError: the passphrase is easily guessed; ``reason`` names the sentence.
            CaretierError: as in `unlock`.
        """

    def lock(self, request: Request, response: Response) -> None:
        """End the session, forget its keys and clear the cookie."""


class Pages:
    """Renders pages in a person's language.

    Attributes:
        catalogue: shared words and the patient's.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self._templates = templates(TEMPLATES, patient=STATIC)
        self.catalogue = Catalogue.load(COMMON, LOCALE)

    def render(
        self, request: Request, name: str, language: str, status: int = 200, **context: Any
    ) -> HTMLResponse:
        """One page that no cache may keep."""
        language = negotiate(language)
        shared = {
            "t": self.catalogue.translator(language),
            "language": language,
            "strings": self.catalogue.as_json(language, "frame", "problem", "shell"),
        }
        return self._templates.TemplateResponse(
            request,
            f"{name}.html",
            shared | context,
            status_code=status,
            headers={"Cache-Control": "no-store", "Content-Language": language},
        )

    def inside(
        self, request: Request, path: str, name: str, place: str = "", **context: Any
    ) -> Response:
        """A page behind the session; without one, the way to unlock.

        ``place`` is the entry of the navigation that it belongs to, where that is another page's.
        """
        session = self._device.current(request)
        if session is None:
            onward = "/unlock" if path == "/" else f"/unlock?next={path}"
            return RedirectResponse(onward, 303, headers={"Cache-Control": "no-store"})
        t = self.catalogue.translator(session.language)
        return self.render(
            request,
            name,
            session.language,
            title=t(f"{name}.title"),
            current=place or path,
            nav_items=[(href, icon, t(label)) for href, icon, label in NAVIGATION],
            csrf=session.csrf,
            person=session.person_label,
            person_id=session.person_id,
            reminds=session.reminds,
            signin=f"/unlock?next={path}",
            strings=self.catalogue.as_json(session.language, *SHARED_WORDS, *WORDS[path]),
            **context,
        )

    def landed(self, request: Request, onward: str) -> Response:
        """The page between another server and the record; it knows nobody."""
        language = negotiate(request.headers.get("accept-language"))
        title = self.catalogue.translator(language)("connect.landed")
        return self.render(request, "landed", language, title=title, onward=onward)


def _record_part(pages: Pages, part: str) -> Callable[[Request], Response]:
    """The page of one part of the record."""

    def page(request: Request) -> Response:
        return pages.inside(request, f"/{part}", part, place="/record")

    return page


def router(device: Device) -> APIRouter:
    """Routes of all pages; they are no part of the API and stand in no schema."""
    api = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    pages = Pages(device)
    unlock_routes(api, pages, device, WORDS)
    shell_routes(api, pages.catalogue, pages.render)

    @api.get("/")
    def ask(request: Request) -> Response:
        """Ask a question."""
        return pages.inside(request, "/", "ask")

    @api.get("/history")
    def history(request: Request) -> Response:
        """Earlier consults."""
        return pages.inside(request, "/history", "history")

    @api.get("/ledger")
    def ledger(request: Request) -> Response:
        """What left the device, when and to whom."""
        return pages.inside(request, "/ledger", "ledger")

    @api.get("/record")
    def record(request: Request) -> Response:
        """The person's own record in words."""
        return pages.inside(request, "/record", "record")

    @api.get("/record/back")
    def back(request: Request) -> Response:
        """Where a browser comes back to from another server, without our cookie (it is strict).

        The browser goes on from this page of ours to the record, where the cookie is sent.
        """
        brought = {name: request.query_params.get(name, "") for name in BROUGHT}
        onward = f"/record?{urlencode({k: v for k, v in brought.items() if v})}"
        page = pages.landed(request, onward)
        page.headers["Refresh"] = f"0; url={onward}"
        return page

    for part in RECORD_PARTS:
        api.add_api_route(f"/{part}", _record_part(pages, part))

    @api.get("/settings")
    def settings(request: Request) -> Response:
        """Profile, consents, export, erase."""
        return pages.inside(request, "/settings", "settings")

    return api


def install(app: FastAPI, device: Device) -> None:
    """Add the pages and the files that they load to the device's app."""
    app.include_router(router(device))
    mount_static(app, patient=STATIC)
