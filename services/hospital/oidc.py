"""Signing in by the hospital's own identity provider: OpenID Connect, code flow with PKCE.

`start` makes the address to send the browser to, `finish` turns the code that comes back into who
it is. The ID token's signature, issuer, audience, time and nonce are checked; a person none of
whose groups is mapped to a role is refused.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
from authlib.oauth2.rfc6749 import OAuth2Error  # type: ignore[import-untyped]
from authlib.oauth2.rfc6749.parameters import (  # type: ignore[import-untyped]
    parse_authorization_code_response,
    prepare_grant_uri,
    prepare_token_request,
)
from authlib.oauth2.rfc7636 import (  # type: ignore[import-untyped]
    create_s256_code_challenge,
)

from services.hospital.errors import ProviderError, SignInError
from services.hospital.id_token import Expected, is_strong, read_id_token, subject_of
from services.hospital.settings import HospitalSettings

SCOPE = "openid profile"
ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "EdDSA")
TIMEOUT_SECONDS = 10.0
ROLE_ORDER = ("privacy", "admin", "operator", "clinician")
"""Where somebody's groups map to several roles, the one that reads least of a chart counts."""


@dataclass(frozen=True)
class ProviderSettings:
    """What is agreed with the provider.

    Attributes:
        issuer: its address.
        client_id: ours, there.
        redirect: our address that it sends browsers back to.
        roles: role by group.
        client_secret: ours; None for a public client, which PKCE protects.
        claim: of the ID token, that holds the groups.
    """

    issuer: str
    client_id: str
    redirect: str
    roles: Mapping[str, str]
    client_secret: str | None = field(default=None, repr=False)
    claim: str = "groups"


@dataclass(frozen=True)
class Started:
    """A sign-in that was sent to the provider; all but ``url`` is kept until it comes back."""

    url: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True)
class Identity:
    """Who came back: ``subject`` is issuer and id there; ``strong`` if by more than a password."""

    subject: str
    name: str
    role: str
    strong: bool


class Provider:
    """One identity provider.

    Args:
        settings: what is agreed with it.
        transport: for tests.
    """

    def __init__(
        self, settings: ProviderSettings, transport: httpx.BaseTransport | None = None
    ) -> None:
        _require_tls(settings.issuer)
        self._settings, self._transport = settings, transport
        self._known: dict[str, Any] | None = None

    def start(self) -> Started:
        """Begin a sign-in.

        Raises:
            ProviderError: the provider does not answer, or is not who it should be.
        """
        state, nonce = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        verifier = secrets.token_urlsafe(48)
        url = prepare_grant_uri(
            self._described()["authorization_endpoint"],
            client_id=self._settings.client_id,
            response_type="code",
            redirect_uri=self._settings.redirect,
            scope=SCOPE,
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )
        return Started(url, state, nonce, verifier)

    def finish(self, started: Started, answer: Mapping[str, str]) -> Identity:
        """Turn what came back into who it is.

        Args:
            started: as it was kept.
            answer: the query of the address that the browser came back to.

        Raises:
            SignInError: it was refused, or does not belong to this sign-in.
            ProviderError: the provider does not answer.
        """
        issuer = answer.get("iss", self._settings.issuer)
        try:
            found = parse_authorization_code_response("?" + urlencode(answer), started.state)
        except OAuth2Error:
            raise SignInError("You could not be signed in.") from None
        if issuer != self._settings.issuer or not found["code"]:
            raise SignInError("You could not be signed in.")
        return self._identity(self._claims(self._token(started, found["code"]), started.nonce))

    def _token(self, started: Started, code: str) -> str:
        """The ID token that the provider gives for a code."""
        body = prepare_token_request(
            "authorization_code",
            redirect_uri=self._settings.redirect,
            code=code,
            code_verifier=started.verifier,
            client_id=self._settings.client_id,
        )
        secret = self._settings.client_secret
        auth = httpx.BasicAuth(self._settings.client_id, secret) if secret else None
        form = {"content-type": "application/x-www-form-urlencoded"}
        try:
            with self._client() as client:
                answer = client.post(
                    self._described()["token_endpoint"],
                    content=body,
                    headers=form,
                    auth=auth or httpx.USE_CLIENT_DEFAULT,
                )
            found = answer.json() if answer.is_success else {}
        except httpx.HTTPError:
            raise ProviderError("The identity provider does not answer.") from None
        except ValueError:
            found = {}
        return str(found.get("id_token", "")) if isinstance(found, dict) else ""

    def _claims(self, token: str, nonce: str) -> dict[str, Any]:
        """The checked claims of an ID token."""
        keys = self._get(self._described()["jwks_uri"])
        expected = Expected(self._settings.issuer, self._settings.client_id, nonce)
        return read_id_token(token, keys, expected, ALGORITHMS)

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        groups = claims.get(self._settings.claim, ())
        held = {self._settings.roles.get(str(g)) for g in groups} if _is_list(groups) else set()
        role = next((role for role in ROLE_ORDER if role in held), None)
        if role is None:
            raise SignInError("You could not be signed in.")
        return Identity(
            subject=subject_of(self._settings.issuer, claims["sub"]),
            name=str(claims.get("name") or claims.get("preferred_username") or "Staff")[:200],
            role=role,
            strong=is_strong(claims),
        )

    def _described(self) -> dict[str, Any]:
        """The provider's own description, asked for once."""
        if self._known is None:
            issuer = self._settings.issuer
            found = self._get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
            if found.get("issuer") != issuer or not all(found.get(name) for name in needed):
                raise ProviderError("The identity provider describes itself as another one.")
            for name in needed:
                _require_tls(str(found[name]))
            self._known = found
        return self._known

    def _get(self, url: str) -> dict[str, Any]:
        try:
            with self._client() as client:
                answer = client.get(url)
                answer.raise_for_status()
                body = answer.json()
        except (httpx.HTTPError, ValueError):
            raise ProviderError("The identity provider does not answer.") from None
        return body if isinstance(body, dict) else {}

    def _client(self) -> httpx.Client:
        return httpx.Client(transport=self._transport, timeout=TIMEOUT_SECONDS)


def provider_of(settings: HospitalSettings) -> Provider | None:
    """The provider of a hospital; None where people sign in with local passwords only.

    Raises:
        ProviderError: one is asked for and not described.
    """
    if settings.sign_in == "local":
        return None
    pairs = (pair.partition("=")[::2] for pair in settings.oidc_roles.split(",") if pair)
    roles = {group.strip(): role.strip() for group, role in pairs}
    if not settings.oidc_issuer or not roles or not set(roles.values()) <= set(ROLE_ORDER):
        raise ProviderError("The identity provider needs an issuer, and roles by group.")
    secret = settings.oidc_client_secret
    return Provider(
        ProviderSettings(
            issuer=settings.oidc_issuer,
            client_id=settings.oidc_client_id,
            redirect=settings.oidc_redirect,
            roles=roles,
            client_secret=secret.get_secret_value() if secret else None,
            claim=settings.oidc_claim,
        )
    )


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple)


def _require_tls(url: str) -> None:
    """Refuse an address that somebody on the way could answer for.

    Raises:
        ProviderError: it is neither TLS nor this machine.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
        raise ProviderError("The identity provider must be reached by https.")
