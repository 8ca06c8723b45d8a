"""The guard within vLLM's process."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI

from services.engines.vllm.inside.require_key import RequireKey


@pytest.fixture
async def client(monkeypatch):
    monkeypatch.setenv("VLLM_API_KEY", "right")
    app = FastAPI()
    app.get("/{path:path}")(lambda path: path)
    transport = httpx.ASGITransport(RequireKey(app))
    async with httpx.AsyncClient(transport=transport, base_url="http://vllm") as made:
        yield made


@pytest.mark.parametrize("path", ["/invocations", "/adapters", "/metrics", "/v1/x", "/health/"])
@pytest.mark.parametrize("given", [None, "", "Bearer", "Bearer wrong", "right", "Bearer righté"])
async def test_without_the_key_every_path_is_refused(client, path, given):
    headers = {} if given is None else {"authorization": given.encode()}
    assert (await client.get(path, headers=headers)).status_code == 401


async def test_two_keys_are_none(client):
    headers = [("authorization", "Bearer right"), ("authorization", "Bearer wrong")]
    assert (await client.get("/metrics", headers=headers)).status_code == 401


async def test_with_the_key_the_server_answers(client):
    headers = {"authorization": "Bearer right"}
    assert (await client.get("/metrics", headers=headers)).status_code == 200


async def test_whether_it_is_well_may_be_asked_by_anybody(client):
    assert (await client.get("/health")).status_code == 200


async def test_a_connection_that_stays_open_is_closed(monkeypatch):
    monkeypatch.setenv("VLLM_API_KEY", "right")
    sent: list[dict] = []

    async def send(message: dict) -> None:
        sent.append(message)

    guard = RequireKey(None)
    await guard({"type": "websocket", "path": "/v1/realtime", "headers": []}, None, send)
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_without_a_key_in_its_environment_it_does_not_start(monkeypatch):
    monkeypatch.delenv("VLLM_API_KEY", raising=False)
    with pytest.raises(KeyError):
        RequireKey(None)
