"""The gateway in its place at the hospital: keys, people, limits of a key, and the audit trail."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from support.stub_engine import Stub, StubHost, adapter_brick, ask
from support.trail import Trail
from typer.testing import CliRunner

from services.consult.triage import Triager
from services.engines.errors import EngineError
from services.hospital.app import create
from services.hospital.commands import app as commands
from services.hospital.gateway.request import ExpertChat
from services.hospital.gateway.served import ServedBackend
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings

PRIVATE = "My neighbour Hollingsberry takes furosemide"


@pytest.fixture
def stub() -> Stub:
    return Stub()


@pytest.fixture
async def hospital(tmp_path, triage_rules, stub, behind_a_socket):
    address = await behind_a_socket(stub.app())
    engine = StubHost(f"{address}/v1")
    node: Any = SimpleNamespace(engine=engine, triage=Triager(triage_rules), index=None)
    made = Hospital(HospitalSettings(data=tmp_path / "hospital"), node)
    made.intake.audit = Trail()
    for name in ("amber", "birch"):
        adapter_brick(made.experts._store, name)
    await made.experts.push("amber")
    yield made
    await made.gateway.close()
    await engine.close()
    made.database.close()


@pytest.fixture
async def client(hospital):
    transport = httpx.ASGITransport(app=create(hospital.settings, hospital))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as made:
        yield made


def key(hospital, scopes: str, **limits: int) -> dict[str, str]:
    return {"authorization": f"Bearer {hospital.accounts.keys.make('program', scopes, **limits)}"}


def acts(hospital) -> list[tuple[str, str]]:
    """Our own code of each event, and the first thing it is about."""
    events = hospital.intake.audit.events
    return [
        (e["subtype"][-1]["code"], e["entity"][0]["what"]["identifier"]["value"]) for e in events
    ]


async def test_a_key_of_an_engine_asks_an_expert_within_its_own_limits(hospital, client):
    headers = key(hospital, "engine", requests=1)
    first = await client.post("/v1/chat/completions", json=ask(), headers=headers)
    assert first.status_code == 200
    assert first.headers["x-ratelimit-limit-requests"] == "1"
    second = await client.post("/v1/chat/completions", json=ask(), headers=headers)
    assert second.status_code == 429
    free = key(hospital, "engine", requests=0)
    again = await client.post("/v1/chat/completions", json=ask(), headers=free)
    assert "x-ratelimit-limit-requests" not in again.headers


async def test_the_trail_tells_who_asked_which_model_and_not_what(hospital, client):
    hospital.intake.audit.events.clear()
    headers = key(hospital, "engine")
    hospital.intake.audit.events.clear()
    reply = await client.post("/v1/chat/completions", json=ask(PRIVATE), headers=headers)
    written = json.dumps(hospital.intake.audit.events)
    assert "Hollingsberry" not in written
    assert "amber" in written
    assert reply.headers["x-request-id"] in written
    hospital.intake.audit.fails = True
    refused = await client.post("/v1/chat/completions", json=ask(PRIVATE), headers=headers)
    assert refused.status_code == 503


async def test_nothing_of_a_conversation_is_logged(hospital, client, stub, caplog):
    headers = key(hospital, "engine")
    with caplog.at_level(0):
        await client.post("/v1/chat/completions", json=ask(PRIVATE), headers=headers)
        stub.fault = (500, {"error": PRIVATE})
        await client.post("/v1/chat/completions", json=ask(PRIVATE), headers=headers)
        await client.post("/v1/chat/completions", json=ask(PRIVATE, top_k=PRIVATE), headers=headers)
    assert "Hollingsberry" not in caplog.text


async def test_neither_a_redirect_nor_a_cookie_of_the_server_leads_anywhere(behind_a_socket):
    seen: list[Request] = []
    server = FastAPI()

    @server.post("/v1/chat/completions")
    @server.post("/elsewhere")
    async def answer(request: Request) -> Response:
        seen.append(request)
        return RedirectResponse("/elsewhere", 307, {"set-cookie": "who=you; Path=/"})

    engine = StubHost(f"{await behind_a_socket(server)}/v1")
    backend = ServedBackend(engine, idle=5)
    chat = ExpertChat.read(json.dumps(ask(model="base")).encode())
    for _ in range(2):
        with pytest.raises(EngineError, match="answered 307"):
            await backend.whole(chat, None)
    assert [(r.url.path, dict(r.cookies)) for r in seen] == [("/v1/chat/completions", {})] * 2
    await backend.close()
    await engine.close()


async def test_a_revoked_key_is_told_so_in_openais_words(hospital, client):
    headers = key(hospital, "engine")
    token = headers["authorization"].removeprefix("Bearer ")
    hospital.accounts.keys.revoke(hospital.accounts.keys.find(token).id)
    reply = await client.post("/v1/chat/completions", json=ask(), headers=headers)
    assert reply.status_code == 401
    assert reply.json()["error"]["code"] == "invalid_api_key"


async def test_a_key_for_answers_from_sources_reaches_no_raw_model(hospital, client, stub):
    headers = key(hospital, "chat")
    for model in ("amber", "base", "auto"):
        reply = await client.post("/v1/chat/completions", json=ask(model=model), headers=headers)
        assert reply.status_code == 404
    assert stub.seen == []


async def test_an_operator_pushes_and_pops_and_both_are_on_the_trail_first(hospital, client):
    headers = key(hospital, "operator")
    hospital.intake.audit.events.clear()
    pushed = await client.put("/v1/experts/birch", json={"brick": "birch@1"}, headers=headers)
    assert pushed.json()["ready"] is True
    listed = (await client.get("/v1/experts", headers=headers)).json()["experts"]
    assert [one["id"] for one in listed] == ["amber", "birch"]
    await client.delete("/v1/experts/birch", headers=headers)
    assert acts(hospital) == [("expert", "birch@1"), ("expert", "birch")]
    hospital.intake.audit.fails = True
    assert (await client.delete("/v1/experts/amber", headers=headers)).status_code == 503
    assert [expert.id for expert in hospital.experts.ready()] == ["amber"]


@pytest.mark.parametrize("name", ["Amber", "a b", "..", "a" * 60])
async def test_a_name_that_no_brick_has_is_no_expert(hospital, client, name):
    reply = await client.put(f"/v1/experts/{name}", headers=key(hospital, "operator"))
    assert reply.status_code in {404, 422}


def test_the_command_gives_a_key_its_limits(tmp_path):
    arguments = ["--data", str(tmp_path), "key", "bench", "engine", "--requests", "5"]
    done = CliRunner().invoke(commands, [*arguments, "--tokens", "0"])
    assert done.exit_code == 0, done.output
    made = Hospital(HospitalSettings(data=tmp_path / "hospital"))
    found = made.accounts.keys.find(done.stdout.split()[-1])
    assert (found.requests, found.tokens) == (5, 0)
    made.database.close()
