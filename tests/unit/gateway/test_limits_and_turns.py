"""Limits a minute, turns between keys, and what happens when there is too much."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import httpx
import openai
import pytest
from support.stub_engine import ask

from services.hospital.gateway.errors import GatewayFullError, RateLimitError
from services.hospital.gateway.limits import Allowance, Limits
from services.hospital.gateway.slots import Slots


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_key_may_send_so_many_requests_and_then_waits_for_the_next():
    clock = Clock()
    limits, allowance = Limits(clock), Allowance(requests=6)
    for _ in range(6):
        limits.admit("k", allowance)
    with pytest.raises(RateLimitError) as refused:
        limits.admit("k", allowance)
    assert refused.value.retry_after == 10
    clock.now += 10
    limits.admit("k", allowance)
    limits.admit("other", allowance)


def test_headers_say_what_is_left_and_when_the_bucket_is_full():
    clock = Clock()
    headers = Limits(clock).admit("k", Allowance(requests=60, tokens=1200), 600)
    assert headers == {
        "x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": "1.000s", "x-ratelimit-limit-tokens": "1200",
        "x-ratelimit-remaining-tokens": "600", "x-ratelimit-reset-tokens": "30.000s",
    }  # fmt: skip


def test_tokens_that_were_reserved_and_not_used_come_back():
    clock = Clock()
    limits, allowance = Limits(clock), Allowance(tokens=1000)
    limits.admit("k", allowance, 900)
    with pytest.raises(RateLimitError, match="tokens a minute"):
        limits.admit("k", allowance, 900)
    limits.settle("k", allowance, 900, 50)
    limits.admit("k", allowance, 900)


def test_a_request_that_is_refused_for_its_tokens_takes_no_request():
    clock = Clock()
    limits, allowance = Limits(clock), Allowance(requests=1, tokens=100)
    limits.settle("k", allowance, 0, 100)
    with pytest.raises(RateLimitError):
        limits.admit("k", allowance, 50)
    clock.now += 60
    assert limits.admit("k", allowance, 50)["x-ratelimit-remaining-requests"] == "0"


def test_a_request_larger_than_the_bucket_goes_through_when_it_is_full():
    limits, allowance = Limits(Clock()), Allowance(tokens=100)
    limits.admit("k", allowance, 5000)
    with pytest.raises(RateLimitError) as refused:
        limits.admit("k", allowance, 1)
    assert refused.value.retry_after > 60


def test_a_limit_that_an_operator_changes_holds_at_once():
    limits = Limits(Clock())
    limits.admit("k", Allowance(requests=1))
    limits.admit("k", Allowance(requests=5))
    assert limits.admit("k", Allowance()) == {}


@pytest.mark.asyncio(loop_scope="module")
async def test_so_many_run_at_once_and_the_others_wait():
    slots, running, most = Slots(3, 100, 5), 0, 0

    async def one() -> None:
        nonlocal running, most
        async with slots.slot("k"):
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.001)
            running -= 1

    await asyncio.gather(*(one() for _ in range(30)))
    assert most == 3
    assert (slots.running, slots.waiting) == (0, 0)


@pytest.mark.asyncio(loop_scope="module")
async def test_keys_take_turns_however_many_requests_one_has_sent():
    slots, order = Slots(1, 100, 5), []

    async def one(key: str) -> None:
        async with slots.slot(key):
            order.append(key)
            await asyncio.sleep(0)

    greedy = [asyncio.ensure_future(one("greedy")) for _ in range(20)]
    await asyncio.sleep(0)
    modest = [asyncio.ensure_future(one("modest")) for _ in range(3)]
    await asyncio.gather(*greedy, *modest)
    assert order.index("modest") <= 3
    assert [i for i, key in enumerate(order) if key == "modest"][-1] <= 7


@pytest.mark.asyncio(loop_scope="module")
async def test_one_more_than_may_wait_is_told_when_to_come_again():
    slots = Slots(1, 1, 5)
    async with slots.slot("a"):
        waiting = asyncio.ensure_future(_hold(slots, "b"))
        await asyncio.sleep(0)
        with pytest.raises(GatewayFullError) as refused:
            async with slots.slot("c"):
                pass
        assert 1 <= refused.value.retry_after <= 60
    await waiting


@pytest.mark.asyncio(loop_scope="module")
async def test_a_turn_that_does_not_come_is_not_waited_for_for_ever():
    slots = Slots(1, 1, 0.02)
    async with slots.slot("a"):
        with pytest.raises(GatewayFullError, match=r"0\.02 s"):
            async with slots.slot("b"):
                pass
        assert slots.waiting == 0
    async with slots.slot("b"):
        assert slots.running == 1


@pytest.mark.asyncio(loop_scope="module")
async def test_however_waits_are_given_up_no_slot_is_lost():
    slots = Slots(2, 100, 5)
    tasks = [asyncio.ensure_future(_hold(slots, f"k{n % 3}")) for n in range(40)]
    for number, task in enumerate(tasks):
        if number % 3 == 0:
            await asyncio.sleep(0.0005)
            task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*tasks, return_exceptions=True)
    assert (slots.running, slots.waiting) == (0, 0)


async def _hold(slots: Slots, key: str) -> None:
    async with slots.slot(key):
        await asyncio.sleep(0.001)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_key_beyond_its_limit_gets_openais_error_with_retry_after(here):
    here.user("small", "engine", requests=2)
    client = here.client("small")
    for _ in range(2):
        await client.chat.completions.create(**ask())
    with pytest.raises(openai.RateLimitError) as refused:
        await client.chat.completions.create(**ask())
    assert refused.value.code == "rate_limit_exceeded"
    assert int(refused.value.response.headers["retry-after"]) <= 30
    assert len(here.stub.seen) == 2


@pytest.mark.asyncio(loop_scope="module")
async def test_tokens_are_counted_by_what_the_engine_says_also_of_streams(here):
    here.user("small", "engine", tokens=10_000)
    left = []
    for stream in (False, True):
        reply = await here.post(ask(stream=stream, max_tokens=100), "small")
        left.append(reply.headers["x-ratelimit-remaining-tokens"])
        assert reply.headers["x-ratelimit-limit-tokens"] == "10000"
    reserved = 100 + len("Hello") // 3 + 8
    assert int(left[0]) == 10_000 - reserved
    assert int(left[1]) >= 10_000 - 12 - reserved


@pytest.mark.asyncio(loop_scope="module")
async def test_limits_hold_for_the_consult_path_too(here):
    here.user("small", "chat", requests=1)
    here.gateway.desk.limits.admit("small", Allowance(requests=1))
    reply = await here.post(ask(model="caretier"), "small")
    assert reply.status_code == 429


@pytest.mark.asyncio(loop_scope="module")
async def test_more_than_may_run_and_wait_is_told_to_come_again(here):
    here.stub.pause = 0.2
    replies = await asyncio.gather(*(here.post(ask()) for _ in range(12)))
    states = sorted(reply.status_code for reply in replies)
    assert states == [200] * 8 + [503] * 4
    full = [reply for reply in replies if reply.status_code == 503]
    assert all(reply.headers["retry-after"] for reply in full)
    assert full[0].json()["error"]["code"] == "gateway_full"
    assert here.stub.most_running == 4


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.asyncio(loop_scope="module")
async def test_a_caller_who_goes_away_ends_the_work_at_the_server(here, stream):
    here.stub.pause, here.stub.pieces = 1.0, 50
    asked = asyncio.ensure_future(here.post(ask(stream=stream)))
    await _until(lambda: here.stub.running == 1)
    asked.cancel()
    await _until(lambda: here.stub.cancelled == 1)
    assert here.stub.running == 0
    await _until(lambda: here.gateway.desk.slots.running == 0)
    assert here.engine.leased["amber"] == 0


async def _until(done) -> None:
    async with asyncio.timeout(3):
        while not done():  # noqa: ASYNC110 - the server runs in this loop, and has no event
            await asyncio.sleep(0.01)


@pytest.mark.asyncio(loop_scope="module")
async def test_figures_tell_of_requests_tokens_and_red_flags(here):
    await here.post(ask("I have crushing chest pain and my left arm is numb"))
    async with httpx.AsyncClient(base_url=here.address, trust_env=False) as http:
        text = (await http.get("/metrics")).text
    assert 'caretier_gateway_requests_total{model="amber",status="200"}' in text
    assert 'caretier_gateway_tokens_total{model="amber"}' in text
    assert 'caretier_gateway_red_flags_total{level="emergency"}' in text
    assert "caretier_gateway_waiting 0.0" in text
    assert "crushing" not in text
