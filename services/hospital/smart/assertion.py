"""Proof of a client by its key: a signed assertion that is good once (RFC 7523, SMART 2.2)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from sqlalchemy.exc import IntegrityError
from starlette.concurrency import run_in_threadpool

from services.hospital.models import SmartAssertion
from services.hospital.smart.client_keys import ClientKeys
from services.hospital.smart.clients import Client, Clients
from services.hospital.smart.errors import OAuthError
from services.hospital.smart.jwks import ALGORITHMS, PublicKey
from services.store.database import Database

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_LIFE = timedelta(minutes=5)
SKEW = timedelta(seconds=10)
"""By which two clocks may differ."""
LONGEST_TEXT = 16 << 10
LONGEST_ID = 255


def _refusal(why: str) -> OAuthError:
    return OAuthError("invalid_client", why)


class Assertions:
    """Takes assertions, each of them once.

    Args:
        database: where the ids of those that were taken are.
        clients: that may send them.
        keys: of the clients.
    """

    def __init__(self, database: Database, clients: Clients, keys: ClientKeys) -> None:
        self._database, self._clients, self._keys = database, clients, keys

    async def client(self, assertion: str, audience: str) -> Client:
        """The client that an assertion proves.

        Args:
            assertion: as it was sent.
            audience: address of our token endpoint, for which alone it must be made.

        Raises:
            OAuthError: it proves none.
        """
        header, claims = _unverified(assertion)
        id_ = claims.get("iss")
        if not isinstance(id_, str) or claims.get("sub") != id_:
            raise _refusal("iss and sub of the assertion must both be the client_id.")
        client = await run_in_threadpool(self._clients.find, id_)
        if client is None or client.kind != "asymmetric":
            raise _refusal("No client with a key is registered under this client_id.")
        if "jku" in header and header["jku"] != client.jwks_uri:
            raise _refusal("jku is not the registered jwks_uri of the client; it was not called.")
        key = await self._keys.find(client, header["kid"])
        verified = _verified(assertion, header, key, audience)
        await run_in_threadpool(self._take, id_, verified)
        return client

    def _take(self, client: str, claims: Mapping[str, Any]) -> None:
        """Keep the id of an assertion until it is over.

        Raises:
            OAuthError: it was taken before.
        """
        over = datetime.fromtimestamp(int(claims["exp"]), UTC) + SKEW
        named = f"{client}\n{claims['jti']}".encode("utf-8", "surrogatepass")
        row = SmartAssertion(digest=hashlib.sha256(named).hexdigest(), expires=over)
        try:
            with self._database.transaction() as session:
                session.add(row)
        except IntegrityError:
            raise _refusal("The jti of the assertion was used before.") from None


def _unverified(assertion: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, of which nothing is believed yet; they say which key to look for."""
    if len(assertion) > LONGEST_TEXT:
        raise _refusal("The assertion is too long.")
    try:
        read = jwt.decode_complete(assertion, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise _refusal("The assertion is no JWT.") from None
    header, claims = read["header"], read["payload"]
    if header.get("alg") not in ALGORITHMS.values():
        raise _refusal("The assertion must be signed with RS384 or ES384.")
    if "crit" in header or header.get("typ", "JWT") != "JWT":
        raise _refusal("The header of the assertion holds what is not understood.")
    if not isinstance(header.get("kid"), str):
        raise _refusal("The header of the assertion has no kid.")
    return header, claims


def _verified(
    assertion: str, header: Mapping[str, Any], key: PublicKey, audience: str
) -> dict[str, Any]:
    if header["alg"] != key.algorithm:
        raise _refusal("alg is not that of the registered key.")
    try:
        claims: dict[str, Any] = jwt.decode(
            assertion,
            key.key,
            algorithms=[key.algorithm],
            audience=audience,
            leeway=SKEW,
            options={"require": ["exp", "iss", "sub", "aud", "jti"], "strict_aud": False},
        )
    except (jwt.PyJWTError, OverflowError, TypeError, ValueError) as error:  # exp may be Infinity
        raise _refusal(f"The assertion does not hold ({type(error).__name__}).") from None
    if claims["aud"] not in (audience, [audience]):
        raise _refusal("The assertion is made for others too.")
    if not isinstance(claims["jti"], str) or not 0 < len(claims["jti"]) <= LONGEST_ID:
        raise _refusal("jti must be a text of at most 255 characters.")
    if int(claims["exp"]) > (datetime.now(UTC) + LONGEST_LIFE + SKEW).timestamp():
        raise _refusal("exp of the assertion is more than five minutes ahead.")
    return claims
