"""The steps of signing in: password or provider, then the second factor, then a session.

Between two steps the browser holds a cookie for what has begun (`services.hospital.pending`); it
opens nothing else. The second factor is set up under such a cookie too: after the password, whether
the policy asks for it or the person does.
"""

from __future__ import annotations

from typing import Annotated, NoReturn

from fastapi import APIRouter, Form, Request, Response

from compliance.access import totp
from services.hospital.accounts import Accounts
from services.hospital.audited import Caller
from services.hospital.errors import NotAllowedError, SignInError
from services.hospital.factors import Factors
from services.hospital.launching import Launching
from services.hospital.models import User
from services.hospital.oidc import Provider, Started
from services.hospital.pending import LASTS, Kind, Pending, PendingSignIns
from services.hospital.portal.access import (
    BROWSER_COOKIE,
    EVERYBODY,
    HOME,
    SECOND_FACTOR,
    SIGN_IN,
    Gate,
    client_of,
    home_of,
    local,
    same_site,
)
from services.hospital.portal.errors import NotSignedInError
from services.hospital.portal.pages import Portal, see

PENDING_COOKIE = "caretier_pending"
PROVIDER_COOKIE = "caretier_provider"
ENROL = f"{SECOND_FACTOR}/enrol"
MAX_CODE_CHARS = 64


class SignInSteps:
    """What signing in takes at this hospital.

    Args:
        accounts: people and sessions.
        factors: second factors; none are asked for where None.
        pending: sign-ins that have begun; needed with either of the others.
        provider: the identity provider, if people may sign in there.
        local: whether local passwords are taken.
        issuer: name of the hospital, as authenticators show it.
        launching: takes people who come from an EHR's chart, if they may; needs ``pending``.
    """

    gate: Gate

    def __init__(
        self,
        accounts: Accounts,
        *,
        factors: Factors | None = None,
        pending: PendingSignIns | None = None,
        provider: Provider | None = None,
        local: bool = True,
        issuer: str = "Caretier",
        launching: Launching | None = None,
    ) -> None:
        self.accounts, self.factors, self._pending = accounts, factors, pending
        self.provider, self._local, self.issuer = provider, local, issuer
        self.launching = launching

    @property
    def methods(self) -> tuple[str, ...]:
        """What the sign-in page offers."""
        return (*(("password",) if self._local else ()), *(("provider",) if self.provider else ()))

    @property
    def pending(self) -> PendingSignIns:
        """Where sign-ins that have begun are kept."""
        if self._pending is None:
            raise NotAllowedError("This hospital asks for a password alone.")
        return self._pending

    def password(self, request: Request, username: str, password: str, onward: str) -> Response:
        """Take a name and password, and go on.

        Raises:
            SignInError: one sentence for every cause.
            NotAllowedError: people sign in at the provider only.
        """
        if not self._local:
            raise NotAllowedError("Sign in at the identity provider.")
        user = self.accounts.check(
            username,
            password,
            client=client_of(request),
            cookie=request.cookies.get(BROWSER_COOKIE),
        )
        return self.proved(request, user, "password", onward)

    def proved(self, request: Request, user: User, method: str, onward: str) -> Response:
        """Go on with somebody whose first proof was good: to the next step, or in."""
        step = self.factors.step(user) if self.factors else None
        if step is None:
            return self.enter(request, user, method, onward)
        response = see(ENROL if step == "enrol" else SECOND_FACTOR)
        self.hold(response, step, user, method=method, onward=onward)
        return response

    def enter(self, request: Request, user: User, method: str, onward: str) -> Response:
        """Open the session and go on to the page that was asked for."""
        response = see(onward or home_of(user.role))
        self.gate.open(request, response, user, method)
        self.drop(response)
        return response

    def hold(self, response: Response, kind: Kind, user: User, **data: str) -> None:
        """Give the browser the cookie of a sign-in that has begun.

        Whoever sets up a second factor is shown a secret that nobody was shown before.
        """
        if kind == "enrol" and self.factors is not None:
            self.factors.forget_begun(user)
        response.set_cookie(
            PENDING_COOKIE,
            self.pending.begin(kind, user.id, **data),
            max_age=int(LASTS.total_seconds()),
            path="/portal",
            httponly=True,
            secure=self.gate.secure,
            samesite="strict",
        )

    def drop(self, response: Response) -> None:
        """Take that cookie away."""
        response.delete_cookie(
            PENDING_COOKIE,
            path="/portal",
            httponly=True,
            secure=self.gate.secure,
            samesite="strict",
        )

    def begun(self, request: Request, kind: Kind) -> tuple[Pending, User] | None:
        """The sign-in that this browser has begun, and whose it is."""
        if self._pending is None:
            return None
        found = self._pending.find(request.cookies.get(PENDING_COOKIE), kind)
        if found is None or found.user is None:
            return None
        return found, self.accounts.user(found.user)

    def wrong(self, request: Request, user: User) -> NoReturn:
        """Count a wrong code like a wrong password.

        Raises:
            SignInError: always.
        """
        self.accounts.count_failure(user, request.cookies.get(BROWSER_COOKIE))
        self.accounts.refuse(user, "totp", client_of(request))


