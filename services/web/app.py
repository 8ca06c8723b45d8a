"""The frame of every HTTP face: one factory for hospital, clinic and device."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from types import MappingProxyType
from typing import Any

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.routing import APIRoute
from prometheus_client import CollectorRegistry, generate_latest

from services.web import problems
from services.web.assets import SHARED, assets
from services.web.guard import Dress, Guard

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
BODY_LIMIT = 2 << 20
"""Largest request body by default, in bytes."""

PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "A problem document (RFC 9457).",
        "content": {
            problems.MEDIA_TYPE: {
                "schema": {
                    "type": "object",
                    "required": ["type", "title", "status"],
                    "properties": {
                        "type": {"type": "string"},
                        "title": {"type": "string"},
                        "status": {"type": "integer"},
                        "detail": {"type": "string"},
                        "remedy": {"type": "string"},
                    },
                }
            }
        },
    }
}


def create_app(
    title: str,
    *,
    ready: Callable[[], dict[str, bool]],
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None,
    hosts: Iterable[str] = LOOPBACK_HOSTS,
    limit: int = BODY_LIMIT,
    large: Mapping[str, int] = MappingProxyType({}),
    base_url: str | None = None,
    dress: Dress = lambda _path, problem: problem,
    version: str = "0.1.0",
) -> FastAPI:
    """Make an application.

    Args:
        title: name in the OpenAPI document.
        ready: named checks for ``/readyz``; all must be true.
        lifespan: opened at start, closed at the end.
        hosts: host names it answers to; empty for any (behind a proxy that checks).
        limit: largest request body in bytes.
        large: the same by path, where more is taken; such a route must know its caller before it
            reads the body.
        base_url: absolute URL under which the outside knows the server (`services.web.address`).
        dress: gives a refusal of the frame the form that the callers of a path understand.
        version: of the software.
    """
    app = FastAPI(
        title=title,
        version=version,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses=PROBLEM_RESPONSES,
    )
    metrics = CollectorRegistry()
    app.state.metrics = metrics
    app.state.base_url = base_url.rstrip("/") if base_url else None
    problems.install(app)
    app.add_middleware(
        Guard, hosts=tuple(hosts), limit=limit, large=large, metrics=metrics, dress=dress
    )
    app.mount("/static/caretier", assets("caretier", SHARED), name="caretier")

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> PlainTextResponse:
        return PlainTextResponse("ok\n")

    @app.get("/readyz", include_in_schema=False)
    def readyz() -> Response:
        checks = ready()
        return JSONResponse(checks, status_code=200 if all(checks.values()) else 503)

    @app.get("/metrics", include_in_schema=False)
    async def metrics_page() -> PlainTextResponse:
        text = generate_latest(metrics).decode()
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4")

    return app


def join(app: FastAPI, *routers: APIRouter) -> None:
    """Take the routes of routers as they are, in their order.

    ``include_router`` makes each route a second time, with what it inherits, and walks through all
    routers at each request. Here nothing is inherited but the responses that each route tells of.
    """
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute):
                route.responses = {**app.router.responses, **route.responses}
        app.router.routes.extend(router.routes)
