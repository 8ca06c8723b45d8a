"""The pages on which a person lets an app in: whose record, what of it, yes or no."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute

from compliance.access import Scopes
from compliance.access.grants import ANY, Grant
from services.hospital.accounts import SignedIn
from services.hospital.chart import Charts
from services.hospital.errors import NoRelationError
from services.hospital.keys import digest_of
from services.hospital.models import SmartClient, SmartGrant
from services.hospital.portal.access import APPS, AUTHORIZE, CHART_READERS, COOKIE, client_of
from services.hospital.portal.clients import client_pages
from services.hospital.portal.pages import Portal, see
from services.hospital.portal.texts import clean
from services.hospital.portal.views import stamp
from services.hospital.smart.addresses import source_of
from services.hospital.smart.authorize import Asked
from services.hospital.smart.consent import Consent, Decision, refused_at
from services.hospital.smart.errors import OAuthError, UnknownClientError
from services.hospital.smart.limits import Limit
from services.hospital.smart.site import Site
from services.hospital.smart.wire import MOST_FIELDS, form_of, one_each
from services.web.guard import CONTENT_SECURITY_POLICY
from services.web.i18n import Translator

MAX_NUMBER_CHARS = 100
MAX_SCOPES = 200
MOST_STARTS = 600
"""Requests of one address in a minute: each is kept until it is answered or over."""


def let_form_go(response: Response, *addresses: str) -> Response:
    """Let the forms of this one page lead to these addresses, and to no others.

    Browsers hold the redirect that answers a form against the policy of the form's page.
    """
    places = " ".join(dict.fromkeys(source_of(address) for address in addresses))
    response.headers["content-security-policy"] = CONTENT_SECURITY_POLICY.replace(
        "form-action 'self'", f"form-action 'self' {places}".rstrip()
    )
    return response


def authorize_router(portal: Portal, consent: Consent, kind: type[APIRoute]) -> APIRouter:
    """Return ``/oauth/authorize``: where an app sends a browser; ``kind`` shows errors as pages."""
    router = APIRouter(include_in_schema=False, route_class=kind)
    limit = Limit(MOST_STARTS)

    def start(request: Request, fields: dict[str, str]) -> Response:
        """Keep the request, and go on by a page of our own: a strict cookie comes along then."""
        limit.require(client_of(request) or "unknown")
        redirect, state = fields.get("redirect_uri", ""), fields.get("state")
        try:
            token = consent.begin(fields, Site.of(request))
        except OAuthError as error:
            return see(refused_at(redirect, error, state))
        t, onward = portal.pages.translator(request), f"{AUTHORIZE}/{token}"
        page = portal.pages.render(
            request, "app_going", None, here=AUTHORIZE, title=t("apps.going"), onward=onward
        )
        page.headers["refresh"] = f"0; url={onward}"
        return page

    @router.get("/oauth/authorize")
    def asked(request: Request) -> Response:
        """Take a request in the address."""
        return start(request, _fields(request))

    @router.post("/oauth/authorize")
    async def posted(request: Request) -> Response:
        """Take a request in a form."""
        try:
            fields = await form_of(request)
        except OAuthError as error:
            raise UnknownClientError(error.message) from None
        return start(request, fields)

    return router


def _fields(request: Request) -> dict[str, str]:
    pairs = request.query_params.multi_items()
    try:
        return one_each(pairs[: MOST_FIELDS + 1])
    except OAuthError as error:
        raise UnknownClientError(error.message) from None


def app_pages(router: APIRouter, portal: Portal, consent: Consent, charts: Charts) -> None:
    """Add everything about apps that stands behind the session."""
    consent_pages(router, portal, consent, charts)
    launch_pages(router, portal, consent)
    client_pages(router, portal, consent.smart.clients)


def consent_pages(router: APIRouter, portal: Portal, consent: Consent, charts: Charts) -> None:
    """Add the choice of a patient, and the question itself."""
    gate, pages = portal.gate, portal.pages

    def choice(
        request: Request, who: SignedIn, asked: Asked, token: str, *, missed: bool = False
    ) -> Response:
        t = pages.translator(request)
        return pages.render(
            request, "app_patient", who, here=f"{AUTHORIZE}/{token}", title=t("apps.whose"),
            status=404 if missed else 200, asked=asked, people=consent.people(who), missed=missed,
        )  # fmt: skip

    @router.get("/authorize/{token}")
    def show(request: Request, token: str) -> Response:
        """Ask whose record is meant, then whether the app may have what it asks for."""
        who = gate.let(request, CHART_READERS)
        asked = consent.asked(token, who)
        if asked.lacks_patient:
            return choice(request, who, asked, token)
        t = pages.translator(request)
        page = pages.render(
            request, "app_consent", who, here=f"{AUTHORIZE}/{token}",
            title=t("apps.consent", app=asked.name), asked=asked,
            person=consent.person(asked, who), lines=lines(asked.scope, t),
            visits=[(v.id, f"{v.day} {v.name}".strip()) for v in consent.visits(asked)],
            place=source_of(asked.redirect),
        )  # fmt: skip
        return let_form_go(page, asked.redirect)

    @router.post("/authorize/{token}/patient")
    def choose(
        request: Request,
        token: str,
        csrf: Annotated[str, Form()] = "",
        patient: Annotated[str, Form()] = "",
        number: Annotated[str, Form()] = "",
    ) -> Response:
        """Take whose record is meant; a number goes before a name."""
        who = gate.let_change(request, csrf, CHART_READERS)
        asked = consent.asked(token, who)
        typed = clean(number[:MAX_NUMBER_CHARS]).strip()
        found = charts.find(typed) if typed else patient
        try:
            consent.choose(token, asked, who, found or "")
        except NoRelationError:
            return choice(request, who, asked, token, missed=True)
        return see(f"{AUTHORIZE}/{token}")

    @router.post("/authorize/{token}")
    def decide(
        request: Request,
        token: str,
        *,
        csrf: Annotated[str, Form()] = "",
        answer: Annotated[str, Form()] = "",
        visit: Annotated[str, Form()] = "",
        scope: Annotated[list[str] | None, Form()] = None,
    ) -> Response:
        """Take yes or no, and send the browser back to the app."""
        who = gate.let_change(request, csrf, CHART_READERS)
        asked = consent.asked(token, who)
        if answer != "allow" or asked.lacks_patient:
            return _away(consent.refuse(token, asked, who))
        decision = Decision((scope or [])[:MAX_SCOPES], visit)
        session = digest_of(request.cookies.get(COOKIE, ""))
        return _away(consent.allow(token, asked, who, decision, session))


def launch_pages(router: APIRouter, portal: Portal, consent: Consent) -> None:
    """Add the launch of an app from a chart, and the list of what was granted."""
    gate, pages = portal.gate, portal.pages

    @router.post("/patients/{id_}/launch")
    def launch(
        request: Request,
        id_: str,
        csrf: Annotated[str, Form()] = "",
        app: Annotated[str, Form()] = "",
    ) -> Response:
        """Send the browser to an app with the context of this chart."""
        who = gate.let_change(request, csrf, CHART_READERS)
        return _away(consent.launch(consent.client(app), who, id_, Site.of(request)))

    @router.get("/apps")
    def given(request: Request) -> Response:
        """What the person let apps have."""
        who = gate.let(request, CHART_READERS)
        t = pages.translator(request)
        rows = [_row(grant, app, t) for grant, app in consent.given(who)]
        return pages.render(request, "apps", who, here=APPS, title=t("apps.title"), rows=rows)

    @router.post("/apps/{id_}/end")
    def end(request: Request, id_: str, csrf: Annotated[str, Form()] = "") -> Response:
        """Take back what one app was given."""
        who = gate.let_change(request, csrf, CHART_READERS)
        consent.end(id_[:36], who)
        return see(APPS)


def lines(scopes: Scopes, t: Translator) -> list[tuple[str, str, str]]:
    """Each scope that a person may take out: as it is spelled, in words, and what narrows it."""
    words = [w for w in scopes.words if not w.startswith("launch")]
    plain = [(word, t(f"apps.word.{word}"), "") for word in words]
    bound = scopes.has_context("patient")
    return [*((str(g), _said(g, t, bound=bound), g.query) for g in scopes.grants), *plain]


def _row(grant: SmartGrant, app: SmartClient, t: Translator) -> dict[str, Any]:
    """One grant as the list shows it."""
    scopes = Scopes.understood(grant.scopes)[0]
    words = (("offline_access", "offline"), ("online_access", "online"))
    return {
        "id": grant.id,
        "app": app.name,
        "patient": grant.patient,
        "created": grant.created,
        "created_text": stamp(grant.created),
        "lasts": next((shown for word, shown in words if scopes.has(word)), "brief"),
        "lines": lines(scopes, t),
    }


def _said(grant: Grant, t: Translator, *, bound: bool) -> str:
    """A scope in words; in a token that is bound to one person, every scope is."""
    deeds = ", ".join(t(f"apps.letter.{letter}") for letter in grant.letters)
    key = "all" if grant.kind == ANY else grant.kind
    try:
        what = t(f"apps.kind.{key}")
    except KeyError:
        what = grant.kind
    return t("apps.in_patient" if bound else "apps.in_user", what=what, deeds=deeds)


def _away(target: str) -> RedirectResponse:
    """Send the browser to an app; nothing of it may be kept."""
    return RedirectResponse(target, 303, headers={"Cache-Control": "no-store"})
