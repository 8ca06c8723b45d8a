"""The keys of clients: fetched when needed, kept within bounds, exchanged when they like."""

from __future__ import annotations

import json

import httpx
import pytest
from support.smart import Key, jwks

from compliance.access import Scopes
from services.hospital.smart.client_keys import ClientKeys
from services.hospital.smart.clients import Client
from services.hospital.smart.errors import OAuthError
from services.web.outbound import Outbound

URL = "https://app.example.org/jwks.json"
CLIENT = Client("c", "C", "asymmetric", Scopes(), jwks_uri=URL)
FIRST, SECOND = Key.ec("first"), Key.ec("second")


class Served(Outbound):
    """Answers in the place of the client's own server."""

    def __init__(self) -> None:
        super().__init__(["https://app.example.org"])
        self.calls, self.text, self.headers, self.status = 0, jwks(FIRST), {}, 200

    def client(self, **_more):
        return httpx.AsyncClient(transport=httpx.MockTransport(self.answer))

    def answer(self, _request):
        self.calls += 1
        return httpx.Response(self.status, text=self.text, headers=self.headers)


class Clock:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def served():
    return Served()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def keys(served, clock):
    return ClientKeys(served, clock)


async def test_a_set_is_fetched_once_and_kept(keys, served, clock):
    for _ in range(3):
        assert (await keys.find(CLIENT, "first")).algorithm == "ES384"
        clock.now += 90
    assert served.calls == 1


@pytest.mark.parametrize(
    ("directive", "kept"),
    [("", 300), ("max-age=10", 300), ("public, max-age=900", 900), ("max-age=99999999", 86_400)],
)
async def test_a_set_is_kept_as_long_as_its_answer_says_within_bounds(
    keys, served, clock, directive, kept
):
    served.headers = {"cache-control": directive}
    await keys.find(CLIENT, "first")
    clock.now += kept - 1
    await keys.find(CLIENT, "first")
    assert served.calls == 1
    clock.now += 2
    await keys.find(CLIENT, "first")
    assert served.calls == 2


async def test_a_key_that_is_new_is_looked_for_once_a_minute(keys, served, clock):
    await keys.find(CLIENT, "first")
    served.text = jwks(FIRST, SECOND)
    clock.now += 5
    with pytest.raises(OAuthError):
        await keys.find(CLIENT, "second")
    assert served.calls == 1
    clock.now += 60
    assert (await keys.find(CLIENT, "second")).id == "second"
    assert served.calls == 2
    for _ in range(5):
        with pytest.raises(OAuthError):
            await keys.find(CLIENT, "unknown")
    assert served.calls == 2


async def test_a_key_that_is_taken_out_is_refused_once_the_set_is_over(keys, served, clock):
    await keys.find(CLIENT, "first")
    served.text = jwks(SECOND)
    clock.now += 301
    with pytest.raises(OAuthError):
        await keys.find(CLIENT, "first")


async def test_a_server_that_is_away_leaves_what_is_kept_until_it_is_over(keys, served, clock):
    await keys.find(CLIENT, "first")
    served.status = 503
    clock.now += 200
    with pytest.raises(OAuthError):
        await keys.find(CLIENT, "second")
    await keys.find(CLIENT, "first")
    clock.now += 101
    with pytest.raises(OAuthError):
        await keys.find(CLIENT, "first")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"keys": 1}', '{"keys": [1]}', "[" * 100_000, '{"keys": []}'],
)
async def test_what_is_no_set_gives_no_key(keys, served, text):
    served.text = text
    with pytest.raises(OAuthError):
        await keys.find(CLIENT, "first")


async def test_a_set_with_two_keys_of_one_kid_is_not_used_at_all(keys, served):
    served.text = jwks(FIRST, SECOND, Key.ec("second"))
    with pytest.raises(OAuthError, match="one kid"):
        await keys.find(CLIENT, "first")


async def test_keys_for_other_ends_are_passed_over(keys, served):
    described = [FIRST.public() | {"use": "enc"}, SECOND.public() | {"alg": "ES256"}]
    served.text = json.dumps({"keys": described})
    for id_ in ("first", "second"):
        with pytest.raises(OAuthError):
            await keys.find(CLIENT, id_)


async def test_an_address_that_no_operator_listed_is_not_called(clock):
    keys = ClientKeys(Outbound([]), clock)
    with pytest.raises(OAuthError, match="may not be called"):
        await keys.find(CLIENT, "first")
