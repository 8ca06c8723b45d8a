"""Routes of the authorization server that clients call; people's pages are the portal's."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from compliance.audit import Agent
from compliance.audit.balp import Outcome
from services.hospital.audited import Caller
from services.hospital.portal.access import client_of
from services.hospital.smart.clients import Client
from services.hospital.smart.discovery import STYLE, openid_configuration, smart_configuration
from services.hospital.smart.errors import OAuthError, TooOftenError
from services.hospital.smart.limits import Limit
from services.hospital.smart.service import Smart
from services.hospital.smart.site import Site
from services.hospital.smart.wire import OAuthRoute, form_of, told

MOST_CALLS = 3000
"""Calls of one address at these endpoints in a minute."""
MOST_FAILURES = 300
"""Of those, that fail: each is written to the audit trail."""
_KEPT = {"cache-control": "public, max-age=300"}


class _Callers:
    """Authenticates clients, and slows down who fails or calls too often."""

    def __init__(self, smart: Smart) -> None:
        self._smart = smart
        self._calls, self._failures = Limit(MOST_CALLS), Limit(MOST_FAILURES)

    async def let(self, request: Request, form: dict[str, str]) -> Client:
        """The client that sent a form.

        Raises:
            OAuthError: it is not authenticated, or it calls too often.
        """
        where = client_of(request) or "unknown"
        self._calls.require(where)
        if wait := self._failures.wait(where):
            raise TooOftenError(wait)
        header = request.headers.get("authorization")
        try:
            return await self._smart.authentication.client(form, header, Site.of(request).token)
        except OAuthError as error:
            await self.refused(request, None, error)
            raise

    async def refused(self, request: Request, client: Client | None, error: OAuthError) -> None:
        """Count a refusal, and write it down."""
        self._failures.count(client_of(request) or "unknown")
        await self.told(request, client, error.code, "8")

    async def told(
        self, request: Request, client: Client | None, what: str, outcome: Outcome = "0"
    ) -> None:
        """Write down what came of a call."""
        by, method = caller_of(client, request), f"token:{what}"
        await run_in_threadpool(self._smart.auditor.sign_in, by, method, outcome)


def caller_of(client: Client | None, request: Request) -> Caller:
    """The program that calls, as the audit trail names it."""
    id_, name = (client.id, client.name) if client else ("unknown", "unknown")
    return Caller(Agent("application", f"smart-{id_}", name=name), client=client_of(request))


def smart_router(smart: Smart) -> APIRouter:
    """Return the routes below ``/oauth`` for clients, and the documents that describe them."""
    router = APIRouter(tags=["smart"], route_class=OAuthRoute)
    _describe(router, smart)
    _token_routes(router, smart, _Callers(smart))
    return router


def _describe(router: APIRouter, smart: Smart) -> None:
    def configuration(request: Request) -> JSONResponse:
        """Say what the authorization server does."""
        return JSONResponse(smart_configuration(Site.of(request)), headers=_KEPT)

    known = "/.well-known/smart-configuration"
    router.add_api_route(f"/fhir{known}", configuration, methods=["GET"])
    router.add_api_route(known, configuration, methods=["GET"], include_in_schema=False)

    @router.get("/.well-known/openid-configuration")
    def openid(request: Request) -> JSONResponse:
        """Say how ID tokens are checked."""
        return JSONResponse(openid_configuration(Site.of(request)), headers=_KEPT)

    @router.get("/oauth/jwks")
    def jwks() -> JSONResponse:
        """The public keys of ID tokens."""
        return JSONResponse(smart.signing.jwks(), headers=_KEPT)

    @router.get("/oauth/style.json")
    def style() -> JSONResponse:
        """Colours and sizes of the portal, for apps that want to look alike."""
        return JSONResponse(STYLE, headers=_KEPT)


def _token_routes(router: APIRouter, smart: Smart, callers: _Callers) -> None:
    @router.post("/oauth/token")
    async def token(request: Request) -> Response:
        """Give tokens for a code, a refresh token, or a proof by key."""
        form = await form_of(request)
        client = await callers.let(request, form)
        try:
            body: dict[str, Any] = await smart.endpoint.answer(client, form, Site.of(request))
        except OAuthError as error:
            await callers.refused(request, client, error)
            raise
        await callers.told(request, client, form["grant_type"])
        return told(body)

    @router.post("/oauth/introspect")
    async def introspect(request: Request) -> Response:
        """Say what a token stands for, to the client that has it or to a resource server."""
        form = await form_of(request)
        client = await callers.let(request, form)
        if client.kind == "public":
            raise OAuthError("unauthorized_client", "Only a client that proves itself may ask.")
        token, site = _token_in(form), Site.of(request)
        return told(await run_in_threadpool(smart.asking.introspect, client, token, site))

    @router.post("/oauth/revoke")
    async def revoke(request: Request) -> Response:
        """End a token before its time."""
        form = await form_of(request)
        client = await callers.let(request, form)
        await run_in_threadpool(smart.asking.revoke, client, _token_in(form))
        await callers.told(request, client, "revoked")
        return told({})


def _token_in(form: dict[str, str]) -> str:
    if not form.get("token"):
        raise OAuthError("invalid_request", "token is missing.")
    return form["token"]
