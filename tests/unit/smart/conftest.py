"""A hospital with its authorization server, and clients of every kind."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from services.fhir.sandbox import generate
from services.hospital.app import create
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings

HOST = "http://localhost"
TOKEN = f"{HOST}/oauth/token"
PASSWORD = "a long enough password"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass
class Key:
    """A key pair of a client."""

    private: Any
    id: str
    algorithm: str

    @classmethod
    def ec(cls, id_: str = "ec-1", curve: Any = None) -> Key:
        return cls(ec.generate_private_key(curve or ec.SECP384R1()), id_, "ES384")

    @classmethod
    def rsa(cls, id_: str = "rsa-1", bits: int = 2048) -> Key:
        return cls(rsa.generate_private_key(65537, bits), id_, "RS384")

    def public(self) -> dict[str, Any]:
        kind = RSAAlgorithm if isinstance(self.private, rsa.RSAPrivateKey) else ECAlgorithm
        described = kind.to_jwk(self.private.public_key(), as_dict=True)
        described.pop("key_ops", None)
        return described | {"kid": self.id, "alg": self.algorithm, "use": "sig"}


def jwks(*keys: Key) -> str:
    return json.dumps({"keys": [key.public() for key in keys]})


@dataclass
class Backend:
    """A program that acts by itself."""

    http: httpx.AsyncClient
    id: str
    key: Key
    claims: dict[str, Any] = field(default_factory=dict)

    def assertion(self, *, headers: dict[str, Any] | None = None, **changes: Any) -> str:
        """A signed assertion; ``changes`` replace its claims, None leaves one out."""
        claims = {
            "iss": self.id,
            "sub": self.id,
            "aud": TOKEN,
            "exp": datetime.now(UTC) + timedelta(minutes=4),
            "jti": str(uuid4()),
        } | changes
        claims = {name: value for name, value in claims.items() if value is not None}
        sent = {"kid": self.key.id} | (headers or {})
        return jwt.encode(claims, self.key.private, self.key.algorithm, headers=sent)

    async def ask(self, scope: str = "system/*.rs", assertion: str | None = None, **form: str):
        """Ask for a token."""
        return await self.http.post(
            "/oauth/token",
            data={
                "grant_type": "client_credentials",
                "scope": scope,
                "client_assertion_type": ASSERTION,
                "client_assertion": assertion or self.assertion(),
                **form,
            },
        )

    async def headers(self, scope: str = "system/*.rs") -> dict[str, str]:
        """What to send with a call."""
        answer = await self.ask(scope)
        assert answer.status_code == 200, answer.text
        return {"authorization": f"Bearer {answer.json()['access_token']}"}


class QuickHasher(PasswordHasher):
    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)


@pytest.fixture(scope="session")
def ec_key() -> Key:
    return Key.ec()


@pytest.fixture(scope="session")
def rsa_key() -> Key:
    return Key.rsa()


@pytest.fixture
def hospital(tmp_path, monkeypatch, database_url):
    """A hospital with the sandbox's record, on SQLite and on PostgreSQL."""
    monkeypatch.setattr("services.hospital.accounts.PasswordHasher", QuickHasher)
    made = Hospital(HospitalSettings(data=tmp_path / "hospital", database=database_url))
    made.records.put_many(generate())
    yield made
    made.database.close()


@pytest.fixture
async def http(hospital):
    app = create(hospital.settings, hospital)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=HOST) as opened:
        yield opened


@pytest.fixture
def backend(hospital, http, ec_key):
    """Register a program; its scopes are given."""

    def make(scopes: str = "system/*.cruds", key: Key = ec_key, **registered: Any) -> Backend:
        with_keys = registered or {"jwks": jwks(key)}
        client, _ = hospital.smart.clients.add("Export", "asymmetric", scopes, **with_keys)
        return Backend(http, client.id, key)

    return make
