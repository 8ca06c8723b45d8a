"""Tokens: proved by a key or allowed by a person, and renewed before they end."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from services.fhir.client import (
    BackendTokens,
    ClientKey,
    FhirAwayError,
    FhirSignInError,
    FixedToken,
    Grant,
    GrantTokens,
    SmartConfiguration,
    smart_configuration,
)
from services.fhir.client.launch import begin, finish

URL = "https://ehr.example.test/token"
BASE = "https://ehr.example.test/fhir"
SMART = SmartConfiguration(
    token=URL,
    authorize="https://ehr.example.test/authorize",
    methods=frozenset({"S256"}),
    issuer="https://ehr.example.test",
)


class Server:
    """An authorization server that gives what it is told to; keeps what it was asked."""

    def __init__(self, **answer):
        self.answer = {"access_token": "t", "token_type": "Bearer", "expires_in": 300, **answer}
        self.status, self.forms, self.headers = 200, [], []
        self.numbered = True

    def client(self, *, timeout=None, cap=None):
        return httpx.AsyncClient(transport=httpx.MockTransport(self._give))

    async def _give(self, request):
        self.forms.append(dict(parse_qsl(request.content.decode())))
        self.headers.append(request.headers)
        await asyncio.sleep(0.01)
        said = dict(self.answer)
        if self.numbered and "access_token" in said:
            said["access_token"] = f"t{len(self.forms)}"
        return httpx.Response(self.status, json=said)


def pem(key) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


@pytest.fixture(scope="module")
def keys():
    return {
        "RS384": rsa.generate_private_key(65537, 2048),
        "ES384": ec.generate_private_key(ec.SECP384R1()),
    }


def backend(server, key, **changed):
    return BackendTokens(
        server,
        client_id="caretier",
        key=ClientKey(pem(key), "key-1"),
        token_url=URL,
        scope="system/*.rs",
        **changed,
    )


@pytest.mark.parametrize("algorithm", ["RS384", "ES384"])
async def test_a_program_proves_who_it_is_by_a_signed_assertion(algorithm, keys):
    server = Server()
    assert await backend(server, keys[algorithm]).token() == "t1"
    form = server.forms[0]
    assertion = form.pop("client_assertion")
    assert form == {
        "grant_type": "client_credentials",
        "scope": "system/*.rs",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    assert jwt.get_unverified_header(assertion)["kid"] == "key-1"
    claims = jwt.decode(
        assertion, keys[algorithm].public_key(), algorithms=[algorithm], audience=URL
    )
    assert claims["iss"] == claims["sub"] == "caretier"
    assert 0 < claims["exp"] - time.time() <= 300


async def test_each_assertion_is_another_one(keys):
    server = Server(expires_in=0)
    tokens = backend(server, keys["ES384"])
    for _ in range(3):
        await tokens.token(fresh=True)
    ids = {
        jwt.decode(form["client_assertion"], options={"verify_signature": False})["jti"]
        for form in server.forms
    }
    assert len(ids) == 3


async def test_a_token_is_used_until_shortly_before_it_ends(keys, monkeypatch):
    server = Server(expires_in="300")
    tokens = backend(server, keys["ES384"])
    assert [await tokens.token() for _ in range(3)] == ["t1"] * 3
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 265)
    assert await tokens.token() == "t1"
    monkeypatch.setattr(time, "time", lambda: now + 275)
    assert await tokens.token() == "t2"


async def test_many_callers_ask_for_one_token_together(keys):
    server = Server()
    tokens = backend(server, keys["ES384"])
    assert set(await asyncio.gather(*(tokens.token() for _ in range(20)))) == {"t1"}
    assert set(await asyncio.gather(*(tokens.token(fresh=True) for _ in range(20)))) == {"t2"}


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256R1()),
        ed25519.Ed25519PrivateKey.generate(),
        rsa.generate_private_key(65537, 1024),  # noqa: S505
    ],
)
async def test_a_key_of_another_kind_is_refused(key):
    with pytest.raises(FhirSignInError):
        await backend(Server(), key).token()


async def test_what_is_no_key_is_refused():
    with pytest.raises(FhirSignInError):
        ClientKey("not a key", "1").assertion("c", URL)
    assert "secret-key" not in repr(ClientKey("secret-key", "1"))


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (400, {"error": "invalid_client", "error_description": "Ana Example"}),
        (401, {"error": "Ana Example"}),
        (200, {"access_token": None}),
        (200, {"access_token": 7}),
        (200, {"access_token": "ü"}),
        (200, {"token_type": "mac"}),
    ],
)
async def test_what_is_no_token_is_refused_and_not_repeated(status, answer, keys):
    server = Server(**answer)
    server.status, server.numbered = status, False
    with pytest.raises(FhirSignInError) as refused:
        await backend(server, keys["ES384"]).token()
    assert "Ana" not in str(refused.value)


async def test_a_busy_authorization_server_is_told_from_one_that_refuses(keys):
    server = Server()
    server.status = 503
    with pytest.raises(FhirAwayError):
        await backend(server, keys["ES384"]).token()


async def test_a_fixed_token_is_what_it_is():
    assert await FixedToken("x").token(fresh=True) == "x"
    assert await FixedToken().token() is None


def old_grant(**changed) -> Grant:
    return replace(
        Grant("old", ends=0, refresh="r1", patient="p1", scope="patient/*.rs"), **changed
    )


async def test_a_grant_is_renewed_and_kept_before_it_is_used():
    kept = []

    async def keep(grant):
        kept.append(grant)

    server = Server(refresh_token="r2")
    tokens = GrantTokens(server, old_grant(), client_id="c", token_url=URL, keep=keep)
    assert await tokens.token() == "t1"
    assert server.forms == [
        {"grant_type": "refresh_token", "refresh_token": "r1", "client_id": "c"}
    ]
    assert [(g.refresh, g.patient, g.scope) for g in kept] == [("r2", "p1", "patient/*.rs")]
    assert tokens.grant is kept[0]


async def test_a_server_that_gives_no_new_refresh_token_leaves_the_old_one():
    server = Server()
    tokens = GrantTokens(server, old_grant(), client_id="c", token_url=URL)
    await tokens.token()
    await tokens.token(fresh=True)
    assert [form["refresh_token"] for form in server.forms] == ["r1", "r1"]


async def test_a_confidential_client_signs_in_with_its_secret():
    server = Server()
    tokens = GrantTokens(server, old_grant(), client_id="c", token_url=URL, secret="s")
    await tokens.token()
    assert server.headers[0]["authorization"].startswith("Basic ")
    assert "client_id" not in server.forms[0]


async def test_without_a_refresh_token_the_person_must_allow_it_anew():
    tokens = GrantTokens(Server(), old_grant(refresh=None), client_id="c", token_url=URL)
    with pytest.raises(FhirSignInError) as refused:
        await tokens.token()
    assert "Connect" in refused.value.advice


async def test_a_grant_does_not_show_its_tokens():
    grant = replace(old_grant(), access="secret-a", refresh="secret-r")
    assert "secret" not in repr(grant)


async def test_a_standalone_launch_is_bound_to_its_state_and_its_verifier():
    begun = begin(SMART, BASE, client_id="c", redirect="http://127.0.0.1:9000/back")
    asked = {k: v[0] for k, v in parse_qs(urlsplit(begun.url).query).items()}
    assert asked["aud"] == BASE
    assert asked["code_challenge_method"] == "S256"
    assert begun.verifier not in begun.url
    assert begun.verifier not in repr(begun)
    server = Server(patient="p7", refresh_token="r", scope="patient/*.rs")
    grant = await finish(server, SMART, begun, {"code": "abc", "state": begun.state})
    assert (grant.patient, grant.refresh) == ("p7", "r")
    assert server.forms == [
        {
            "grant_type": "authorization_code",
            "code": "abc",
            "redirect_uri": "http://127.0.0.1:9000/back",
            "code_verifier": begun.verifier,
            "client_id": "c",
        }
    ]


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"code": "abc"},
        {"code": "abc", "state": "other"},
        {"error": "access_denied"},
    ],
)
async def test_an_answer_of_another_launch_is_refused(answer):
    server = Server()
    begun = begin(SMART, BASE, client_id="c", redirect="http://127.0.0.1:9000/back")
    with pytest.raises(FhirSignInError):
        await finish(server, SMART, begun, answer)
    with pytest.raises(FhirSignInError):
        await finish(server, SMART, begun, {**answer, "state": begun.state, "code": ""})
    said = {"code": "abc", "state": begun.state, "iss": "https://evil.example"}
    with pytest.raises(FhirSignInError):
        await finish(server, SMART, begun, said)
    assert server.forms == []


@pytest.mark.parametrize(
    "changed",
    [
        {"authorize": None},
        {"authorize": "http://ehr.example.test/authorize"},
        {"authorize": "javascript:alert(1)"},
        {"methods": frozenset({"plain"})},
    ],
)
def test_a_server_without_a_safe_launch_is_refused(changed):
    with pytest.raises(FhirSignInError):
        begin(replace(SMART, **changed), BASE, client_id="c", redirect="http://127.0.0.1/back")


class Described:
    def __init__(self, status, body):
        self.status, self.body = status, body

    def client(self, *, timeout=None, cap=None):
        async def give(_request):
            return httpx.Response(self.status, content=self.body)

        return httpx.AsyncClient(transport=httpx.MockTransport(give))


async def test_a_server_says_where_its_tokens_come_from():
    body = (
        b'{"token_endpoint": "https://x.test/t", "authorization_endpoint": "https://x.test/a",'
        b'"capabilities": ["launch-standalone", 7], "scopes_supported": "patient/*.rs"}'
    )
    found = await smart_configuration(Described(200, body), BASE)
    assert (found.token, found.authorize) == ("https://x.test/t", "https://x.test/a")
    assert found.capabilities == {"launch-standalone"}
    assert found.scopes == frozenset()


@pytest.mark.parametrize(
    ("status", "body"),
    [(404, b"{}"), (200, b"<html>"), (200, b"[]"), (200, b'{"token_endpoint": 1}')],
)
async def test_a_server_that_does_not_say_so_is_refused(status, body):
    with pytest.raises(FhirSignInError):
        await smart_configuration(Described(status, body), BASE)
