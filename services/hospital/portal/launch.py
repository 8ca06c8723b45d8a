"""Opening the portal from a chart in an outside EHR.

The way back from the EHR began on another site, so the browser leaves strict cookies at home. The
session is therefore opened one step later, from a page of our own: there the cookie of whoever was
signed in before comes along, and their session ends.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from services.hospital.launching import (
    METHOD,
    Arrived,
    Launching,
    LaunchRefusedError,
    NotLinkedError,
)
from services.hospital.pending import LASTS
from services.hospital.portal.access import CHART_READERS, CHARTS, HOME, SIGN_IN, client_of, local
from services.hospital.portal.pages import Portal, see
from services.hospital.portal.signing_in import SignInSteps, land
from services.hospital.smart.limits import Limit
from services.web.address import public_base

LAUNCH = "/portal/launch"
BACK = f"{LAUNCH}/back"
ENTER = f"{LAUNCH}/enter"
UNKNOWN = f"{LAUNCH}/unknown"
LAUNCH_COOKIE = "caretier_launch"
MOST_STARTS = 120
"""Launches from one address in a minute: each of them calls the EHR."""


def ehr_pages(router: APIRouter, portal: Portal, steps: SignInSteps, launching: Launching) -> None:
    """Add the way to the EHR, the way back, and the page for a patient who is not known here."""
    limit = Limit(MOST_STARTS)
    secure = portal.gate.secure

    @router.get("/launch")
    async def leave(
        request: Request,
        iss: Annotated[str, Query()] = "",
        launch: Annotated[str, Query()] = "",
    ) -> Response:
        """Send the browser to an EHR that is registered; no other is called."""
        limit.require(client_of(request) or "unknown")
        sent = await launching.begin(iss, launch, _redirect(request))
        response = see(sent.url)
        response.set_cookie(
            LAUNCH_COOKIE,
            sent.cookie,
            max_age=int(LASTS.total_seconds()),
            path=LAUNCH,
            httponly=True,
            secure=secure,
            samesite="lax",  # it has to come back from the EHR's own site
        )
        return response

    @router.get("/launch/back")
    async def back(request: Request) -> Response:
        """Take what the EHR says of somebody, and go on from a page of our own."""
        cookie, answer = request.cookies.get(LAUNCH_COOKIE), dict(request.query_params)
        try:
            arrived = await launching.finish(cookie, answer, _redirect(request), client_of(request))
        except NotLinkedError as error:
            return _not_linked(portal, request, error)
        done = see(ENTER)
        onward, strong = _onward(arrived), "yes" if arrived.strong else ""
        await run_in_threadpool(
            steps.hold, done, "launched", arrived.user, onward=onward, strong=strong
        )
        done.delete_cookie(LAUNCH_COOKIE, path=LAUNCH, httponly=True, secure=secure)
        return land(portal, request, done)

    @router.get("/launch/enter")
    def enter(request: Request) -> Response:
        """Open the session, or ask for the second factor; a strict cookie says for whom."""
        found = steps.begun(request, "launched")
        if found is None or not steps.pending.end(found[0]):
            raise LaunchRefusedError("Nothing was begun in this browser, or it took too long.")
        pending, user = found
        onward = local(pending.data["onward"], "")
        if pending.data["strong"]:
            return steps.enter(request, user, f"{METHOD}+mfa", onward)
        return steps.proved(request, user, METHOD, onward)

    @router.get("/launch/unknown")
    def unknown(request: Request) -> Response:
        """Say that the patient of the EHR's chart is not known here."""
        who = portal.gate.let(request, CHART_READERS)
        t = portal.pages.translator(request)
        return portal.pages.render(
            request, "launch_end", who, here=UNKNOWN, title=t("launch.unknown"), status=404,
            text=t("launch.unknown_text"), onward=CHARTS, label=t("launch.look_up"),
        )  # fmt: skip


def _onward(arrived: Arrived) -> str:
    if arrived.patient is not None:
        return f"{CHARTS}/{arrived.patient}"
    return UNKNOWN if arrived.in_context else HOME


def _not_linked(portal: Portal, request: Request, error: NotLinkedError) -> Response:
    """Tell the person what an operator needs to know; it is theirs, and nobody else sees it."""
    t = portal.pages.translator(request)
    return portal.pages.render(
        request, "launch_end", None, here=SIGN_IN, title=t("launch.not_linked"),
        status=error.status, text=t("launch.not_linked_text"), facts=[
            (t("launch.issuer"), error.issuer), (t("launch.id"), error.id),
        ], onward=SIGN_IN, label=t("sign_in.enter"),
    )  # fmt: skip


def _redirect(request: Request) -> str:
    return f"{public_base(request)}{BACK}"
