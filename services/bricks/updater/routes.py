"""Handing on the root that a node below is to trust, as the hospital signed it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Depends

from services.bricks.updater.pin import RootPin


def pin_router(read: Callable[[], RootPin], caller: Callable[..., Awaitable[str]]) -> APIRouter:
    """The route ``GET /bricks/pin``.

    Args:
        read: gives the signed root of now.
        caller: a dependency that lets only enrolled nodes through.
    """
    router = APIRouter(prefix="/bricks", tags=["bricks"], dependencies=[Depends(caller)])

    @router.get("/pin")
    def pin() -> RootPin:
        """The root of the repository, signed by the hospital's identity."""
        return read()

    return router
