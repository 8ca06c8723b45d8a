"""Who calls: the JWT of an EHR, verified as "Trusting CDS Clients" of CDS Hooks 2.0 asks.

A token is signed (RS384 or ES384) by a key of the EHR's own set, for one endpoint, for at most five
minutes, and is taken once. The set is fetched from the address that an operator registered; a
``jku`` in the token must be that very address, and no other one is ever called for it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from services.fhir.cds.errors import CdsUntrustedError
from services.fhir.cds.keysets import KeySets

LIFETIME = timedelta(minutes=5)
LEEWAY = timedelta(seconds=30)
"""How far the clocks may differ."""
MAX_TOKEN_CHARS = 8192
MIN_RSA_BITS = 2048
_KINDS = {"RS384": "RSA", "ES384": "EC"}
_ID = re.compile(r"[\x21-\x7e]{8,255}")
_UNREADABLE = (jwt.PyJWTError, RecursionError, ValueError, TypeError, OverflowError, KeyError)
"""What PyJWT and the JSON within a hostile token raise."""


@dataclass(frozen=True)
class TrustedEhr:
    """An EHR that an operator registered.

    Attributes:
        id: ours, short.
        issuer: ``iss`` of its tokens.
        jwks_url: where its keys are.
        fhir_server: base of its FHIR server, the only one that its tokens are sent to; None for
            an EHR that prefetches everything.
        origins: of browsers that may call for it.
    """

    id: str
    issuer: str
    jwks_url: str
    fhir_server: str | None = None
    origins: tuple[str, ...] = ()


class TokenVerifier:
    """Tells which EHR calls.

    Args:
        trusted: the registered EHR of an issuer, or None.
        keys: key sets by address.
        first_use: remembers a token's id until it is over; False when it was there.
        clock: the present; tests move it.
    """

    def __init__(
        self,
        trusted: Callable[[str], TrustedEhr | None],
        keys: KeySets,
        first_use: Callable[[str, datetime], Awaitable[bool]],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._trusted, self._keys, self._first_use = trusted, keys, first_use
        self._clock = clock

    async def verify(self, authorization: str, audiences: Sequence[str]) -> TrustedEhr:
        """Return the EHR whose token this is.

        Args:
            authorization: the header.
            audiences: addresses of the endpoint that is called; one of them must be meant.

        Raises:
            CdsUntrustedError: one sentence for every cause, so that a stranger learns nothing.
        """
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer" or not token or len(token) > MAX_TOKEN_CHARS:
            raise _refused()
        header, ehr = self._claimed(token)
        jwk = await self._keys.find(ehr.jwks_url, header["kid"])
        if jwk is None:
            raise _refused()
        claims = self._opened(token, header["alg"], jwk, audiences)
        once = hashlib.sha256(f"{ehr.issuer}\0{claims['jti']}".encode()).hexdigest()
        expires = datetime.fromtimestamp(claims["exp"], UTC) + LEEWAY
        if not await self._first_use(once, expires):
            raise _refused()
        return ehr

    def _claimed(self, token: str) -> tuple[Mapping[str, Any], TrustedEhr]:
        """The header, and whom the token says that it is from; nothing of it is believed yet."""
        try:
            header = jwt.get_unverified_header(token)
            issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
        except _UNREADABLE:
            raise _refused() from None
        ehr = self._trusted(issuer) if isinstance(issuer, str) else None
        named = isinstance(header.get("kid"), str) and header.get("alg") in _KINDS
        own = ehr is not None and header.get("jku", ehr.jwks_url) == ehr.jwks_url
        plain = "crit" not in header and str(header.get("typ", "JWT")).upper() == "JWT"
        if ehr is None or not (named and own and plain):
            raise _refused()
        return header, ehr

    def _opened(
        self, token: str, algorithm: str, jwk: Mapping[str, Any], audiences: Sequence[str]
    ) -> dict[str, Any]:
        if jwk.get("kty") != _KINDS[algorithm] or jwk.get("alg", algorithm) != algorithm:
            raise _refused()
        if jwk.get("use", "sig") != "sig":
            raise _refused()
        try:
            key = jwt.PyJWK.from_dict(dict(jwk), algorithm=algorithm)
            if algorithm == "RS384" and key.key.key_size < MIN_RSA_BITS:
                raise _refused()
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=list(audiences),
                leeway=LEEWAY,
                options={
                    "require": ["iss", "aud", "iat", "exp", "jti"],
                    "verify_exp": False,
                    "verify_iat": False,
                },
            )
            self._check_times(claims)
        except _UNREADABLE:
            raise _refused() from None
        if not isinstance(claims["jti"], str) or not _ID.fullmatch(claims["jti"]):
            raise _refused()
        return claims

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        """Issued, and not over, and for no longer than five minutes."""
        now, leeway = self._clock().timestamp(), LEEWAY.total_seconds()
        issued, expires = claims["iat"], claims["exp"]
        if isinstance(issued, bool) or not isinstance(issued, int | float):
            raise _refused()
        if isinstance(expires, bool) or not isinstance(expires, int | float):
            raise _refused()
        over = now > expires + leeway or issued > now + leeway
        longest = min(issued, now) + LIFETIME.total_seconds() + leeway
        if over or expires > longest:
            raise _refused()


def _refused() -> CdsUntrustedError:
    return CdsUntrustedError("The call does not carry a token that is taken here.")
