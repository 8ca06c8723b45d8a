"""The first day, and everybody who follows: pages that make a person, and the list of people.

    what stays and what can leave → who → recovery code → choices → record (optional) → ask

The first two need no session, and only the first person of a device may go through them without
one (`patient_app.newcomers`); from the moment the vault is there, the pages are behind its session.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel

from patient_app import recovering
from patient_app.errors import ForeignRequestError
from patient_app.newcomers import MAX_PEOPLE, Newcomer, UnfitError, check_passphrase
from patient_app.pages import Pages
from patient_app.sessions import Session, Sessions
from patient_app.unlocking import MAX_PASSPHRASE_CHARS, require_own_page
from services.web.i18n import LANGUAGES, negotiate

STEPS = ("stays", "you", "recovery", "choices", "bring")
WORDS = ("frame", "problem", "shell", "start", "strength", "record", "recovery")
NO_STORE = {"Cache-Control": "no-store"}
_COUNTRY = re.compile(r"[A-Z]{2}")


def onward(address: str) -> RedirectResponse:
    """Go on to a page of ours."""
    return RedirectResponse(address, 303, headers=NO_STORE)


def require_token(session: Session, csrf: str) -> None:
    """Refuse a form without the token of its session.

    Raises:
        ForeignRequestError: it is another one or none.
    """
    if not hmac.compare_digest(csrf.encode(), session.csrf.encode()):
        raise ForeignRequestError("The form lacks the token of this session.")


@dataclass(frozen=True)
class Written:
    """What a newcomer's form says; the passphrase is in no page that is sent back."""

    label: str = ""
    born: str = ""
    carer: bool = False
    language: str = "en"


class NewcomerForm(BaseModel):
    """The fields of a newcomer's form."""

    label: str = ""
    born: str = ""
    carer: str = ""
    language: str = "en"
    passphrase: str = ""
    again: str = ""
    csrf: str = ""

    def written(self) -> Written:
        """What may stand in the page again."""
        language = negotiate(self.language)
        return Written(self.label[:200], self.born[:20], self.carer == "yes", language)


