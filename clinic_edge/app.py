"""The clinic's FastAPI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from clinic_edge.service import Clinic
from clinic_edge.settings import ClinicSettings
from services.bricks.routes import bricks_router
from services.bricks.updater.metrics import BrickMetrics
from services.bricks.updater.routes import pin_router
from services.exchange.courier import running
from services.exchange.messages import MAX_SEALED_CHARS
from services.exchange.routes import NodeCaller, exchange_router
from services.exchange.tokens import CallVerifier
from services.web.app import LOOPBACK_HOSTS, create_app, join


def create(settings: ClinicSettings | None = None, clinic: Clinic | None = None) -> FastAPI:
    """Build the application; ``clinic`` may be given by tests."""
    chosen = settings or ClinicSettings()
    here = clinic or Clinic(chosen)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(lambda: here.node)  # load before "ready"
        async with running(
            here.answer_loop(),
            here.carry_loop(),
            here.tidy_loop(),
            here.node.follow(),
            here.bricks.loop(chosen.bricks_minutes * 60),
            here.measures.loop(chosen.measures_minutes * 60),
            *([here.learning.loop(chosen.learn_minutes * 60)] if chosen.learn else []),
        ):
            yield
        await here.close()

    hosts = (*LOOPBACK_HOSTS, *(h.strip() for h in chosen.hosts.split(",") if h.strip()))
    app = create_app(
        "Caretier clinic",
        ready=here.ready,
        lifespan=lifespan,
        hosts=hosts,
        large={"/v1/referrals": MAX_SEALED_CHARS + (1 << 20)},
    )
    app.state.clinic = here
    app.state.metrics.register(BrickMetrics(chosen.data / "bricks"))
    nodes = NodeCaller(CallVerifier(here.keys.fingerprint, here.registry.lookup, here.registry))
    join(
        app,
        exchange_router(here.keys, here.registry, here.intake, here.above, here.witness),
        bricks_router(here.bricks.copy, nodes),
        pin_router(here.bricks.pin, nodes),
    )
    return app
