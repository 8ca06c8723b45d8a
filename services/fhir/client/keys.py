"""The key by which a program proves to an authorization server who it is."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from services.fhir.client.errors import FhirSignInError

ASSERTION_SECONDS = 240
"""How long an assertion is good for; SMART allows five minutes at most."""


@dataclass(frozen=True)
class ClientKey:
    """The private key by which a program proves who it is (RS384 or ES384).

    Attributes:
        pem: PKCS 8; an RSA key of 2048 bits or more, or one on P-384.
        kid: id of the public key in the JWKS that the server knows.
    """

    pem: str = field(repr=False)
    kid: str

    def assertion(self, client_id: str, audience: str) -> str:
        """A signed statement of who asks, for one call of the token endpoint.

        Raises:
            FhirSignInError: the key is of another kind.
        """
        now = int(time.time())
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": audience,
            "jti": str(uuid.uuid4()),
            "iat": now,
            "exp": now + ASSERTION_SECONDS,
        }
        return jwt.encode(claims, self.pem, self._algorithm(), headers={"kid": self.kid})

    def _algorithm(self) -> str:
        try:
            key = load_pem_private_key(self.pem.encode(), None)
        except (ValueError, TypeError):
            raise FhirSignInError("The key file holds no private key in PEM form.") from None
        if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= 2048:  # noqa: PLR2004
            return "RS384"
        if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name == "secp384r1":
            return "ES384"
        raise FhirSignInError("The key must be RSA of 2048 bits or more, or on P-384.")
