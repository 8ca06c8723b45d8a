"""An invented EHR: its keys, its tokens, and a server for its key set and its FHIR record."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

ISSUER = "https://ehr.example.org"
JWKS = "https://ehr.example.org/jwks.json"
BASE = "http://localhost"


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP384R1())


def public(key: Any, kid: str, algorithm: str) -> dict[str, Any]:
    made = RSAAlgorithm.to_jwk if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm.to_jwk
    return {**json.loads(made(key.public_key())), "kid": kid, "alg": algorithm, "use": "sig"}


def key_set() -> dict[str, Any]:
    return {"keys": [public(rsa_key(), "r1", "RS384"), public(ec_key(), "e1", "ES384")]}


def token(
    audience: str,
    *,
    key: Any = None,
    algorithm: str = "ES384",
    kid: str | None = "e1",
    header: Mapping[str, Any] | None = None,
    now: datetime | None = None,
    **claims: Any,
) -> str:
    """A token as an EHR makes it; a claim that is None is left out."""
    at = now or datetime.now(UTC)
    body = {
        "iss": ISSUER, "aud": audience, "iat": at, "exp": at + timedelta(minutes=4),
        "jti": str(uuid4()), **claims,
    }  # fmt: skip
    kept = {name: value for name, value in body.items() if value is not None}
    named = {"kid": kid} if kid is not None else {}
    return jwt.encode(
        kept, key if key is not None else ec_key(), algorithm, headers={**named, **(header or {})}
    )


@dataclass
class FhirServer:
    """Answers by path; what is not in ``answers`` hangs, as does all of a server that hangs."""

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    port: int = 0

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            path = head.split(" ", 2)[1]
            sent = [h for h in head.split("\r\n") if h.lower().startswith("authorization:")]
            self.asked.append((path, sent[0].partition(": ")[2] if sent else ""))
            found = next((v for k, v in self.answers.items() if path.startswith(k)), None)
            if found is None:
                await asyncio.sleep(30)
            status, body = found if isinstance(found, tuple) else (200, found)
            raw = json.dumps(body).encode()
            writer.write(
                f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n"
                f"content-length: {len(raw)}\r\nconnection: close\r\n\r\n".encode()
                + raw
            )
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def fhir_server(**answers: Any) -> AsyncIterator[FhirServer]:
    """A server on this machine; keyword ``Patient=...`` answers ``/fhir/Patient``."""
    made = FhirServer({f"/fhir/{name}": value for name, value in answers.items()})
    server = await asyncio.start_server(made._serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
