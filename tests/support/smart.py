"""A hospital with its authorization server, and clients of every kind."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from services.fhir.sandbox import generate
from services.fhir.store import FhirStore
from services.hospital.accounts import Accounts
from services.hospital.app import create
from services.hospital.service import PACKAGES, Hospital
from services.hospital.settings import HospitalSettings
from services.store.database import Database

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


CASELOAD = (
    {"resourceType": "Practitioner", "id": "me", "name": [{"family": "Ruiz"}]},
    *(
        {
            "resourceType": "ServiceRequest",
            "id": f"of-{patient}",
            "status": "active",
            "intent": "order",
            "subject": {"reference": f"Patient/{patient}"},
            "performer": [{"reference": "Practitioner/me"}],
        }
        for patient in ("p07", "p01")
    ),
)
"""What makes the clinicians of `seeded` treat two people."""


@pytest.fixture(scope="session")
def ec_key() -> Key:
    return Key.ec()


@pytest.fixture(scope="session")
def rsa_key() -> Key:
    return Key.rsa()


@pytest.fixture(scope="session")
def seeded(tmp_path_factory):
    """The file of a database with the sandbox's record and two clinicians; tests take copies."""
    file = tmp_path_factory.mktemp("smart") / "hospital.db"
    database = Database(f"sqlite:///{file}")
    database.migrate(*PACKAGES)
    report = FhirStore(database).put_many([*generate(), *CASELOAD])
    assert not report.rejected
    accounts = Accounts(database)
    for name, shown in (("ana", "Dr. Ana Ruiz"), ("bo", "Dr. Bo Lind")):
        accounts.add_user(name, PASSWORD, shown, "clinician", acts_as=["Practitioner/me"])
    accounts.add_user("op", PASSWORD, "Olga Operator", "operator")
    database.close()
    return file


@pytest.fixture
def hospital(seeded, tmp_path, monkeypatch):
    """A hospital with the sandbox's record, whose clinicians treat p07 and p01."""
    data = tmp_path / "hospital"
    data.mkdir()
    shutil.copyfile(seeded, data / "hospital.db")
    made = Hospital(HospitalSettings(data=data))
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


VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode()[:43]
BACK = "https://app.example.org/back"


class Person:
    """A clinician's browser on the portal, and the app that it visits."""

    def __init__(self, http: httpx.AsyncClient, hospital: Hospital) -> None:
        self.http, self.hospital = http, hospital

    def sign_in(self, name: str = "ana") -> None:
        self.http.cookies.set("caretier_portal", self.hospital.accounts.sign_in(name, PASSWORD))

    async def csrf(self) -> str:
        page = await self.http.get("/portal/apps")
        return re.search(r'<meta name="csrf" content="([^"]*)"', page.text)[1]

    async def authorize(self, client: str, scope: str, **changes: str) -> httpx.Response:
        """Open the app's request, as far as the portal's own page."""
        asked = {
            "response_type": "code",
            "client_id": client,
            "redirect_uri": BACK,
            "scope": scope,
            "state": "a-state",
            "aud": f"{HOST}/fhir",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        } | changes
        fields = {name: value for name, value in asked.items() if value is not None}
        return await self.http.get("/oauth/authorize", params=fields)

    @staticmethod
    def onward(page: httpx.Response) -> str:
        """Where the landing page leads."""
        return page.headers["refresh"].partition("url=")[2]

    async def post(self, path: str, **form: Any) -> httpx.Response:
        return await self.http.post(path, data={"csrf": await self.csrf(), **form})

    async def allow(
        self, client: str, scope: str, *, patient: str | None = None, **changes: str
    ) -> dict[str, str]:
        """Let an app have all that it asks for; returns what it is told."""
        page = await self.authorize(client, scope, **changes)
        path = self.onward(page)
        if patient is not None:
            chosen = await self.post(f"{path}/patient", patient=patient)
            assert chosen.status_code == 303, chosen.text
        shown = await self.http.get(path)
        assert shown.status_code == 200, shown.text
        scopes = [html.unescape(s) for s in re.findall(r'name="scope" value="([^"]*)"', shown.text)]
        done = await self.post(path, scope=scopes, answer="allow")
        assert done.status_code == 303, done.text
        return told(done)


def told(answer: httpx.Response) -> dict[str, str]:
    """What a redirect tells the app."""
    address = urlsplit(answer.headers["location"])
    assert f"{address.scheme}://{address.netloc}{address.path}" == BACK
    return dict(parse_qsl(address.query))


@pytest.fixture
def person(http, hospital):
    """Ana, who treats p07 and p01, signed in."""
    made = Person(http, hospital)
    made.sign_in()
    return made


@pytest.fixture
def app_of(hospital):
    """Register an app for people; its scopes are given."""

    def make(scopes: str, kind: str = "public", **registered: Any):
        registered = {"redirects": [BACK], **registered}
        return hospital.smart.clients.add("Growth chart", kind, scopes, **registered)

    return make


@pytest.fixture
def redeem(http):
    """Exchange a code, as a public app does."""

    async def send(client: str, code: str, **changes: str) -> httpx.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": BACK,
            "code_verifier": VERIFIER,
            "client_id": client,
        } | changes
        return await http.post("/oauth/token", data={k: v for k, v in form.items() if v})

    return send
