"""Who may do what at the portal: session cookie, roles, and requests from other sites."""

from __future__ import annotations

import re
from dataclasses import replace

from fastapi import Request, Response

from services.hospital.accounts import LONGEST_SESSION, Accounts, SignedIn
from services.hospital.browsers import KNOWN_FOR
from services.hospital.errors import NotAllowedError
from services.hospital.models import User
from services.hospital.portal.errors import ForeignRequestError, NotSignedInError
from services.hospital.sessions import browser_of
from services.web.origin import is_foreign

COOKIE = "caretier_portal"
"""The session cookie; it is sent to ``/fhir`` and ``/v1`` too, so its path is the root."""

BROWSER_COOKIE = "caretier_browser"
"""By which an account knows a browser again (`services.hospital.browsers`); it opens nothing."""

HOME = "/portal/"
SYSTEM = "/portal/system"
NODES = f"{SYSTEM}/nodes"
NOTICES = "/portal/notices"
CHARTS = "/portal/patients"
REVIEWS = "/portal/reviews"
REQUESTS = "/portal/requests"
CONTRIBUTORS = "/portal/contributors"
SIGN_IN = "/portal/sign-in"
SECOND_FACTOR = "/portal/second-factor"
APPS = "/portal/apps"
AUTHORIZE = "/portal/authorize"
CLIENTS = "/portal/clients"
UPDATES = "/portal/updates"
KNOWLEDGE = "/portal/knowledge"
USERS = "/portal/users"
ACCOUNT = "/portal/account"
AUDIT = "/portal/audit"
WELCOME = "/portal/welcome"
PHRASES = "/portal/phrases"

READERS = frozenset({"clinician", "privacy"})
"""Roles that see the inbox and open a referral (each opening is audited)."""
WRITERS = frozenset({"clinician"})
"""Roles that save and sign."""
CHART_READERS = frozenset({"clinician"})
"""Roles that open a person's chart, as they may read the FHIR store (each opening is audited)."""
REVIEWERS = frozenset({"privacy"})
"""Roles that review emergency access."""
WATCHERS = frozenset({"clinician", "operator"})
"""Roles that see the system page, and what the models learn."""
OPERATORS = frozenset({"operator"})
"""Roles that see which programs are registered, and revoke them; that let model updates out."""
ADMINS = frozenset({"admin"})
"""Roles that look after accounts; they see no patient's data."""
EVERYBODY = READERS | WATCHERS | ADMINS
"""Whoever has an account."""

_LIST = "(?:show|state|urgency|waiting|overdue|reason|language|draft|sort|page)=[a-z0-9-]{1,40}"
_PERSON = "patients/[A-Za-z0-9][A-Za-z0-9.-]{0,63}"
_ADDRESSES = (
    rf"(?:\?{_LIST}(?:&{_LIST}){{0,10}})?",
    "system(?:/nodes|/queues|/rounds|/versions)?",
    "notices",
    "reviews",
    "contributors",
    r"requests(?:/[A-Za-z0-9][A-Za-z0-9.-]{0,63})?",
    "second-factor",
    "design",
    "launch/unknown",
    "apps",
    "clients",
    "authorize/[A-Za-z0-9_-]{43}",
    "(?:updates|knowledge)(?:/[0-9a-f-]{36})?",
    "users(?:/new|/[0-9a-f-]{36})?",
    r"account(?:/prove(?:\?next=/portal/(?:system/nodes|users/[0-9a-f-]{36}|requests(?:/[A-Za-z0-9.-]{1,64})?))?)?",
    r"audit(?:/(?:events/\d{1,12}|looks|person|whole))?(?:\?s=[A-Za-z0-9_-]{1,900})?",
    "referrals/[0-9a-f-]{36}(?:/versions)?",
    "phrases(?:/(?:starting-[a-z]{1,20}|[0-9a-f-]{36}))?",
    r"drafter/[A-Za-z0-9][A-Za-z0-9.@:_-]{0,200}",
    f"patients|{_PERSON}(?:/trends|/timeline|/documents|/ask)?",
    rf"{_PERSON}/resources/[A-Z][A-Za-z]{{1,63}}/[A-Za-z0-9.-]{{1,64}}",
)
"""Pages that a person may be brought back to after signing in or choosing a language, as patterns
below ``/portal/``."""
_LOCAL = re.compile(f"/portal/(?:{'|'.join(_ADDRESSES)})")


