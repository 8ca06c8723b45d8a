"""Routes of the portal: signing in, the inbox, a referral, the system page, and their small API."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from compliance.errors import CaretierError, NotFoundError
from services.hospital.accounts import Accounts
from services.hospital.chart import Charts
from services.hospital.desk import Desk
from services.hospital.errors import SignInError
from services.hospital.models import User
from services.hospital.portal.access import (
    HOME,
    READERS,
    SIGN_IN,
    WRITERS,
    Gate,
    home_of,
    local,
    same_site,
)
from services.hospital.portal.api import portal_api
from services.hospital.portal.apps import app_pages, authorize_router
from services.hospital.portal.charts import (
    BeforeVisit,
    chart_api,
    chart_pages,
    nobody,
    nothing_before,
)
from services.hospital.portal.exports import export_pages
from services.hospital.portal.filing import Choice, FilingDesk, filing_pages
from services.hospital.portal.glass import glass_pages
from services.hospital.portal.histories import history_pages
from services.hospital.portal.intakes import alert_rows, intake_pages
from services.hospital.portal.knowledge import KnowledgeDesk, knowledge_pages
from services.hospital.portal.launch import ehr_pages
from services.hospital.portal.lists import Lists
from services.hospital.portal.pages import Portal, see
from services.hospital.portal.placeholders import check
from services.hospital.portal.signing_in import SignInSteps, sign_in_pages
from services.hospital.portal.texts import clean, version_of
from services.hospital.portal.updates import UpdatesDesk, update_pages
from services.hospital.portal.views import LANGUAGE_COOKIE, Pages, explain
from services.hospital.portal.worklist import worklist_room
from services.hospital.previsit import Alerts
from services.hospital.relations import Relations
from services.hospital.smart.consent import Consent
from services.web.i18n import LANGUAGES
from services.web.problems import unexpected

Room = Callable[[APIRouter, APIRouter, Portal], None]
"""Adds pages (answered as pages, errors too) and addresses of the API to the portal's routers."""
LANGUAGE_SECONDS = 365 * 24 * 3600
MAX_NAME_CHARS = 80


def page_route(portal: Portal) -> type[APIRoute]:
    """A kind of route whose errors are pages, in the reader's language."""

    class PageRoute(APIRoute):
        """Answers a person's browser."""

        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            """Wrap the handler."""
            handler = super().get_route_handler()

            async def handle(request: Request) -> Response:
                try:
                    return await handler(request)
                except CaretierError as error:
                    return portal.problem(request, error)
                except (HTTPException, RequestValidationError):
                    raise
                except Exception as error:  # noqa: BLE001 - whatever it is, a person waits
                    unexpected(error, getattr(request.scope.get("route"), "path", "?"))
                    return portal.problem(request, CaretierError("Something went wrong here."))

            return handle

    return PageRoute


def _session_routes(router: APIRouter, portal: Portal, steps: SignInSteps) -> None:
    """Add signing in and out, and the choice of a language."""
    gate, pages = portal.gate, portal.pages

    def form(request: Request, onward: str, error: SignInError | None = None) -> Response:
        t = pages.translator(request)
        return pages.render(
            request,
            "sign_in",
            None,
            here=SIGN_IN,
            title=t("sign_in.title"),
            status=error.status if error else 200,
            onward=local(onward),
            methods=steps.methods,
            trouble=explain(error, t) if error else None,
        )

    @router.get("/sign-in")
    def sign_in_form(
        request: Request,
        next: Annotated[str, Query()] = HOME,  # noqa: A002 - the name of the query parameter
    ) -> Response:
        """Ask for name and password; whoever is signed in goes on."""
        who = gate.who(request)
        return form(request, next) if who is None else see(local(next, home_of(who.user.role)))

    @router.post("/sign-in")
    def sign_in(
        request: Request,
        user: Annotated[str, Form()] = "",
        password: Annotated[str, Form()] = "",
        next: Annotated[str, Form()] = HOME,  # noqa: A002 - the name of the form field
    ) -> Response:
        """Go on to the page that was asked for, or to the next step; or show the form again."""
        same_site(request)
        try:
            return steps.password(request, user[:MAX_NAME_CHARS], password, local(next, ""))
        except SignInError as error:
            return form(request, next, error)

    @router.post("/sign-out")
    def sign_out(request: Request, csrf: Annotated[str, Form()] = "") -> Response:
        """End the session; without one there is nothing to end."""
        same_site(request)
        response = see(SIGN_IN)
        who = gate.who(request)
        if who is not None:
            who.check_csrf(csrf)
            gate.close(request, response)
        return response

    @router.post("/language")
    def language(
        request: Request,
        to: Annotated[str, Form()] = "",
        next: Annotated[str, Form()] = HOME,  # noqa: A002 - the name of the form field
        csrf: Annotated[str, Form()] = "",
    ) -> Response:
        """Remember a language in the browser and come back."""
        same_site(request)
        who = gate.who(request)
        if who is not None:
            who.check_csrf(csrf)
        onward = local(next)
        response = see(onward if who is not None else f"{SIGN_IN}?next={onward}")
        if to in LANGUAGES:
            response.set_cookie(
                LANGUAGE_COOKIE,
                to,
                max_age=LANGUAGE_SECONDS,
                path="/",
                httponly=True,
                secure=gate.secure,
                samesite="strict",
            )
        return response