class Onboarding:
    """Renders the steps."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions, self._pages = sessions, Pages(sessions)

    def step(
        self,
        request: Request,
        name: str,
        language: str,
        *,
        session: Session | None = None,
        status: int = 200,
        **context: object,
    ) -> Response:
        """One step, with its place among the others."""
        t = self._pages.catalogue.translator(negotiate(language))
        shared = {
            "title": t(f"start.{name}_title"),
            "steps": [(one, t(f"start.step_{one}")) for one in STEPS],
            "step": name,
            "languages": LANGUAGES,
            "csrf": session.csrf if session else "",
            "person": session.person_label if session else "",
            "person_id": session.person_id if session else "",
            "signin": "/unlock?next=/",
            "strings": self._pages.catalogue.as_json(negotiate(language), *WORDS),
        }
        return self._pages.render(request, f"start_{name}", language, status, **(shared | context))

    def who(
        self, request: Request, written: Written, reason: str = "", status: int = 200
    ) -> Response:
        """The form of a newcomer; ``reason``: why it was not taken."""
        return self.step(
            request,
            "you",
            written.language,
            session=self.sessions.current(request),
            status=status,
            written=written,
            reason=reason,
            full=len(self.sessions.people()) >= MAX_PEOPLE,
        )

    def family(self, request: Request, session: Session) -> Response:
        """Everybody on this device."""
        people: Sequence[object] = [
            {"id": one.id, "label": one.label, "here": one.id == session.person_id}
            for one in self.sessions.people()
        ]
        carer = bool(session.member.profile["carer"])
        room = len(people) < MAX_PEOPLE
        return self._pages.inside(
            request, "/family", "family", people=people, carer=carer, room=room, most=MAX_PEOPLE
        )

    def code(self, request: Request, session: Session) -> Response:
        """The recovery code: made, made anew, taken away."""
        return self._pages.inside(
            request, "/recovery", "recovery", place="/settings", **_code_of(session)
        )


def _code_of(session: Session) -> dict[str, Any]:
    """What the form of a recovery code depends on."""
    member = session.member
    passphrase = recovering.needs_passphrase(member, first=session.first)
    return {"made": recovering.made(member), "passphrase": passphrase}


def _language(request: Request, lang: str | None, session: Session | None) -> str:
    fallback = session.language if session else request.headers.get("accept-language")
    return negotiate(lang or fallback)


def onboarding_router(sessions: Sessions) -> APIRouter:
    """Routes of the first day and of the people."""
    api = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    pages = Onboarding(sessions)
    _before(api, pages, sessions)
    _after(api, pages, sessions)
    _people(api, pages, sessions)
    return api


def _before(api: APIRouter, pages: Onboarding, sessions: Sessions) -> None:
    """The steps up to the vault."""

    @api.get("/start")
    def stays(request: Request, lang: Annotated[str | None, Query()] = None) -> Response:
        """What stays here and what can leave."""
        session = sessions.current(request)
        if not sessions.may_add(request):
            return onward("/unlock")
        return pages.step(request, "stays", _language(request, lang, session), session=session)

    @api.get("/start/you")
    def who(request: Request, lang: Annotated[str | None, Query()] = None) -> Response:
        """Who the person is, and their passphrase."""
        if not sessions.may_add(request):
            return onward("/unlock")
        language = _language(request, lang, sessions.current(request))
        return pages.who(request, Written(language=language))

    @api.post("/start/you")
    def make(request: Request, form: Annotated[NewcomerForm, Form()]) -> Response:
        """Make the vault and go on; or show the form again and say why not."""
        require_own_page(request)
        session = sessions.current(request)
        if session is not None:
            require_token(session, form.csrf)
        written = form.written()
        response = onward("/start/recovery")
        try:
            newcomer = Newcomer.read(
                written.label,
                written.language,
                written.born,
                carer=written.carer,
                today=datetime.now(UTC).date(),
            )
            given = form.passphrase[:MAX_PASSPHRASE_CHARS]
            check_passphrase(given, form.again[:MAX_PASSPHRASE_CHARS], newcomer.label)
            sessions.add(request, response, newcomer, given)
        except UnfitError as error:
            return pages.who(request, written, error.reason, error.status)
        return response


def _after(api: APIRouter, pages: Onboarding, sessions: Sessions) -> None:
    """The steps behind the session of the new person."""

    def page(request: Request, name: str) -> Response:
        session = sessions.current(request)
        if session is None:
            return onward("/unlock")
        profile = session.member.profile
        code = _code_of(session)
        return pages.step(request, name, session.language, session=session, profile=profile, **code)

    @api.get("/start/recovery")
    def recovery(request: Request) -> Response:
        """The code that opens the record when the passphrase is forgotten."""
        return page(request, "recovery")

    @api.get("/start/choices")
    def choices(request: Request) -> Response:
        """Where the person lives, and whether anything may leave."""
        return page(request, "choices")

    @api.post("/start/choices")
    def choose(
        request: Request,
        country: Annotated[str, Form()] = "",
        local_only: Annotated[str, Form()] = "",
        csrf: Annotated[str, Form()] = "",
    ) -> Response:
        """Keep the choices and go on."""
        require_own_page(request)
        session = sessions.current(request)
        if session is None:
            return onward("/unlock")
        require_token(session, csrf)
        chosen = {"country": country} if _COUNTRY.fullmatch(country) else {}
        session.member.set_profile({**chosen, "local_only": local_only == "yes"})
        return onward("/start/bring")

    @api.get("/start/bring")
    def bring(request: Request) -> Response:
        """Bring a record in, or not yet."""
        return page(request, "bring")


def _people(api: APIRouter, pages: Onboarding, sessions: Sessions) -> None:
    """The list of people, changing over to another, and the way back into one's own record."""

    @api.get("/family")
    def family(request: Request) -> Response:
        """Everybody on this device."""
        session = sessions.current(request)
        return pages.family(request, session) if session else onward("/unlock?next=/family")

    @api.get("/recovery")
    def code(request: Request) -> Response:
        """The recovery code of the open record."""
        session = sessions.current(request)
        return pages.code(request, session) if session else onward("/unlock?next=/recovery")

    @api.post("/recovery/later")
    def later(request: Request, csrf: Annotated[str, Form()] = "") -> Response:
        """Ask no more for a recovery code."""
        session = sessions.current(request)
        if session is None:
            return onward("/unlock")
        require_token(session, csrf)
        recovering.reminded(session.member)
        return onward("/")

    @api.post("/switch")
    def switch(
        request: Request,
        person: Annotated[str, Form()] = "",
        csrf: Annotated[str, Form()] = "",
    ) -> Response:
        """Close the open record, then ask for the other's passphrase."""
        require_own_page(request)
        session = sessions.current(request)
        known = {one.id for one in sessions.people()}
        response = onward(f"/unlock?person={person}" if person in known else "/unlock")
        if session is not None:
            require_token(session, csrf)
            sessions.lock(request, response)
        return response
