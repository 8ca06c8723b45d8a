"""Tokens of calls: what is taken, and one test for each refusal."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from compliance.sealing import IdentityKey
from services.exchange.errors import NotAuthenticatedError
from services.exchange.tokens import CallVerifier, sign_call

ME, OTHER, CALLER = (IdentityKey.generate() for _ in range(3))
AUDIENCE = ME.public.fingerprint
CALL = {"method": "POST", "path": "/v1/referrals", "body": b'{"id": 1}'}


class Memory:
    """Remembers ids."""

    def __init__(self) -> None:
        self.seen: dict[str, datetime] = {}

    def first_use(self, token_id: str, expires: datetime) -> bool:
        fresh = token_id not in self.seen
        self.seen[token_id] = expires
        return fresh


@pytest.fixture
def verifier():
    known = {CALLER.public.fingerprint: CALLER.public}
    return CallVerifier(AUDIENCE, known.get, Memory())


def claims(**changes: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    digest = hashlib.sha256(CALL["body"]).digest()
    made = {
        "iss": CALLER.public.fingerprint,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + timedelta(seconds=60),
        "jti": "one",
        "htm": "POST",
        "htu": "/v1/referrals",
        "bsha": base64.urlsafe_b64encode(digest).decode().rstrip("="),
    }
    return {k: v for k, v in (made | changes).items() if v is not ...}


def forged(key: IdentityKey = CALLER, **changes: Any) -> str:
    private = Ed25519PrivateKey.from_private_bytes(key.to_bytes())
    return jwt.encode(claims(**changes), private, "EdDSA")


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def refuse(verifier: CallVerifier, token: str, **changes: Any) -> None:
    with pytest.raises(NotAuthenticatedError) as raised:
        verifier.verify(token, **(CALL | changes))
    assert raised.value.message == "The call was not made by a node that is enrolled here."


def test_a_signed_call_is_the_callers(verifier):
    token = sign_call(CALLER, audience=AUDIENCE, **CALL)
    assert verifier.verify(token, **CALL) == CALLER.public.fingerprint


def test_the_forger_of_these_tests_can_make_a_good_token(verifier):
    assert verifier.verify(forged(), **CALL) == CALLER.public.fingerprint


def test_a_token_is_taken_once(verifier):
    token = sign_call(CALLER, audience=AUDIENCE, **CALL)
    verifier.verify(token, **CALL)
    refuse(verifier, token)


def test_a_token_for_another_node_is_refused(verifier):
    refuse(verifier, sign_call(CALLER, audience=OTHER.public.fingerprint, **CALL))


@pytest.mark.parametrize(
    "changes",
    [
        {"body": b'{"id": 2}'},
        {"body": b""},
        {"path": "/v1/referrals/1"},
        {"path": "/v1/enrol"},
        {"method": "GET"},
        {"method": "PUT"},
    ],
)
def test_a_token_for_another_call_is_refused(verifier, changes):
    refuse(verifier, sign_call(CALLER, audience=AUDIENCE, **CALL), **changes)


def test_an_unknown_node_is_refused(verifier):
    refuse(verifier, sign_call(OTHER, audience=AUDIENCE, **CALL))


def test_a_node_that_says_it_is_another_is_refused(verifier):
    refuse(verifier, forged(OTHER))


def test_a_revoked_node_is_refused():
    verifier = CallVerifier(AUDIENCE, lambda _fingerprint: None, Memory())
    refuse(verifier, sign_call(CALLER, audience=AUDIENCE, **CALL))


@pytest.mark.parametrize(
    ("seconds", "good"), [(30, True), (-30, True), (-90, False), (110, True), (150, False)]
)
def test_clocks_may_differ_by_a_minute_and_tokens_live_for_one(verifier, seconds, good):
    token = forged(exp=datetime.now(UTC) + timedelta(seconds=seconds))
    if good:
        assert verifier.verify(token, **CALL)
    else:
        refuse(verifier, token)


def test_a_token_from_the_future_is_refused(verifier):
    refuse(verifier, forged(iat=datetime.now(UTC) + timedelta(minutes=3)))


@pytest.mark.parametrize("claim", ["iss", "aud", "iat", "exp", "jti", "htm", "htu", "bsha"])
def test_every_claim_must_be_there(verifier, claim):
    refuse(verifier, forged(**{claim: ...}))


@pytest.mark.parametrize(
    "changes",
    [
        {"jti": 5},
        {"jti": ["one"]},
        {"jti": None},
        {"exp": 10**15},
        {"exp": 10**30},
        {"exp": "soon"},
        {"htm": 5},
        {"htu": ["/v1/referrals"]},
        {"bsha": None},
        {"bsha": "é"},
        {"aud": [OTHER.public.fingerprint]},
        {"iss": 7},
        {"iss": "../../etc"},
        {"iss": "a" * 10_000},
        {"iss": CALLER.public.fingerprint + "\n"},
    ],
)
def test_claims_of_a_wrong_kind_are_refused_not_a_crash(verifier, changes):
    try:
        token = forged(**changes)
    except TypeError:  # the library refuses to write it: write it by hand
        header = b64(json.dumps({"alg": "EdDSA", "typ": "JWT"}).encode())
        body = {k: v for k, v in claims(**changes).items() if k not in {"iat"} | set(changes)}
        made = {k: v.timestamp() if isinstance(v, datetime) else v for k, v in body.items()}
        text = f"{header}.{b64(json.dumps({**made, 'iat': 1, **changes}).encode())}"
        token = f"{text}.{b64(CALLER.sign(text.encode()))}"
    refuse(verifier, token)


def test_a_token_without_a_signature_is_refused(verifier):
    refuse(verifier, jwt.encode(claims(), None, "none"))


def test_the_public_key_is_no_shared_secret(verifier):
    header = b64(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    made = {k: int(v.timestamp()) if isinstance(v, datetime) else v for k, v in claims().items()}
    body = f"{header}.{b64(json.dumps(made).encode())}"
    for secret in (CALLER.public.to_bytes(), CALLER.public.to_text().encode()):
        mac = hmac.digest(secret, body.encode(), hashlib.sha256)
        refuse(verifier, f"{body}.{b64(mac)}")


def test_a_changed_signature_is_refused(verifier):
    head, body, signature = sign_call(CALLER, audience=AUDIENCE, **CALL).split(".")
    changed = ("A" if signature[0] != "A" else "B") + signature[1:]
    refuse(verifier, f"{head}.{body}.{changed}")
    refuse(verifier, f"{head}.{body}.")


@pytest.mark.parametrize("token", ["", "x", "a.b", "a.b.c", "....", "é.é.é", "null", "\x00"])
def test_what_is_no_token_is_refused(verifier, token):
    refuse(verifier, token)


@given(st.text(max_size=200))
def test_any_text_is_refused_without_a_crash(token):
    refuse(CallVerifier(AUDIENCE, lambda _f: CALLER.public, Memory()), token)


def test_a_refused_token_is_not_remembered(verifier):
    token = sign_call(CALLER, audience=AUDIENCE, **CALL)
    refuse(verifier, token, body=b"other")
    assert verifier.verify(token, **CALL) == CALLER.public.fingerprint


def test_an_id_is_remembered_until_the_token_cannot_be_taken_any_more():
    memory = Memory()
    verifier = CallVerifier(AUDIENCE, {CALLER.public.fingerprint: CALLER.public}.get, memory)
    verifier.verify(forged(), **CALL)
    assert memory.seen["one"] > datetime.now(UTC) + timedelta(seconds=100)
