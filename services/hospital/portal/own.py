"""A person's own account: sessions, password, second factor, and what they opened lately."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from compliance.audit.entries import Entry
from services.hospital.accounts import SignedIn
from services.hospital.errors import AccountRefusedError, SignInError
from services.hospital.models import User
from services.hospital.passwords import SHORTEST_PASSWORD, WeakPasswordError
from services.hospital.people import People
from services.hospital.portal.access import (
    ACCOUNT,
    BROWSER_COOKIE,
    EVERYBODY,
    client_of,
    local,
)
from services.hospital.portal.pages import Portal, see
from services.hospital.portal.trail_words import told
from services.hospital.sessions import open_sessions

MAX_SECRET_CHARS = 300


Lately = Callable[[User], Sequence[Entry]]


def nothing_lately(_user: User) -> Sequence[Entry]:
    """Where there is no trail to read."""
    return ()


class OwnPages:
    """The pages of one's own account, for `portal_router`.

    Args:
        people: of the hospital.
        lately: what somebody opened lately, the newest first.
    """

    def __init__(self, people: People, lately: Lately = nothing_lately) -> None:
        self._people, self._lately = people, lately

    def __call__(self, pages: APIRouter, _api: APIRouter, portal: Portal) -> None:
        """Add them."""
        _account_pages(pages, portal, self._people, self._lately)
        _proof_pages(pages, portal, self._people)


def _account_pages(pages: APIRouter, portal: Portal, people: People, lately: Lately) -> None:
    gate = portal.gate

    def show(request: Request, who: SignedIn, *, refused: str = "", done: str = "") -> Response:
        t = portal.pages.translator(request)
        return portal.pages.render(
            request, "account", who, here=ACCOUNT, title=t("own.title"),
            status=422 if refused else 200, refused=refused, done=done, session=who.session,
            sessions=open_sessions(people.database, who.user.id), least=SHORTEST_PASSWORD,
            factor=people.factors.has(who.user), offered=people.factors.policy != "off",
            opened=[told(one, {}, t) for one in lately(who.user)],
        )  # fmt: skip

    @pages.get("/account")
    def account(request: Request, done: str = "") -> Response:
        """One's own account."""
        return show(request, gate.let(request, EVERYBODY), done=done[:20])

    @pages.post("/account/sign-out")
    def sign_out(request: Request, csrf: Annotated[str, Form()] = "") -> Response:
        """End every session but this one."""
        who = gate.let_change(request, csrf, EVERYBODY)
        people.end_others(who.user, keep=who.session, client=who.client)
        return see(f"{ACCOUNT}?done=others")

    @pages.post("/account/password")
    def password(
        request: Request,
        csrf: Annotated[str, Form()] = "",
        old: Annotated[str, Form()] = "",
        password: Annotated[str, Form()] = "",
        again: Annotated[str, Form()] = "",
    ) -> Response:
        """Take a new password for the old one; other sessions end, this one gets a new cookie."""
        who = gate.let_change(request, csrf, EVERYBODY)
        if password != again:
            return show(request, who, refused="again")
        try:
            cookie = request.cookies.get(BROWSER_COOKIE)
            name = who.user.username
            user = people.accounts.check(name, old, client=who.client, cookie=cookie)
            people.change_password(user, password, keep=who.session, client=who.client)
        except SignInError:
            return show(request, who, refused="old")
        except WeakPasswordError:
            return show(request, who, refused="weak")
        except AccountRefusedError:
            return show(request, who, refused="provider")
        response = see(f"{ACCOUNT}?done=password")
        # who has a second factor changes accounts by that alone (`_proof`)
        gate.open(request, response, user, "password", fresh=not people.factors.has(user))
        return response


def _proof_pages(pages: APIRouter, portal: Portal, people: People) -> None:
    gate, look = portal.gate, portal.pages

    def ask(request: Request, who: SignedIn, onward: str, *, wrong: bool = False) -> Response:
        t, factor = look.translator(request), people.factors.has(who.user)
        means = "code" if factor else "none" if who.user.subject else "password"
        return look.render(
            request, "prove", who, here=f"{ACCOUNT}/prove?next={onward}", title=t("prove.title"),
            status=401 if wrong else 200, onward=onward, means=means, wrong=wrong,
        )  # fmt: skip

    @pages.get("/account/prove")
    def prove(request: Request, next: str = "") -> Response:  # noqa: A002 - of the query
        """Ask again who somebody is, before accounts are changed."""
        who = gate.let(request, EVERYBODY)
        return ask(request, who, local(next, ACCOUNT))

    @pages.post("/account/prove")
    def proved(
        request: Request,
        csrf: Annotated[str, Form()] = "",
        secret: Annotated[str, Form()] = "",
        next: Annotated[str, Form()] = "",  # noqa: A002 - the name of the form field
    ) -> Response:
        """Take the code, or the password; the session goes on under a new cookie."""
        who = gate.let_change(request, csrf, EVERYBODY)
        onward = local(next, ACCOUNT)
        try:
            method = _proof(people, who.user, secret[:MAX_SECRET_CHARS], request)
        except SignInError:
            return ask(request, who, onward, wrong=True)
        response = see(onward)
        gate.open(request, response, who.user, method)
        return response


def _proof(people: People, user: User, secret: str, request: Request) -> str:
    """Look at a second proof; a wrong one counts like a wrong password.

    Raises:
        SignInError: it is wrong, or the account is locked.
    """
    accounts, client = people.accounts, client_of(request)
    cookie = request.cookies.get(BROWSER_COOKIE)
    if not people.factors.has(user):
        accounts.check(user.username, secret, client=client, cookie=cookie)
        return "again+password"
    accounts.admit("again+totp", client, user, cookie)
    means = people.factors.prove(user, secret)
    if means is None:
        accounts.count_failure(user, cookie)
        accounts.refuse(user, "again+totp", client)
    return f"again+{means}"
