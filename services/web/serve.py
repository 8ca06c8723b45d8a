"""Run an application with uvicorn: quiet logs, no access log (addresses may name a person)."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from services.web.hurried import HurriedProtocol
from services.web.memory import kept_for_good, limit_arenas

SHUTDOWN_SECONDS = 5
PRIVATE_UMASK = 0o077
"""Whatever a node writes, its user alone can read."""


def serve(create: Callable[[], FastAPI], host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM; streams get SHUTDOWN_SECONDS to end.

    Args:
        create: imports and builds the application.
        host: address to listen at.
        port: TCP port.
    """
    limit_arenas()
    os.umask(PRIVATE_UMASK)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    for noisy in ("httpx", "presidio-analyzer", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    with kept_for_good():
        application = create()
    uvicorn.run(
        application,
        host=host,
        port=port,
        access_log=False,
        log_config=None,
        server_header=False,
        http=HurriedProtocol,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