def _referral_routes(router: APIRouter, portal: Portal, filing: FilingDesk | None) -> None:
    """Add the inbox and the page of one referral."""
    gate = portal.gate

    @router.get("/")
    def inbox(
        request: Request,
    ) -> Response:
        """The worklist; who has none goes on to the first page of their role."""
        who = gate.who(request) or gate.let(request, READERS)  # which refuses who is not signed in
        if who.user.role not in READERS:
            return see(home_of(who.user.role))
        return portal.inbox(request, who)

    @router.get("/referrals/{id_}")
    def referral(request: Request, id_: str, signed: Annotated[str, Query()] = "") -> Response:
        """One referral, written to the audit trail before it is shown."""
        who = gate.let(request, READERS)
        return portal.referral(request, who, id_, sent=bool(signed))

    @router.post("/referrals/{id_}/sign")
    def sign(  # noqa: PLR0917 - the fields of the form
        request: Request,
        id_: str,
        csrf: Annotated[str, Form()] = "",
        version: Annotated[str, Form()] = "",
        text: Annotated[str, Form()] = "",
        number: Annotated[str, Form()] = "",
        token: Annotated[str, Form()] = "",
    ) -> Response:
        """Sign, send and, where a person was chosen, file.

        When that is refused, the page comes back with the text in it.
        """
        who = gate.let_change(request, csrf, WRITERS)
        item, mine, choice = portal.item(id_), clean(text), Choice.read(number, token)
        try:
            check(mine, item.question)
            beside = filing.beside(item, mine, choice, who) if filing else None
            portal.desk.sign(
                item.id, mine, version=version_of(version), user=who.user, beside=beside
            )
        except NotFoundError:
            raise
        except CaretierError as error:
            return portal.referral(
                request, who, item.id, mine=mine, error=error, number=choice.number
            )
        return see(f"{HOME}referrals/{item.id}?signed=1")


def _chart_routes(
    pages: APIRouter,
    portal: Portal,
    charts: Charts,
    relations: Relations | None,
    consent: Consent | None,
    *,
    before: BeforeVisit,
) -> None:
    """Charts, the apps that open from them, and emergency access to them."""
    apps = consent.smart.clients.launched if consent else list
    treated = consent.people if consent else nobody
    chart_pages(pages, portal, charts, apps=apps, treated=treated, before=before)
    history_pages(pages, portal, charts)
    if consent is not None:
        app_pages(pages, portal, consent, charts)
    if relations is not None:
        glass_pages(pages, portal, relations)


def _desk_routes(
    pages: APIRouter, portal: Portal, filing: FilingDesk | None, alerts: Alerts | None
) -> None:
    """The inbox and its referrals, filing a reply, and red flags from before a visit."""
    _referral_routes(pages, portal, filing)
    if filing is not None:
        filing_pages(pages, portal, filing)
    if alerts is not None:
        intake_pages(pages, portal, alerts)