def sign_in_pages(router: APIRouter, portal: Portal, steps: SignInSteps) -> None:
    """Add the pages of the second factor and of the identity provider, where there are any."""
    if steps.factors is not None:
        _code_pages(router, portal, steps, steps.factors)
        _enrol_pages(router, portal, steps, steps.factors)
    if steps.provider is not None:
        _provider_pages(router, portal, steps, steps.provider)


def _code_pages(router: APIRouter, portal: Portal, steps: SignInSteps, factors: Factors) -> None:
    pages = portal.pages

    def ask(request: Request, error: SignInError | None = None) -> Response:
        t = pages.translator(request)
        return pages.render(
            request, "factor_code", None, here=SECOND_FACTOR, title=t("factor.title"),
            status=error.status if error else 200, trouble=bool(error),
        )  # fmt: skip

    @router.get("/second-factor")
    def second_factor(request: Request) -> Response:
        """Ask for a code; to somebody who is in, show whether there is a second factor."""
        if steps.begun(request, "code") is not None:
            return ask(request)
        who = portal.gate.let(request, EVERYBODY)
        t = pages.translator(request)
        return pages.render(
            request, "factor", who, here=SECOND_FACTOR, title=t("factor.title"),
            has=factors.has(who.user), left=factors.left(who.user),
            offered=factors.policy != "off",
        )  # fmt: skip

    @router.post("/second-factor")
    def prove(request: Request, code: Annotated[str, Form()] = "") -> Response:
        """Take a code, and open the session."""
        same_site(request)
        found = steps.begun(request, "code")
        if found is None:
            raise NotSignedInError("Sign in first.")
        pending, user = found
        try:
            cookie = request.cookies.get(BROWSER_COOKIE)
            steps.accounts.admit("totp", client_of(request), user, cookie)
            means = factors.prove(user, code[:MAX_CODE_CHARS])
            if means is None:
                steps.wrong(request, user)
        except SignInError as error:
            return ask(request, error)
        steps.pending.end(pending)
        method = f"{pending.data['method']}+{means}"
        return steps.enter(request, user, method, local(pending.data["onward"], ""))


