"""Replies that come late and in any order, as on a slow line: what depends on luck shows itself.

``CARETIER_SLOW=SEED`` has every request of a browser wait 0.3 to 0.8 s, half of it before it is
looked at and half before it is answered. Nothing is held up meanwhile: test and page go on.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Route

SEED = os.environ.get("CARETIER_SLOW")
SECONDS = (0.3, 0.8)


@contextmanager
def late(seed: str) -> Iterator[None]:
    """Let everything that a browser is sent come late while the block runs."""
    drawn = random.Random(seed)  # noqa: S311 - a test's
    fulfil, config = Route.fulfill, uvicorn.Config.__init__

    def wait() -> Any:
        return asyncio.sleep(drawn.uniform(*SECONDS) / 2)

    def fulfilled(self: Route, **reply: Any) -> None:
        self._sync(wait())
        fulfil(self, **reply)

    def configured(self: uvicorn.Config, app: Any, *given: Any, **more: Any) -> None:
        async def slow(scope: Any, receive: Any, send: Any) -> None:
            async def later(message: Any) -> None:
                if message["type"] == "http.response.start":
                    await wait()
                await send(message)

            if scope["type"] == "http":
                await wait()
            await app(scope, receive, later)

        config(self, slow, *given, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Route, "fulfill", fulfilled)
        patch.setattr(uvicorn.Config, "__init__", configured)
        yield
