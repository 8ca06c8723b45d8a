"""Lets nobody in without the key, whatever the path.

vLLM asks for its key below ``/v1`` alone. ``/invocations`` answers prompts and ``/adapters`` loads
adapters for whoever reaches the port. Given to the server as ``--middleware
require_key.RequireKey``.
"""

import hmac
import os
from collections.abc import Awaitable, Callable
from typing import Any

OPEN = frozenset({"/health"})
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Any, Receive, Send], Awaitable[None]]


class RequireKey:
    """ASGI middleware: 401 for a call without ``Bearer`` and the key of ``VLLM_API_KEY``.

    Raises:
        KeyError: there is no key; the server must not start.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._wanted = f"Bearer {os.environ['VLLM_API_KEY']}".encode()

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer, or refuse."""
        if scope["type"] == "lifespan" or scope.get("path") in OPEN or self._knows(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await send({"type": "http.response.start", "status": 401, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        else:
            await send({"type": "websocket.close", "code": 1008})

    def _knows(self, scope: Any) -> bool:
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        return len(given) == 1 and hmac.compare_digest(given[0], self._wanted)
