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

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Protocol
from urllib.parse import urlencode

from fastapi import APIRouter, FastAPI, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from compliance.errors import CaretierError
from patient_app.shell import shell_routes
from patient_app.trouble import told
from services.web.i18n import COMMON, LANGUAGES, Catalogue, negotiate
from services.web.templating import mount_static, templates

HERE = Path(__file__).parent
LOCALE = HERE / "locale"
STATIC = HERE / "static"
TEMPLATES = HERE / "templates"

MAX_PASSPHRASE_CHARS = 1024
"""Longest passphrase that is looked at, in characters; a longer one is refused before hashing."""
MAX_RECOVERY_CHARS = 256
"""Longest recovery text that is looked at, in characters; a true one has about 70."""
MOVED_KIND = "vault-outer-key-missing"
"""Kind of the problem that only the recovery text mends."""

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

_CONSULT = ("answer", "offer", "redact", "confidence", "signal", "tools")
WORDS = {
    "/": (*_CONSULT, "ask", "step", "voice", "follow"),
    "/history": (*_CONSULT, "history", "status"),
    "/ledger": ("ledger", "offer"),
    "/record": ("record", "connect"),
    "/settings": ("settings",),
    "/family": ("family",),
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


class Device(Protocol):
    """What the pages ask of the device. The calls may block (key derivation takes a second)."""

    def current(self, request: Request) -> DeviceSession | None:
        """The session of this request, None when there is none or it has run out."""

    def people(self) -> Sequence[PersonChoice]:
        """Everyone whose record is on the device, in the order to show them."""

    def unlock(
        self, response: Response, person_id: str, passphrase: str, recovery: str | None = None
    ) -> None:
        """Open the person's record and set the session cookie on the response.

        ``recovery`` is the recovery text, where the record was moved here from another device.

        Raises:
            CaretierError: wrong passphrase, unknown person (the two look alike) or too many tries;
                message and advice are shown to the person.
        """

    def lock(self, request: Request, response: Response) -> None:
        """End the session, forget its keys and clear the cookie."""


class ForeignRequestError(CaretierError):
    """A form came from another site, or without the token of its session; nothing was done."""

    kind = "foreign-request"
    status = 403
    exit_code = 44
    remedy = "Open the page on this device and try again."


def require_own_page(request: Request) -> None:
    """Refuse a form that another site sent (Fetch Metadata, then ``Origin``).

    Raises:
        ForeignRequestError: the browser says that the form is from elsewhere.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        # Decided by the browser alone: under `no-referrer` it writes "Origin: null" for own forms.
        foreign = site not in ("same-origin", "none")
    else:
        own = f"{request.url.scheme}://{request.headers.get('host', '')}"
        foreign = request.headers.get("origin", own) != own
    if foreign:
        raise ForeignRequestError("The form did not come from this device's own page.")


def _onward(target: str) -> str:
    """The page to go to after unlocking: one of ours, else the first."""
    return target if target in WORDS else "/"


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
            signin=f"/unlock?next={path}",
            strings=self.catalogue.as_json(session.language, *SHARED_WORDS, *WORDS[path]),
            **context,
        )

    def landed(self, request: Request, onward: str) -> Response:
        """The page between another server and the record; it knows nobody."""
        language = negotiate(request.headers.get("accept-language"))
        title = self.catalogue.translator(language)("connect.landed")
        return self.render(request, "landed", language, title=title, onward=onward)

    def _told(self, language: str, problem: CaretierError | None) -> tuple[str, str]:
        """A problem in the person's language: what happened and what to do."""
        if problem is None:
            return "", ""
        return told(problem.kind, problem.message, problem.advice, language)

    def unlock_page(
        self,
        request: Request,
        onward: str,
        chosen: str = "",
        problem: CaretierError | None = None,
        *,
        moved: bool = False,
    ) -> Response:
        """The form that asks whose record and for the passphrase; the passphrase is never kept.

        ``moved``: the field for the recovery text is open.
        """
        asked = request.query_params.get("lang")
        language = negotiate(asked or request.headers.get("accept-language"))
        return self.render(
            request,
            "unlock",
            language,
            status=problem.status if problem else 200,
            title=self.catalogue.translator(language)("unlock.title"),
            people=self._device.people(),
            chosen=chosen or request.query_params.get("person", ""),
            problem=problem,
            told=self._told(language, problem),
            moved=moved or (problem is not None and problem.kind == MOVED_KIND),
            onward=onward,
            languages=LANGUAGES,
        )


def _unlock_routes(api: APIRouter, pages: Pages, device: Device) -> None:
    """Add the pages that open and close a record."""

    @api.get("/unlock", response_class=HTMLResponse)
    def unlock_form(request: Request, next: Annotated[str, Query()] = "/") -> Response:  # noqa: A002 - the name of the query parameter
        """Ask whose record to open."""
        return pages.unlock_page(request, _onward(next))

    @api.post("/unlock", response_class=HTMLResponse)
    def unlock(
        request: Request,
        person: Annotated[str, Form()] = "",
        passphrase: Annotated[str, Form()] = "",
        recovery: Annotated[str, Form()] = "",
        onward: Annotated[str, Form()] = "/",
    ) -> Response:
        """Open the record and go on to the page that was asked for; or show the form again."""
        require_own_page(request)
        response = RedirectResponse(_onward(onward), 303, headers={"Cache-Control": "no-store"})
        try:
            device.unlock(
                response,
                person,
                passphrase[: MAX_PASSPHRASE_CHARS + 1],
                recovery=recovery.strip()[:MAX_RECOVERY_CHARS] or None,
            )
        except CaretierError as error:
            return pages.unlock_page(
                request, _onward(onward), person, error, moved=bool(recovery.strip())
            )
        return response

    @api.post("/lock")
    def lock(request: Request, csrf: Annotated[str, Form()] = "") -> Response:
        """Close the record. Without a session there is nothing to close."""
        response = RedirectResponse("/unlock", 303, headers={"Cache-Control": "no-store"})
        session = device.current(request)
        if session is not None:
            token = csrf or request.headers.get("x-csrf-token", "")
            if not hmac.compare_digest(token.encode(), session.csrf.encode()):
                raise ForeignRequestError("The form lacks the token of this session.")
            device.lock(request, response)
        return response


def _record_part(pages: Pages, part: str) -> Callable[[Request], Response]:
    """The page of one part of the record."""

    def page(request: Request) -> Response:
        return pages.inside(request, f"/{part}", part, place="/record")

    return page


def router(device: Device) -> APIRouter:
    """Routes of all pages; they are no part of the API and stand in no schema."""
    api = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    pages = Pages(device)
    _unlock_routes(api, pages, device)
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
