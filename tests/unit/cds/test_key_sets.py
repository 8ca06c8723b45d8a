"""Key sets are fetched once, again when they are old, and never waited for."""

from __future__ import annotations

import asyncio
import time

from support.cds_ehr import JWKS, key_set

from services.fhir.cds.keysets import AGAIN_SECONDS, FRESH_SECONDS, USED_SECONDS, KeySets


class Source:
    def __init__(self):
        self.calls, self.keys, self.now = 0, key_set(), 1000.0

    async def get(self, _url):
        self.calls += 1
        if self.keys is None:
            raise OSError
        return self.keys

    def sets(self):
        return KeySets(self.get, lambda: self.now)


async def test_a_set_is_fetched_once_for_many_calls():
    source = Source()
    sets = source.sets()
    for _ in range(5):
        assert (await sets.find(JWKS, "e1"))["kid"] == "e1"
    assert source.calls == 1


async def test_a_new_key_is_found_after_rotation():
    source = Source()
    sets = source.sets()
    await sets.find(JWKS, "e1")
    source.keys = {"keys": [{**source.keys["keys"][1], "kid": "e2"}]}
    source.now += AGAIN_SECONDS + 1
    assert (await sets.find(JWKS, "e2"))["kid"] == "e2"
    assert await sets.find(JWKS, "e1") is None


async def test_unknown_keys_do_not_make_a_call_each():
    source = Source()
    sets = source.sets()
    for number in range(20):
        assert await sets.find(JWKS, f"made-up-{number}") is None
    assert source.calls == 1


async def test_a_server_that_is_away_does_not_take_the_known_keys_away_at_once():
    source = Source()
    sets = source.sets()
    await sets.find(JWKS, "e1")
    source.keys, source.now = None, source.now + FRESH_SECONDS + 1
    assert await sets.find(JWKS, "e1") is not None
    source.now += USED_SECONDS
    assert await sets.find(JWKS, "e1") is None


async def test_a_server_that_hangs_delays_a_call_only_a_little():
    async def hang(_url):
        await asyncio.sleep(30)

    sets = KeySets(hang)
    began = time.perf_counter()
    assert await sets.find(JWKS, "e1") is None
    assert time.perf_counter() - began < 0.3
    await sets.close()
