"""ID tokens of others: who somebody is, by the word of a provider or an EHR.

Signature, issuer, audience, time and nonce must hold; the algorithm is one of those that are given,
all of them with public keys, so that neither ``none`` nor a shared secret is ever taken.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt

from services.hospital.errors import SignInError

LEEWAY_SECONDS = 60
LONGEST_SUBJECT = 255
_MANY_FACTORS = frozenset({"mfa", "otp", "hwk", "fido", "pop"})
_REQUIRED = ["exp", "iat", "sub", "aud", "iss"]


@dataclass(frozen=True)
class Expected:
    """What a token must say.

    Attributes:
        issuer: who says it; client_id: for whom, ours there; nonce: for which sign-in.
    """

    issuer: str
    client_id: str
    nonce: str


def read_id_token(
    token: str, keys: object, expected: Expected, algorithms: Sequence[str]
) -> dict[str, Any]:
    """The claims of an ID token, checked.

    Args:
        token: as it was given.
        keys: JWK set of its issuer.
        expected: what it must say.
        algorithms: that are taken.

    Raises:
        SignInError: it does not hold.
    """
    try:
        key = _key(jwt.get_unverified_header(token), keys, algorithms)
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=algorithms,
            audience=expected.client_id,
            issuer=expected.issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": _REQUIRED, "enforce_minimum_key_length": True},
        )
    except (jwt.PyJWTError, KeyError, TypeError, ValueError, OverflowError, RecursionError):
        raise SignInError("You could not be signed in.") from None
    said = str(claims.get("nonce", "")).encode("utf-8", "surrogatepass")
    fits = hmac.compare_digest(said, expected.nonce.encode())
    meant = claims.get("azp", expected.client_id) == expected.client_id
    if not fits or not meant:
        raise SignInError("You could not be signed in.")
    return claims


def subject_of(issuer: str, id_: str) -> str:
    """What an account is known by that stands for somebody elsewhere: issuer and id there.

    Raises:
        SignInError: that is no name, or too long to be kept as a whole.
    """
    subject = f"{issuer}#{id_}"
    if not id_ or len(subject) > LONGEST_SUBJECT or not subject.isprintable():
        raise SignInError("You could not be signed in.")
    return subject


def is_strong(claims: Mapping[str, Any]) -> bool:
    """Whether the person proved more than a password there."""
    methods = claims.get("amr", ())
    listed = isinstance(methods, list | tuple)
    return listed and not _MANY_FACTORS.isdisjoint(map(str, methods))


def _key(header: Mapping[str, Any], keys: object, algorithms: Sequence[str]) -> jwt.PyJWK:
    """The key that a header names, for the algorithm that it names.

    Raises:
        KeyError: there is none, or it is for another algorithm.
        jwt.PyJWTError: it is no key for this algorithm.
    """
    listed = keys.get("keys") if isinstance(keys, Mapping) else None
    usable = [one for one in listed or () if isinstance(one, dict) and one.get("use") != "enc"]
    algorithm, named = header["alg"], header.get("kid")
    found = [one for one in usable if one.get("kid") == named]
    if named is None and len(usable) == 1:
        found = usable
    if algorithm not in algorithms or len(found) != 1:
        raise KeyError(named)
    if found[0].get("alg", algorithm) != algorithm:
        raise KeyError(named)
    return jwt.PyJWK(found[0], algorithm)
