"""A gateway behind a real socket, before a server that does as it is told."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import httpx
import openai
import pytest
import pytest_asyncio
from fastapi import FastAPI, Request
from support.serving import serving
from support.stub_engine import Stub, StubHost, adapter_brick

from compliance.audit import Agent
from services.bricks.store import BrickStore
from services.consult.triage import Triager
from services.exchange.errors import NotAuthenticatedError
from services.experts import Experts
from services.experts.adapters import host_of
from services.experts.routes import experts_router
from services.hospital.audited import Caller
from services.hospital.gateway import Gateway, GatewaySettings, ModelUser
from services.hospital.gateway.limits import Limits
from services.hospital.gateway.routes import gateway_router
from services.hospital.gateway.wire import as_openai
from services.store.database import Database
from services.web.app import create_app

PATIENCE = 0.4


@dataclass
class Here:
    """The gateway, what is around it, and clients of it."""

    app: FastAPI
    gateway: Gateway
    experts: Experts
    store: BrickStore
    stub: Stub
    engine: StubHost
    audited: list[tuple[str, str]] = field(default_factory=list)
    users: dict[str, ModelUser] = field(default_factory=dict)
    address: str = ""
    opened: list[openai.AsyncOpenAI] = field(default_factory=list)

    def user(self, key: str, words: str, **more: Any) -> None:
        """Let a key in with these scopes."""
        caller = Caller(Agent("application", key))
        self.users[key] = ModelUser(caller, tuple(words.split()), **more)

    def client(self, key: str = "all", **more: Any) -> openai.AsyncOpenAI:
        """OpenAI's own client."""
        base = f"{self.address}/v1"
        made = openai.AsyncOpenAI(base_url=base, api_key=key, max_retries=0, **more)
        self.opened.append(made)
        return made

    async def post(self, body: Any, key: str = "all") -> httpx.Response:
        """A request as it is, without a client that mends it."""
        sent = {"content": body} if isinstance(body, bytes) else {"json": body}
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        async with httpx.AsyncClient(base_url=self.address, trust_env=False) as http:
            return await http.post("/v1/chat/completions", headers=headers, **sent)


@pytest.fixture(scope="module")
def limits() -> GatewaySettings:
    """Settings of the gateway; a module may give others."""
    return GatewaySettings(running=4, waiting=4, patience=PATIENCE, seconds=5, idle=2)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory, limits, triage_rules) -> AsyncIterator[Here]:
    """Everything, started once for a module."""
    folder = tmp_path_factory.mktemp("gateway")
    database = Database(f"sqlite:///{folder}/experts.db")
    database.migrate("services.experts")
    store, stub = BrickStore(folder / "bricks"), Stub()
    async with _behind_a_socket(stub.app()) as upstream:
        engine = StubHost(f"{upstream}/v1")
        node: Any = SimpleNamespace(engine=engine, triage=Triager(triage_rules), index=None)
        experts = Experts(database, store, lambda: host_of(node.engine), drain=2)
        audited: list[tuple[str, str]] = []
        gateway = Gateway(
            experts,
            lambda: node,
            audit=lambda caller, _id, model: audited.append((caller.application.id, model)),
            settings=limits,
        )
        app = create_app(
            "gateway", ready=dict, dress=lambda path, problem: as_openai(path, problem) or problem
        )
        made = Here(app, gateway, experts, store, stub, engine, audited)
        _add(made)
        for name in ("amber", "birch"):
            adapter_brick(store, name)
            await experts.push(name)
        async with _behind_a_socket(app) as address:
            made.address = address
            yield made
        await gateway.close()
        await engine.close()
    database.close()


@pytest_asyncio.fixture(loop_scope="module")
async def here(place) -> AsyncIterator[Here]:
    """The same, as if nothing had happened before."""
    for name, value in vars(Stub()).items():
        setattr(place.stub, name, value)
    place.audited.clear()
    place.users.clear()
    place.gateway.desk.limits = Limits()
    place.user("all", "chat engine engine.base")
    yield place
    for client in place.opened:
        await client.close()
    place.opened.clear()


def _add(made: Here) -> None:
    door, desk = _door(made), made.gateway.desk
    made.app.include_router(gateway_router(made.gateway, door))
    made.app.include_router(
        experts_router(
            made.experts,
            made.gateway.choose,
            operate=door,
            ask=door,
            audit=lambda _who, expert, change: made.audited.append((expert, change)),
        )
    )
    slots = desk.slots
    desk.metrics.publish(made.app.state.metrics, lambda: slots.running, lambda: slots.waiting)


@pytest_asyncio.fixture
async def behind_a_socket():
    """Gives an application an address for as long as a test runs."""
    async with AsyncExitStack() as stack:

        async def serve(app: Any) -> str:
            return await stack.enter_async_context(_behind_a_socket(app))

        yield serve


@asynccontextmanager
async def _behind_a_socket(app: FastAPI) -> AsyncIterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with serving(app, port):
        yield f"http://127.0.0.1:{port}"


def _door(here: Here) -> Any:
    def authorise(request: Request) -> ModelUser:
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        if key not in here.users:
            raise NotAuthenticatedError("The key is unknown or revoked.")
        return here.users[key]

    return authorise
