"""Access tokens: where they come from, and that they are new enough.

A client asks its `TokenSource` before every call, and once more with ``fresh=True`` when the server
says 401. Programs of a hospital use `BackendTokens` (SMART Backend Services), a person's device the
`GrantTokens` of what the person allowed (see `services.fhir.client.launch`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol

from services.fhir.client.errors import FhirSignInError
from services.fhir.client.grants import Grant, ask_token
from services.fhir.client.keys import ClientKey
from services.fhir.client.settings import Connects

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class TokenSource(Protocol):
    """Gives access tokens."""

    async def token(self, *, fresh: bool = False) -> str | None:
        """A token that is good now; None where the server asks for none.

        Args:
            fresh: the last one was refused, so get another.

        Raises:
            FhirSignInError: there is none to be had.
            FhirAwayError: whoever gives them does not answer.
        """
        ...


class FixedToken:
    """A token that somebody made by hand; None for a server that asks for none."""

    def __init__(self, token: str | None = None) -> None:
        self._token = token

    async def token(self, *, fresh: bool = False) -> str | None:  # noqa: ARG002 - there is one
        """The token."""
        return self._token


class _Held:
    """A grant that is renewed when it ends; one caller renews while the others wait."""

    def __init__(self, renew: Callable[[], Awaitable[Grant]], grant: Grant | None = None) -> None:
        self._renew, self.grant = renew, grant
        self._lock = asyncio.Lock()

    async def token(self, *, fresh: bool = False) -> str | None:
        refused = self.grant if fresh else None
        async with self._lock:
            if self.grant is None or self.grant is refused or not self.grant.good:
                self.grant = await self._renew()
            return self.grant.access


class BackendTokens:
    """Tokens of SMART Backend Services: the program signs who it is.

    Args:
        connects: makes HTTP clients.
        client_id: as registered.
        key: whose public half the server knows.
        token_url: token endpoint.
        scope: what is asked for.
    """

    def __init__(
        self, connects: Connects, *, client_id: str, key: ClientKey, token_url: str, scope: str
    ) -> None:
        self._connects, self._client_id, self._key = connects, client_id, key
        self._url, self._scope = token_url, scope
        self._held = _Held(self._ask)

    async def token(self, *, fresh: bool = False) -> str | None:
        """See `TokenSource`."""
        return await self._held.token(fresh=fresh)

    async def _ask(self) -> Grant:
        form = {
            "grant_type": "client_credentials",
            "scope": self._scope,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._key.assertion(self._client_id, self._url),
        }
        return await ask_token(self._connects, self._url, form)


class GrantTokens:
    """Tokens of what a person allowed, renewed by refresh token for as long as there is one.

    Args:
        connects: makes HTTP clients.
        grant: from `services.fhir.client.launch`, or as it was kept.
        client_id: as registered.
        token_url: token endpoint.
        secret: of a confidential client; None for a public one.
        keep: called with every new grant before it is used: the former refresh token may be void.
    """

    def __init__(
        self,
        connects: Connects,
        grant: Grant,
        *,
        client_id: str,
        token_url: str,
        secret: str | None = None,
        keep: Callable[[Grant], Awaitable[None]] | None = None,
    ) -> None:
        self._connects, self._client_id, self._url = connects, client_id, token_url
        self._secret, self._keep = secret, keep
        self._held = _Held(self._renew, grant)

    @property
    def grant(self) -> Grant | None:
        """The grant in use."""
        return self._held.grant

    async def token(self, *, fresh: bool = False) -> str | None:
        """See `TokenSource`; without a refresh token the person must allow it anew."""
        return await self._held.token(fresh=fresh)

    async def _renew(self) -> Grant:
        former = self._held.grant
        if former is None or former.refresh is None:
            raise FhirSignInError(
                "What was allowed is over.", remedy="Connect to the record once more."
            )
        form = {"grant_type": "refresh_token", "refresh_token": former.refresh}
        auth = (self._client_id, self._secret) if self._secret else None
        if auth is None:
            form["client_id"] = self._client_id
        found = await ask_token(self._connects, self._url, form, auth=auth)
        kept = replace(
            found,
            refresh=found.refresh or former.refresh,
            patient=found.patient or former.patient,
            scope=found.scope or former.scope,
        )
        if self._keep is not None:
            await self._keep(kept)
        return kept