def _enrol_pages(router: APIRouter, portal: Portal, steps: SignInSteps, factors: Factors) -> None:
    pages = portal.pages

    def show(request: Request, user: User, *, wrong: bool = False) -> Response:
        t, secret = pages.translator(request), factors.begin(user)
        return pages.render(
            request, "factor_enrol", portal.gate.who(request), here=ENROL,
            title=t("factor.enrol_title"), status=401 if wrong else 200, wrong=wrong,
            onward=SECOND_FACTOR, secret=totp.shown(secret),
            address=totp.key_uri(secret, user.username, steps.issuer),
        )  # fmt: skip

    @router.post("/second-factor/start")
    def start(
        request: Request, csrf: Annotated[str, Form()] = "", password: Annotated[str, Form()] = ""
    ) -> Response:
        """Begin to set one up: the password is asked for again."""
        who = portal.gate.let_change(request, csrf, EVERYBODY)
        if factors.policy == "off":
            raise NotAllowedError("This hospital does not offer a second factor.")
        user = steps.accounts.check(
            who.user.username,
            password,
            client=client_of(request),
            cookie=request.cookies.get(BROWSER_COOKIE),
        )
        response = see(ENROL)
        steps.hold(response, "enrol", user, method="", onward=HOME)
        return response

    @router.get("/second-factor/enrol")
    def enrol(request: Request) -> Response:
        """Show the secret."""
        found = steps.begun(request, "enrol")
        return see(SIGN_IN) if found is None else show(request, found[1])

    @router.post("/second-factor/enrol")
    def confirm(request: Request, code: Annotated[str, Form()] = "") -> Response:
        """Take a first code; show the recovery codes, this once."""
        same_site(request)
        found = steps.begun(request, "enrol")
        if found is None:
            raise NotSignedInError("Sign in first.")
        pending, user = found
        by = Caller.user(user.id, user.role, client_of(request))
        codes = factors.confirm(user, code[:MAX_CODE_CHARS], by)
        if codes is None:
            return show(request, user, wrong=True)
        steps.pending.end(pending)
        t = pages.translator(request)
        onward = local(pending.data["onward"], "") or home_of(user.role)
        response = pages.render(
            request, "factor_codes", None, here=ENROL, title=t("factor.codes_title"),
            codes=codes, onward=onward,
        )  # fmt: skip
        if pending.data["method"]:
            portal.gate.open(request, response, user, f"{pending.data['method']}+totp")
        steps.drop(response)
        return response


def _provider_pages(
    router: APIRouter, portal: Portal, steps: SignInSteps, provider: Provider
) -> None:
    @router.get("/provider")
    def leave(next: str = HOME) -> Response:  # noqa: A002 - of the query
        """Send the browser to the identity provider."""
        started = provider.start()
        token = steps.pending.begin(
            "provider",
            None,
            state=started.state,
            nonce=started.nonce,
            verifier=started.verifier,
            onward=local(next, ""),
        )
        response = see(started.url)
        response.set_cookie(
            PROVIDER_COOKIE,
            token,
            max_age=int(LASTS.total_seconds()),
            path="/portal/provider",
            httponly=True,
            secure=portal.gate.secure,
            samesite="lax",  # it has to come back from the provider's own site
        )
        return response

    @router.get("/provider/back")
    def back(request: Request) -> Response:
        """Take what the provider says of somebody, and go on."""
        found = steps.pending.find(request.cookies.get(PROVIDER_COOKIE), "provider")
        if found is None or not steps.pending.end(found):
            raise NotSignedInError("Sign in first.")
        data = found.data
        started = Started("", data["state"], data["nonce"], data["verifier"])
        try:
            who = provider.finish(started, dict(request.query_params))
        except SignInError:
            steps.accounts.refuse(None, "oidc", client_of(request))
        user = steps.accounts.from_provider(who.subject, who.name, who.role)  # type: ignore[arg-type]
        if who.strong:
            done = steps.enter(request, user, "oidc+mfa", data["onward"])
        else:
            done = steps.proved(request, user, "oidc", data["onward"])
        return land(portal, request, done)


def land(portal: Portal, request: Request, done: Response) -> Response:
    """Go on from a page of our own: a strict cookie is not sent on a way that began elsewhere."""
    onward = done.headers["location"]
    t = portal.pages.translator(request)
    page = portal.pages.render(
        request, "landed", None, here=SIGN_IN, title=t("sign_in.title"), onward=onward
    )
    page.headers["refresh"] = f"0; url={onward}"
    for name, value in done.raw_headers:
        if name == b"set-cookie":
            page.raw_headers.append((name, value))
    return page