def local(target: str, otherwise: str = HOME) -> str:
    """The page to go on to: one of the portal's own addresses, else ``otherwise``."""
    return target if _LOCAL.fullmatch(target) else otherwise


def home_of(role: str) -> str:
    """The first page of a role."""
    if role in ADMINS:
        return USERS
    return HOME if role in READERS else SYSTEM


def same_site(request: Request) -> None:
    """Refuse a change that another site asked for (`services.web.origin`).

    Raises:
        ForeignRequestError: the browser says that it comes from elsewhere.
    """
    if is_foreign(request):
        raise ForeignRequestError("The request did not come from the portal's own page.")


def client_of(request: Request) -> str | None:
    """The network address that a request comes from."""
    return request.client.host if request.client else None


class Gate:
    """Opens, checks and ends sessions.

    Args:
        accounts: of the hospital.
        secure: whether cookies are for TLS only.
    """

    def __init__(self, accounts: Accounts, *, secure: bool) -> None:
        self._accounts, self.secure = accounts, secure

    def who(self, request: Request, *, touch: bool = True) -> SignedIn | None:
        """The person behind a request, or None; see `Accounts.signed_in`."""
        found = self._accounts.signed_in(request.cookies.get(COOKIE), touch=touch)
        return replace(found, client=client_of(request)) if found else None

    def let(self, request: Request, roles: frozenset[str], *, touch: bool = True) -> SignedIn:
        """The person behind a request that only reads.

        Args:
            request: that is answered.
            roles: that may.
            touch: False where a page asks by itself: no session is kept alive by that.

        Raises:
            NotSignedInError: there is no session.
            NotAllowedError: the role is none of ``roles``.
        """
        who = self.who(request, touch=touch)
        if who is None:
            raise NotSignedInError("Sign in first.")
        if who.user.role not in roles:
            raise NotAllowedError("Your role does not allow this.")
        return who

    def let_change(self, request: Request, token: str | None, roles: frozenset[str]) -> SignedIn:
        """The person behind a request that changes something.

        Raises:
            ForeignRequestError: another site sent it.
            NotSignedInError: there is no session.
            NotAllowedError: the token is not the session's, or the role is none of ``roles``.
        """
        same_site(request)
        who = self.who(request)
        if who is None:
            raise NotSignedInError("Sign in first.")
        who.check_csrf(token)
        if who.user.role not in roles:
            raise NotAllowedError("Your role does not allow this.")
        return who

    def open(
        self, request: Request, response: Response, user: User, method: str, *, fresh: bool = True
    ) -> SignedIn:
        """Open a session under a new id; the one that the browser came with ends.

        Args:
            request: of the last step of signing in.
            response: to it.
            user: who has proved who they are.
            method: how, ``password+totp`` for example.
            fresh: whether accounts may be changed by this proof.

        Raises:
            SignInError: the account was locked or disabled meanwhile.
            AuditError: it could not be written down.
        """
        browser = browser_of(request.headers.get("user-agent"))
        cookie = request.cookies.get(BROWSER_COOKIE)
        token = self._accounts.open_session(
            user, method, client=client_of(request), browser=browser, cookie=cookie, fresh=fresh
        )
        self._forget(request)
        response.set_cookie(
            BROWSER_COOKIE,
            self._accounts.browsers.remember(user.id, cookie),
            max_age=int(KNOWN_FOR.total_seconds()),
            path="/portal",
            httponly=True,
            secure=self.secure,
            samesite="strict",
        )
        response.set_cookie(
            COOKIE,
            token,
            max_age=int(LONGEST_SESSION.total_seconds()),
            path="/",
            httponly=True,
            secure=self.secure,
            samesite="strict",
        )
        who = self._accounts.signed_in(token)
        if who is None:
            raise NotSignedInError("The session could not be opened.")
        return who

    def close(self, request: Request, response: Response) -> None:
        """End the session and take its cookie away."""
        self._forget(request)
        response.delete_cookie(
            COOKIE, path="/", httponly=True, secure=self.secure, samesite="strict"
        )

    def _forget(self, request: Request) -> None:
        token = request.cookies.get(COOKIE)
        if token:
            self._accounts.sign_out(token)
