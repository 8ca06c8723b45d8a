"""Accounts as an administrator sees and changes them, and the page where a code is used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response

from compliance.errors import BadInputError
from services.hospital.accounts import ROLES, SignedIn
from services.hospital.audited import Caller
from services.hospital.errors import AccountRefusedError, CodeOverError, StaleProofError
from services.hospital.models import User
from services.hospital.passwords import SHORTEST_PASSWORD, WeakPasswordError
from services.hospital.people import CODE_LASTS, LONGEST_WHY, Named, People
from services.hospital.portal.access import ADMINS, USERS, WELCOME, client_of, same_site
from services.hospital.portal.pages import Portal, see
from services.hospital.portal.people_list import Filters, Line, as_csv, lines
from services.hospital.portal.texts import clean
from services.hospital.sessions import open_sessions

MAX_NAME_CHARS = 80
MAX_STAFF_CHARS = 400
MAX_CODE_CHARS = 80
_HEADERS = {"Cache-Control": "no-store"}


class PeoplePages:
    """The accounts' pages, for `portal_router`.

    Args:
        people: of the hospital.
    """

    def __init__(self, people: People) -> None:
        self._people = people

    def __call__(self, pages: APIRouter, _api: APIRouter, portal: Portal) -> None:
        """Add them."""
        desk = _Desk(portal, self._people)
        _list_pages(pages, desk)
        _making_pages(pages, desk)
        _account_pages(pages, desk)
        _changes(pages, desk)
        _welcome_pages(pages, portal, self._people)


class _Desk:
    """What the pages share."""

    def __init__(self, portal: Portal, people: People) -> None:
        self.portal, self.people = portal, people

    def let(self, request: Request, csrf: str) -> tuple[SignedIn, Caller]:
        """Let an administrator change accounts who proved a short while ago who they are.

        Raises:
            StaleProofError: that is longer ago.
            NotAllowedError, NotSignedInError, ForeignRequestError: as of `Gate.let_change`.
        """
        who = self.portal.gate.let_change(request, csrf, ADMINS)
        if not who.is_fresh():
            raise StaleProofError("Say again who you are.")
        return who, Caller.user(who.user.id, who.user.role, who.client)

    def lines(self, request: Request, filters: Filters) -> list[Line]:
        """The accounts that fit."""
        t = self.portal.pages.translator(request)
        found = lines(self.people.accounts.users(), self.people.factors.has, self.people.waiting())
        return [one for one in found if filters.fit(one, t)]

    def account(
        self, request: Request, who: SignedIn, user: User, *, refused: str = "", done: str = ""
    ) -> Response:
        """The page of one account."""
        t, people = self.portal.pages.translator(request), self.people
        (line,) = lines([user], people.factors.has, people.waiting())
        return self.portal.pages.render(
            request, "user", who, here=f"{USERS}/{user.id}", title=t("people.one_title"),
            current=USERS, status=409 if refused else 200, one=line, account=user,
            fresh=who.is_fresh(), own=user.id == who.user.id, roles=ROLES, most=LONGEST_WHY,
            sessions=open_sessions(people.database, user.id), refused=refused, done=done,
        )  # fmt: skip

    def code(self, request: Request, who: SignedIn, user: User, code: str) -> Response:
        """The page that shows a code, this once."""
        t = self.portal.pages.translator(request)
        return self.portal.pages.render(
            request, "user_code", who, here=f"{USERS}/{user.id}", title=t("people.code_title"),
            current=USERS, account=user, code=code, hours=int(CODE_LASTS.total_seconds() // 3600),
            address=f"{str(request.base_url).rstrip('/')}{WELCOME}",
        )  # fmt: skip


def _list_pages(pages: APIRouter, desk: _Desk) -> None:
    gate, look = desk.portal.gate, desk.portal.pages

    @pages.get("/users")
    def users(request: Request, q: str = "", role: str = "", state: str = "") -> Response:
        """Every account, or those that fit."""
        who = gate.let(request, ADMINS)
        filters = Filters.read(q, role, state)
        t, everybody = look.translator(request), len(desk.people.accounts.users())
        return look.render(
            request, "users", who, here=USERS, title=t("people.title"), filters=filters,
            rows=desk.lines(request, filters), total=everybody, roles=ROLES,
        )  # fmt: skip

    @pages.get("/users/export")
    def export(request: Request, q: str = "", role: str = "", state: str = "") -> Response:
        """The same list as a file; no secret stands in it."""
        who = gate.let(request, ADMINS)
        found = desk.lines(request, Filters.read(q, role, state))
        desk.people.listed(Caller.user(who.user.id, who.user.role, who.client), len(found))
        name = 'attachment; filename="caretier-accounts.csv"'
        return Response(
            as_csv(found), media_type="text/csv; charset=utf-8",
            headers=_HEADERS | {"Content-Disposition": name},
        )  # fmt: skip


def _making_pages(pages: APIRouter, desk: _Desk) -> None:
    look = desk.portal.pages

    def form(request: Request, who: SignedIn, refused: str = "", **typed: str) -> Response:
        t = look.translator(request)
        return look.render(
            request, "user_new", who, here=f"{USERS}/new", title=t("people.new_title"),
            current=USERS, status=422 if refused else 200, roles=ROLES, refused=refused,
            typed=typed, fresh=who.is_fresh(),
        )  # fmt: skip

    @pages.get("/users/new")
    def blank(request: Request) -> Response:
        """Ask for a name and a role."""
        return form(request, desk.portal.gate.let(request, ADMINS))

    @pages.post("/users")
    def make(  # noqa: PLR0917 - the fields of the form
        request: Request,
        csrf: Annotated[str, Form()] = "",
        username: Annotated[str, Form()] = "",
        name: Annotated[str, Form()] = "",
        role: Annotated[str, Form()] = "",
        acts_as: Annotated[str, Form()] = "",
    ) -> Response:
        """Make an account; show the code for its first password, this once."""
        who, by = desk.let(request, csrf)
        typed = {
            "username": clean(username[:MAX_NAME_CHARS]).strip(),
            "name": clean(name[:MAX_NAME_CHARS]).strip(),
            "role": role[:20],
            "acts_as": clean(acts_as[:MAX_STAFF_CHARS]),
        }
        named = Named(
            typed["username"], typed["name"] or typed["username"], typed["role"],
            typed["acts_as"].split(),
        )  # fmt: skip
        try:
            user, code = desk.people.add(named, by)
        except AccountRefusedError as error:
            return form(request, who, error.reason, **typed)
        except BadInputError:
            return form(request, who, "role" if role not in ROLES else "acts-as", **typed)
        return desk.code(request, who, user, code)


def _account_pages(pages: APIRouter, desk: _Desk) -> None:
    @pages.get("/users/{id_}")
    def user(request: Request, id_: str, done: str = "") -> Response:
        """One account."""
        who = desk.portal.gate.let(request, ADMINS)
        return desk.account(request, who, desk.people.accounts.user(id_[:36]), done=done[:20])

    @pages.post("/users/{id_}/code")
    def code(request: Request, id_: str, csrf: Annotated[str, Form()] = "") -> Response:
        """Make the password void, and show a code for a new one, this once."""
        who, by = desk.let(request, csrf)
        found = desk.people.accounts.user(id_[:36])
        try:
            return desk.code(request, who, found, desk.people.new_code(found.id, by))
        except AccountRefusedError as error:
            return desk.account(request, who, found, refused=error.reason)


def _changes(pages: APIRouter, desk: _Desk) -> None:
    people = desk.people

    def change(
        request: Request, id_: str, csrf: str, done: str, make: Callable[[str, Caller], Any]
    ) -> Response:
        """Make one change and go back to the account, or say why not."""
        who, by = desk.let(request, csrf)
        found = people.accounts.user(id_[:36])
        try:
            make(found.id, by)
        except AccountRefusedError as error:
            return desk.account(request, who, found, refused=error.reason)
        except BadInputError:
            return desk.account(request, who, found, refused="acts-as")
        return see(f"{USERS}/{found.id}?done={done}")

    @pages.post("/users/{id_}/role")
    def role(
        request: Request,
        id_: str,
        csrf: Annotated[str, Form()] = "",
        role: Annotated[str, Form()] = "",
        why: Annotated[str, Form()] = "",
    ) -> Response:
        """Give another role, for a reason."""
        said = clean(why[:LONGEST_WHY])
        return change(
            request, id_, csrf, "role", lambda one, by: people.set_role(one, role[:20], said, by)
        )

    @pages.post("/users/{id_}/acts-as")
    def acts_as(
        request: Request,
        id_: str,
        csrf: Annotated[str, Form()] = "",
        acts_as: Annotated[str, Form()] = "",
    ) -> Response:
        """Say what the account stands for in the record."""
        named = clean(acts_as[:MAX_STAFF_CHARS]).split()
        return change(
            request, id_, csrf, "acts-as", lambda one, by: people.set_acts_as(one, named, by)
        )

    acts: dict[str, Callable[[str, Caller], Any]] = {
        "disabled": lambda one, by: people.set_disabled(one, by, disabled=True),
        "enabled": lambda one, by: people.set_disabled(one, by, disabled=False),
        "sessions": people.end_sessions,
        "factor": people.reset_factor,
    }

    @pages.post("/users/{id_}/change")
    def act(
        request: Request,
        id_: str,
        csrf: Annotated[str, Form()] = "",
        act: Annotated[str, Form()] = "",
    ) -> Response:
        """Shut, open, sign out everywhere, or take the second factor away."""
        desk.let(request, csrf)  # first: who may not ask is told no more
        if act not in acts:
            raise BadInputError("There is no such change.")
        return change(request, id_, csrf, act, acts[act])


def _welcome_pages(pages: APIRouter, portal: Portal, people: People) -> None:
    look = portal.pages

    def form(request: Request, wrong: str = "", code: str = "") -> Response:
        t = look.translator(request)
        status = {"": 200, "code": 401}.get(wrong, 422)
        return look.render(
            request, "welcome", None, here=WELCOME, title=t("welcome.title"), status=status,
            wrong=wrong, code=code, least=SHORTEST_PASSWORD,
        )  # fmt: skip

    @pages.get("/welcome")
    def welcome(request: Request) -> Response:
        """Ask for a code and a password of one's own."""
        return form(request)

    @pages.post("/welcome")
    def choose(
        request: Request,
        code: Annotated[str, Form()] = "",
        password: Annotated[str, Form()] = "",
        again: Annotated[str, Form()] = "",
    ) -> Response:
        """Take a password; its owner then signs in with it."""
        same_site(request)
        typed = code[:MAX_CODE_CHARS]
        if password != again:
            return form(request, "again", typed)
        try:
            people.redeem(typed, password, client_of(request))
        except WeakPasswordError:
            return form(request, "weak", typed)
        except CodeOverError:
            return form(request, "code", typed)
        t = look.translator(request)
        return look.render(request, "welcome_done", None, here=WELCOME, title=t("welcome.done"))
