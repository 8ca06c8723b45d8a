"""Who calls the token endpoint: a client with its key, its secret, or its name alone."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from urllib.parse import unquote_plus

from starlette.concurrency import run_in_threadpool

from services.hospital.smart.assertion import TYPE, Assertions
from services.hospital.smart.clients import Client, Clients
from services.hospital.smart.errors import OAuthError, UnprovedClientError
from services.hospital.smart.tokens import Tokens


class Authentication:
    """Tells which client sent a form.

    Args:
        clients: that are registered.
        assertions: takes proofs by key.
        tokens: that were given out.
    """

    def __init__(self, clients: Clients, assertions: Assertions, tokens: Tokens) -> None:
        self._clients, self._assertions, self._tokens = clients, assertions, tokens

    async def client(
        self, form: Mapping[str, str], authorization: str | None, audience: str
    ) -> Client:
        """The client that sent a form, by the one proof that it was registered with.

        A public client that refreshes need not name itself (RFC 6749, 6): its token does.

        Args:
            form: fields of the request.
            authorization: header of that name.
            audience: address of our token endpoint.

        Raises:
            OAuthError: it proves nothing, or more than one thing.
        """
        basic = _basic(authorization) if authorization else None
        means = [m for m in ("client_assertion", "client_secret") if m in form]
        if len(means) + (basic is not None) > 1:
            raise OAuthError("invalid_request", "Authenticate in one way.")
        if "client_assertion" in form:
            return await self._asserted(form, audience)
        named, secret = basic or await self._told(form)
        if form.get("client_id", named) != named:
            raise OAuthError("invalid_client", "client_id is not that of the header.")
        found = await run_in_threadpool(self._clients.find, named)
        if not _proves(found, secret):
            refusal = "The client is not authenticated."
            raise UnprovedClientError(refusal) if basic else OAuthError("invalid_client", refusal)
        assert found is not None  # noqa: S101 - it proves nothing then
        return found

    async def _asserted(self, form: Mapping[str, str], audience: str) -> Client:
        """The client that an assertion proves."""
        if form.get("client_assertion_type") != TYPE:
            raise OAuthError("invalid_client", f"client_assertion_type must be {TYPE}.")
        client = await self._assertions.client(form["client_assertion"], audience)
        if form.get("client_id", client.id) != client.id:
            raise OAuthError("invalid_client", "client_id is not that of the assertion.")
        return client

    async def _told(self, form: Mapping[str, str]) -> tuple[str, str | None]:
        """Name and secret in the form itself."""
        given = form.get("client_id", "")
        named = given or await run_in_threadpool(self._refreshing, form)
        return named, form.get("client_secret")

    def _refreshing(self, form: Mapping[str, str]) -> str:
        """Id of the client whose refresh token a form holds; empty when it holds none."""
        asks = form.get("grant_type") == "refresh_token"
        family = self._tokens.family(form.get("refresh_token", "")) if asks else None
        return family[0] if family else ""


def _proves(client: Client | None, secret: str | None) -> bool:
    """Whether a client was registered to prove itself so."""
    if client is None:
        return False
    if client.kind == "public":
        return not secret
    return client.kind == "symmetric" and client.has_secret(secret or "")


def _basic(header: str) -> tuple[str, str]:
    """Name and secret of a Basic header; both are form-encoded in it (RFC 6749, 2.3.1)."""
    kind, _, text = header.partition(" ")
    refusal = UnprovedClientError("Only a Basic header is taken here.")
    if kind.lower() != "basic":
        raise refusal
    try:
        plain = base64.b64decode(text.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise refusal from None
    name, _, secret = plain.partition(":")
    return unquote_plus(name), unquote_plus(secret)
