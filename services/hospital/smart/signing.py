"""The hospital's own keys for ID tokens: in files, exchanged by themselves, published as JWKS."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from services.hospital.errors import UnreadableError

ALGORITHM = "RS256"
"""The one that every OpenID Connect client understands."""
KEY_BITS = 3072
ROTATE_AFTER = timedelta(days=90)
PUBLISHED_AFTER = timedelta(days=7)
"""A key that signs no more is published for so long; ID tokens are good for minutes."""
_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class SigningKey:
    """One key; its id begins with the moment at which it was made."""

    id: str
    made: datetime
    private: rsa.RSAPrivateKey = field(repr=False)

    def public(self) -> dict[str, Any]:
        """It as an entry of a JWK set."""
        described: dict[str, Any] = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        members = {name: described[name] for name in ("kty", "n", "e")}
        return members | {"kid": self.id, "use": "sig", "alg": ALGORITHM}


class SigningKeys:
    """The keys in one folder.

    Args:
        folder: made on first use; only its user can read it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, SigningKey] = {}

    def current(self, now: datetime | None = None) -> SigningKey:
        """The key that signs; a fresh one where there is none, or it is old."""
        moment = now or datetime.now(UTC)
        keys = self._all()
        if not keys or moment - keys[-1].made > ROTATE_AFTER:
            self.rotate(moment)
            keys = self._all()
        return keys[-1]

    def jwks(self, now: datetime | None = None) -> dict[str, Any]:
        """The public keys with which tokens of late can be checked."""
        moment = now or datetime.now(UTC)
        self.current(moment)
        keys = self._all()
        ended = [*(key.made for key in keys[1:]), None]
        good = [k for k, end in zip(keys, ended, strict=True) if not end or _recent(end, moment)]
        return {"keys": [key.public() for key in good]}

    def rotate(self, now: datetime | None = None) -> str:
        """Make the key that signs from now on; returns its id."""
        id_ = f"{(now or datetime.now(UTC)).strftime(_STAMP)}-{secrets.token_hex(4)}"
        private = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
        text = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self._folder / f".{id_}"
        descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        draft.rename(self._folder / f"{id_}.pem")
        return id_

    def _all(self) -> list[SigningKey]:
        """Every key, the oldest first; files of other processes are found at once."""
        ids = sorted(path.stem for path in self._folder.glob("*.pem"))
        for id_ in ids:
            if id_ not in self._read:
                self._read[id_] = _load(self._folder / f"{id_}.pem")
        return [self._read[id_] for id_ in ids]


def _load(path: Path) -> SigningKey:
    with suppress(ValueError, TypeError):
        made = datetime.strptime(path.stem.partition("-")[0], _STAMP).replace(tzinfo=UTC)
        private = serialization.load_pem_private_key(path.read_bytes(), None)
        if isinstance(private, rsa.RSAPrivateKey):
            return SigningKey(path.stem, made, private)
    raise UnreadableError("A signing key of the authorization server is damaged.")


def _recent(end: datetime, now: datetime) -> bool:
    return now - end < PUBLISHED_AFTER
