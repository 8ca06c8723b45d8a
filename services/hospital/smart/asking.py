"""What a token stands for, told to who may ask (RFC 7662), and its early end (RFC 7009)."""

from __future__ import annotations

from typing import Any

from services.hospital.smart.clients import INTROSPECT, Client
from services.hospital.smart.errors import OAuthError
from services.hospital.smart.grants import Grants
from services.hospital.smart.identity import practitioner_of
from services.hospital.smart.site import Site
from services.hospital.smart.tokens import Bearer, Tokens

UNKNOWN = {"active": False}


class Asking:
    """Answers for tokens.

    Args:
        tokens: of the hospital.
        grants: of which they were made.
    """

    def __init__(self, tokens: Tokens, grants: Grants) -> None:
        self._tokens, self._grants = tokens, grants

    def introspect(self, client: Client, token: str, site: Site) -> dict[str, Any]:
        """What a token stands for now; the same answer for any that is none of the client's.

        Args:
            client: that asks, and has proved who it is.
            token: as it was sent.
            site: that is asked.
        """
        bearer = self._tokens.find(token)
        mine = bearer is not None and bearer.client == client.id
        if bearer is None or not (mine or client.scopes.has(INTROSPECT)):
            return UNKNOWN
        return _described(bearer, site)

    def revoke(self, client: Client, token: str) -> None:
        """End a token of the client; with a refresh token ends all that it was made of.

        A token that is unknown, or over, is no error: it opens nothing.

        Raises:
            OAuthError: it is another client's.
        """
        family = self._tokens.family(token)
        bearer = self._tokens.find(token)
        owner = family[0] if family else bearer.client if bearer else client.id
        if owner != client.id:
            raise OAuthError("invalid_grant", "The token was given to another client.")
        if family is not None:
            self._grants.end(family[1])
        elif bearer is not None:
            self._tokens.forget(token)


def _described(bearer: Bearer, site: Site) -> dict[str, Any]:
    grant, user = bearer.grant, bearer.user
    told: dict[str, Any] = {
        "active": True,
        "scope": bearer.scopes.text,
        "client_id": bearer.client,
        "token_type": "Bearer" if bearer.kind == "access" else "refresh_token",
        "iss": site.base,
        "aud": bearer.audience,
        "sub": user.id if user else bearer.client,
        "iat": int(bearer.made.timestamp()),
        "exp": int(bearer.expires.timestamp()),
    }
    if grant is not None and grant.patient is not None:
        told["patient"] = grant.patient
    if grant is not None and grant.encounter is not None:
        told["encounter"] = grant.encounter
    entry = practitioner_of(user) if user else None
    if entry and bearer.scopes.has("fhirUser"):
        told["fhirUser"] = f"{site.fhir}/{entry}"
    return told
