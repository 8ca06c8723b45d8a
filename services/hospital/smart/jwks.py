"""A client's public keys: what may be among them, and which one a signature names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from compliance.errors import BadInputError

ALGORITHMS = {"RSA": "RS384", "EC": "ES384"}
"""By key type: the algorithm follows from the registered key, never from the token."""
SMALLEST_RSA = 2048
"""Bits."""
MOST_KEYS = 50
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "k", "oth"})


@dataclass(frozen=True)
class PublicKey:
    """One key, with the only algorithm for which it is taken."""

    id: str
    algorithm: str
    key: Any


def read_keys(document: Any) -> Mapping[str, PublicKey]:
    """The usable keys of a JWK set by their id.

    Keys of other kinds, or for encryption, are passed over.

    Raises:
        BadInputError: it is no set, one key id stands for two keys, or a private key is in it.
    """
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list) or len(listed) > MOST_KEYS:
        raise BadInputError("A JWK set has a list of at most fifty keys.")
    if not all(isinstance(one, dict) for one in listed):
        raise BadInputError("A key of the JWK set is no object.")
    ids = [one["kid"] for one in listed if isinstance(one.get("kid"), str)]
    if len(ids) != len(set(ids)):
        raise BadInputError("Two keys of the JWK set have one kid.")
    if any(_PRIVATE & one.keys() for one in listed):
        raise BadInputError("A private or shared key is in the JWK set: it must be replaced.")
    found = (_public(one) for one in listed)
    return {key.id: key for key in found if key is not None}


def parse_keys(text: str) -> Mapping[str, PublicKey]:
    """The same of a text.

    Raises:
        BadInputError: see `read_keys`, or it is no JSON.
    """
    try:
        return read_keys(json.loads(text))
    except (ValueError, RecursionError):
        raise BadInputError("The JWK set is no JSON.") from None


def _public(described: dict[str, Any]) -> PublicKey | None:
    """A key that may verify; None where it is for something else, or too weak."""
    id_, algorithm = described.get("kid"), ALGORITHMS.get(str(described.get("kty")))
    wanted = described.get("use", "sig") == "sig" and described.get("alg", algorithm) == algorithm
    operations = described.get("key_ops", ["verify"])
    verifies = isinstance(operations, list) and "verify" in operations
    if not isinstance(id_, str) or not id_ or algorithm is None or not wanted or not verifies:
        return None
    if algorithm == "ES384" and described.get("crv") != "P-384":
        return None
    try:
        key = jwt.PyJWK(described, algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    if algorithm == "RS384" and key.key_size < SMALLEST_RSA:
        return None
    return PublicKey(id_, algorithm, key)
