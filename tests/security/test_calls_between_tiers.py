"""Attacks on the calls between tiers: strangers, floods, guesses and borrowed receipts."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from support.exchange import DeviceKeys, FailingAudit

from compliance.sealing import IdentityKey
from services.consult.messages import Level
from services.exchange import limits
from services.exchange.errors import NotAuthenticatedError, TooManyEnrolmentsError
from services.exchange.intake import Intake
from services.exchange.keys import NodeKeys
from services.exchange.limits import CLIENTS, TRIES, EnrolmentGate
from services.exchange.registry import Registry
from services.exchange.routes import exchange_router
from services.exchange.tokens import CallVerifier, sign_call
from services.web.app import create_app

PATH = "/v1/referrals"


@pytest.fixture
def clinic(tmp_path):
    return NodeKeys.load_or_create(tmp_path / "keys", name="C", level="clinic")


@pytest.fixture
def registry(database):
    return Registry(database)


@pytest.fixture
def app(clinic, registry, database) -> FastAPI:
    made = create_app("test", ready=dict, large={PATH: 13 << 20})
    intake = Intake(database, Level.CLINIC, FailingAudit())
    made.include_router(exchange_router(clinic, registry, intake))
    return made


@pytest.fixture
def device(registry, clinic):
    made = DeviceKeys()
    registry.enrol(registry.new_code("device", [clinic.fingerprint]), made.bundle())
    return made


def client(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://127.0.0.1"
    )


def headers(caller: IdentityKey, clinic: NodeKeys, body: bytes, *, aud: str = "") -> dict[str, str]:
    token = sign_call(
        caller, audience=aud or clinic.fingerprint, method="POST", path=PATH, body=body
    )
    return {"authorization": f"Bearer {token}", "content-type": "application/json"}


async def post(app, caller, clinic, envelope, **changes) -> httpx.Response:
    body = envelope.model_dump_json().encode()
    async with client(app) as http:
        return await http.post(PATH, content=body, headers=headers(caller, clinic, body, **changes))


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer x", "Bearer a.b.c", "Basic eDp5", "Bearer " + "e30." * 2 + "x"],
)
async def test_the_body_of_a_stranger_is_not_read(app, authorization):
    read = []

    async def body() -> AsyncIterator[bytes]:
        read.append(1)
        yield b"x" * 100_000

    async with client(app) as http:
        reply = await http.post(PATH, content=body(), headers={"authorization": authorization})
    assert reply.status_code == 401
    assert not read


async def test_the_body_under_an_unknown_key_is_not_read(app, clinic):
    read = []

    async def body() -> AsyncIterator[bytes]:
        read.append(1)
        yield b"x"

    async with client(app) as http:
        reply = await http.post(
            PATH, content=body(), headers=headers(IdentityKey.generate(), clinic, b"x")
        )
    assert reply.status_code == 401
    assert not read


@pytest.mark.parametrize("part", [0, 1])
def test_deep_json_in_a_token_is_refused_without_a_crash(part):
    deep = base64.urlsafe_b64encode(b"[" * 30_000 + b"]" * 30_000).decode().rstrip("=")
    good = base64.urlsafe_b64encode(json.dumps({"alg": "EdDSA"}).encode()).decode().rstrip("=")
    token = ".".join((deep, good, "x") if part == 0 else (good, deep, "x"))
    verifier = CallVerifier("A" * 16, lambda _f: None, Registry.__new__(Registry))
    with pytest.raises(NotAuthenticatedError):
        verifier.verify(token, method="POST", path=PATH, body=b"")


@pytest.mark.parametrize("token_id", ["a\x00b", "", "x" * 65, "é", "a b"])
async def test_a_token_id_that_a_database_could_not_keep_is_refused(app, device, clinic, token_id):
    good = sign_call(
        device.identity, audience=clinic.fingerprint, method="POST", path=PATH, body=b""
    )
    claims = jwt.decode(good, options={"verify_signature": False}) | {"jti": token_id}
    key = Ed25519PrivateKey.from_private_bytes(device.identity.to_bytes())
    async with client(app) as http:
        token = jwt.encode(claims, key, "EdDSA")
        reply = await http.post(PATH, headers={"authorization": f"Bearer {token}"})
    assert reply.status_code == 401


async def test_a_call_for_another_node_is_not_taken_here(app, device, clinic):
    referral = device.refer("x", clinic, destination=Level.CLINIC)
    reply = await post(app, device.identity, clinic, referral.envelope, aud="A" * 16)
    assert reply.status_code == 401


async def test_a_call_is_taken_once(app, device, clinic):
    body = device.refer("x", clinic, destination=Level.CLINIC).envelope.model_dump_json().encode()
    signed = headers(device.identity, clinic, body)
    async with client(app) as http:
        first = await http.post(PATH, content=body, headers=signed)
        second = await http.post(PATH, content=body, headers=signed)
    assert (first.status_code, second.status_code) == (202, 401)


async def test_a_device_cannot_send_under_a_receipt_of_another_key(app, device, clinic):
    foreign = DeviceKeys().refer("x", clinic, destination=Level.CLINIC)
    reply = await post(app, device.identity, clinic, foreign.envelope)
    assert reply.status_code == 403
    assert reply.json()["type"] == "urn:caretier:problem:referral-refused"


async def test_another_device_learns_nothing_of_a_referral(app, device, registry, clinic):
    referral = device.refer("x", clinic, destination=Level.CLINIC)
    assert (await post(app, device.identity, clinic, referral.envelope)).status_code == 202
    other = DeviceKeys()
    registry.enrol(registry.new_code("device", [clinic.fingerprint]), other.bundle())
    path = f"{PATH}/{referral.id}"
    token = sign_call(
        other.identity, audience=clinic.fingerprint, method="GET", path=path, body=b""
    )
    async with client(app) as http:
        reply = await http.get(path, headers={"authorization": f"Bearer {token}"})
    assert reply.status_code == 404


async def test_a_device_that_floods_is_told_to_wait_and_may_repeat_what_was_taken(
    app, device, clinic, monkeypatch
):
    monkeypatch.setattr(limits, "REFERRALS_A_DAY", 2)
    sent = [device.refer("x", clinic, destination=Level.CLINIC) for _ in range(3)]
    codes = [(await post(app, device.identity, clinic, r.envelope)).status_code for r in sent]
    assert codes == [202, 202, 429]
    assert (await post(app, device.identity, clinic, sent[0].envelope)).status_code == 202


async def test_a_device_that_fills_the_disk_is_told_to_wait(app, device, clinic, monkeypatch):
    monkeypatch.setattr(limits, "BYTES_A_DAY", 1)
    sent = [device.refer("x", clinic, destination=Level.CLINIC) for _ in range(2)]
    codes = [(await post(app, device.identity, clinic, r.envelope)).status_code for r in sent]
    assert codes == [202, 429]


async def test_codes_cannot_be_guessed_quickly(app):
    body = {"code": "AAAAAAAAAAAAAAAA", "bundle": {}}
    async with client(app) as http:
        codes = [(await http.post("/v1/enrol", json=body)) for _ in range(TRIES + 1)]
    assert {r.status_code for r in codes[:TRIES]} == {403}
    assert codes[TRIES].status_code == 429
    assert 0 < int(codes[TRIES].headers["retry-after"]) <= 61


async def test_right_codes_are_not_counted_as_guesses(app, registry, clinic):
    async with client(app) as http:
        for _ in range(TRIES + 2):
            code = registry.new_code("device", [clinic.fingerprint])
            bundle = DeviceKeys().bundle().model_dump(mode="json")
            reply = await http.post("/v1/enrol", json={"code": code, "bundle": bundle})
            assert reply.status_code == 200


async def test_deep_json_at_enrolment_is_bad_input_not_a_crash(app):
    deep = b'{"code":"AAAAAAAAAAAA","bundle":{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}}"
    async with client(app) as http:
        reply = await http.post(
            "/v1/enrol", content=deep, headers={"content-type": "application/json"}
        )
    assert reply.status_code in {400, 422}


async def test_a_stranger_cannot_make_the_node_hold_a_large_body(app):
    async with client(app) as http:
        reply = await http.post("/v1/enrol", content=b" " * (3 << 20))
    assert reply.status_code == 413


def test_a_client_may_try_again_after_a_minute_and_others_are_not_held_up():
    now = [0.0]
    gate = EnrolmentGate(lambda: now[0])
    for _ in range(TRIES):
        gate.count("a")
    with pytest.raises(TooManyEnrolmentsError):
        gate.count("a")
    gate.count("b")
    now[0] = 60.1
    gate.count("a")


def test_a_botnet_cannot_grow_the_memory_of_tries():
    gate = EnrolmentGate()
    for n in range(CLIENTS + 50):
        gate.count(str(n))
    assert len(gate._tries) == CLIENTS
