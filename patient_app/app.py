"""The device's FastAPI application."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from compliance.errors import CaretierError
from patient_app.onboarding import onboarding_router
from patient_app.pages import router as pages_router
from patient_app.routes import device_router
from patient_app.service import Device
from patient_app.sessions import Sessions
from patient_app.settings import DeviceSettings
from patient_app.trouble import InReadersLanguage
from services.exchange.courier import running
from services.web.app import LOOPBACK_HOSTS, create_app, join
from services.web.templating import mount_static

_LOG = logging.getLogger("caretier.device")
STATIC = Path(__file__).parent / "static"
RECORD_LIMIT = 64 << 20
"""A person's whole record may be imported at once: largest request body in bytes."""


def create(settings: DeviceSettings | None = None, device: Device | None = None) -> FastAPI:
    """Build the application; ``device`` may be given by tests."""
    chosen = settings or DeviceSettings()
    here = device or Device(chosen)
    sessions = Sessions(here)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(lambda: (here.node, here.discloser))  # load before "ready"
        if chosen.passphrase() is not None:
            for person in here.people():
                try:
                    await asyncio.to_thread(here.member, person)
                except CaretierError as error:  # one bad vault must not lock out the others
                    _LOG.warning("a vault stays locked: %s", error.kind)
        bricks = here.bricks.loop(here.members.values, chosen.bricks_minutes * 60)
        loops = (here.delivery_loop(), here.tidy_loop(), here.learning_loop(), bricks)
        async with running(*loops, sessions.idle_loop(), here.node.follow()):
            yield
        await here.close()

    hosts = (*LOOPBACK_HOSTS, *(h.strip() for h in chosen.hosts.split(",") if h.strip()))
    app = create_app(
        "Caretier device",
        ready=lambda: {"models": True},
        lifespan=lifespan,
        hosts=hosts,
        large={"/api/record": RECORD_LIMIT},
    )
    app.state.device = here
    app.add_middleware(InReadersLanguage, language=sessions.language)
    join(app, device_router(here, sessions))
    mount_static(app, patient=STATIC)
    join(app, pages_router(sessions), onboarding_router(sessions))
    return app
