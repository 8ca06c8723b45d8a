"""Tokens: each call between tiers is signed by the caller over method, path and body.

A token is a JWT (EdDSA) that lives a minute and is taken once: ``iss`` the caller's fingerprint,
``aud`` the callee's, ``htm``, ``htu`` and ``bsha`` what it is for. Nothing shared, nothing to steal
from a log.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from compliance.sealing import IdentityKey, IdentityPublic
from services.exchange.errors import NotAuthenticatedError

LIFETIME = timedelta(seconds=60)
LEEWAY = timedelta(seconds=60)
"""How far two nodes' clocks may differ."""
_FINGERPRINT = re.compile(r"[A-Z2-7a-z]{16}")
_TOKEN_ID = re.compile(r"[\x21-\x7e]{1,64}")
_UNREADABLE = (jwt.InvalidTokenError, RecursionError, ValueError, OverflowError)
"""What PyJWT raises for a token, and what the JSON within a hostile one makes it raise."""


class ReplayGuard(Protocol):
    """Remembers token ids until they expire."""

    def first_use(self, token_id: str, expires: datetime) -> bool:
        """Return True the first time, False ever after."""
        ...


def _encoded(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def sign_call(key: IdentityKey, *, audience: str, method: str, path: str, body: bytes) -> str:
    """Return the token for one call; ``path`` is without query and host."""
    now = datetime.now(UTC)
    claims = {
        "iss": key.public.fingerprint,
        "aud": audience,
        "iat": now,
        "exp": now + LIFETIME,
        "jti": secrets.token_urlsafe(16),
        "htm": method.upper(),
        "htu": path,
        "bsha": _encoded(hashlib.sha256(body).digest()),
    }
    return jwt.encode(claims, Ed25519PrivateKey.from_private_bytes(key.to_bytes()), "EdDSA")


class CallVerifier:
    """Checks tokens of calls to one node.

    Args:
        audience: the fingerprint of this node.
        lookup: the public identity of an enrolled, not revoked node by fingerprint, or None.
        guard: refuses a token that was used before.
    """

    def __init__(
        self, audience: str, lookup: Callable[[str], IdentityPublic | None], guard: ReplayGuard
    ) -> None:
        self._audience, self._lookup, self._guard = audience, lookup, guard

    def verify(self, token: str, *, method: str, path: str, body: bytes) -> str:
        """Return the caller's fingerprint.

        Raises:
            NotAuthenticatedError: one sentence for every cause, so that a caller learns nothing.
        """
        return self.confirm(self.open(token, method=method, path=path), body)

    def open(self, token: str, *, method: str, path: str) -> dict[str, Any]:
        """Return the claims of a token that an enrolled node signed for this address.

        This is to be done before the body is read, so that a stranger's body is never held;
        nothing is done for the call before `confirm`.

        Raises:
            NotAuthenticatedError: see `verify`.
        """
        caller = self._claimed(token)
        public = self._lookup(caller)
        if public is None:
            raise _refused()
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                Ed25519PublicKey.from_public_bytes(public.to_bytes()),
                algorithms=["EdDSA"],
                audience=self._audience,
                leeway=LEEWAY,
                options={"require": ["iss", "aud", "iat", "exp", "jti", "htm", "htu", "bsha"]},
            )
        except _UNREADABLE:
            raise _refused() from None
        latest = datetime.now(UTC) + LIFETIME + LEEWAY
        same = claims["htm"] == method.upper() and claims["htu"] == path
        if not same or claims["exp"] > latest.timestamp():
            raise _refused()
        if not _TOKEN_ID.fullmatch(claims["jti"]):
            raise _refused()
        return claims

    def confirm(self, claims: dict[str, Any], body: bytes) -> str:
        """Return the caller of claims from `open` whose body is the signed one; once only.

        Raises:
            NotAuthenticatedError: see `verify`.
        """
        return self.settle(claims, hashlib.sha256(body).digest())

    def settle(self, claims: dict[str, Any], digest: bytes) -> str:
        """As `confirm`, by the SHA-256 of a body that went elsewhere while it was read.

        Raises:
            NotAuthenticatedError: see `verify`.
        """
        if claims["bsha"] != _encoded(digest):
            raise _refused()
        expires = datetime.fromtimestamp(claims["exp"], UTC)
        if not self._guard.first_use(claims["jti"], expires + LEEWAY):
            raise _refused()
        return str(claims["iss"])

    @staticmethod
    def _claimed(token: str) -> str:
        """Who the token says it is from; nothing else of it is believed before it is verified."""
        try:
            issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
        except _UNREADABLE:
            raise _refused() from None
        if not isinstance(issuer, str) or not _FINGERPRINT.fullmatch(issuer):
            raise _refused()
        return issuer


def _refused() -> NotAuthenticatedError:
    return NotAuthenticatedError("The call was not made by a node that is enrolled here.")