def _learning_routes(
    pages: APIRouter,
    portal: Portal,
    updates: UpdatesDesk | None,
    knowledge: KnowledgeDesk | None,
) -> None:
    """What models and knowledge would change, for people to decide."""
    if updates is not None:
        update_pages(pages, portal, updates)
    if knowledge is not None:
        knowledge_pages(pages, portal, knowledge)


def _nothing(pages: APIRouter) -> None:
    """Add what answers at addresses where there is nothing; it comes last."""

    @pages.get("/{rest:path}")
    def nothing(rest: str) -> Response:
        """Say so as a page; to a program as a problem document."""
        if rest.startswith("api/"):
            raise HTTPException(404)
        raise NotFoundError("There is nothing at this address.")


def portal_router(
    accounts: Accounts,
    desk: Desk,
    *,
    secure_cookies: bool,
    audit_read: Callable[[User, str, str | None], None],
    idle: timedelta = timedelta(minutes=20),
    charts: Charts | None = None,
    relations: Relations | None = None,
    steps: SignInSteps | None = None,
    export: Callable[[User, str, str | None], dict[str, Any]] | None = None,
    filing: FilingDesk | None = None,
    alerts: Alerts | None = None,
    before: BeforeVisit = nothing_before,
    consent: Consent | None = None,
    updates: UpdatesDesk | None = None,
    knowledge: KnowledgeDesk | None = None,
    lists: Lists | None = None,
    more: Sequence[Room] = (),
) -> APIRouter:
    """Routes below ``/portal``, and ``/oauth/authorize``; they stand in no schema.

    Args:
        accounts: users and sessions of the hospital.
        desk: its referrals.
        secure_cookies: set the Secure flag; on wherever the portal is behind TLS.
        audit_read: called with reader, referral id and network address before a referral is shown;
            when it raises, nothing is shown.
        idle: a page leaves to sign-in after so long without a touch; as in ``accounts``.
        charts: of the people of this hospital's own record; None where there is none.
        relations: which charts a clinician may open, and who reviews emergency access.
        steps: of signing in; a password alone where None.
        export: everything of one Patient, audited; for a person who asks for their data.
        filing: files replies in the record of the person whom the clinician chose; None: never.
        alerts: red flags in what patients wrote before a visit.
        before: what they wrote, for the chart of one Patient that was audited.
        consent: lets apps in, and launches them from a chart; None: there are none.
        updates: what the models learn; None: nothing.
        knowledge: what sources would change; None: there are no sources.
        lists: the worklist; the desk's own where None.
        more: other rooms; each adds its pages, and its addresses below ``/portal/api``.
    """
    gate = Gate(accounts, secure=secure_cookies)
    rooms = {"charts": charts, "apps": consent, "updates": updates, "knowledge": knowledge}
    look = Pages(idle, frozenset(name for name, room in rooms.items() if room is not None))
    filed = filing.shown if filing else None
    flags = {"flags": alert_rows(alerts)} if alerts else {}
    portal = Portal(accounts, desk, gate, look, audit_read, filed, **flags)
    portal.lists = lists or portal.lists
    kind = page_route(portal)
    pages = APIRouter(
        prefix="/portal",
        route_class=kind,
        default_response_class=HTMLResponse,
        include_in_schema=False,
    )
    asked = steps or SignInSteps(accounts)
    asked.gate = gate
    _session_routes(pages, portal, asked)
    sign_in_pages(pages, portal, asked)
    if asked.launching is not None:
        ehr_pages(pages, portal, asked, asked.launching)
    _desk_routes(pages, portal, filing, alerts)
    if charts is not None:
        _chart_routes(pages, portal, charts, relations, consent, before=before)
    if charts is not None and export is not None:
        export_pages(pages, portal, charts, export)
    _learning_routes(pages, portal, updates, knowledge)
    api = portal_api(desk, gate, portal.on_saved, portal.against)
    chart_api(api, portal, charts)
    worklist_room(portal.lists)(pages, api, portal)
    for room in more:
        room(pages, api, portal)
    _nothing(pages)
    whole = APIRouter()
    parts = [api, pages]
    if consent is not None:
        parts.append(authorize_router(portal, consent, kind))
    whole.routes.extend(route for part in parts for route in part.routes)
    return whole
