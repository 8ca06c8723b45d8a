"""A response whose work ends when its caller goes away, with errors in OpenAI's shape."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import Response
from starlette.types import Receive, Scope, Send

from compliance.errors import CaretierError
from services.hospital.gateway.backend import event
from services.hospital.gateway.wire import error_of, openai_error

CLOSED = 499
"""Status, in the metrics alone, of a request whose caller went away."""


class Out:
    """What goes out: the head once, then the body in parts."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status: int | None = None

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the head."""
        self.status = status
        raw = [
            (name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()
        ]
        await self._send({"type": "http.response.start", "status": status, "headers": raw})

    async def part(self, body: bytes) -> None:
        """Send a part of the body."""
        await self._send({"type": "http.response.body", "body": body, "more_body": True})

    async def end(self, body: bytes = b"") -> None:
        """Send the last part."""
        await self._send({"type": "http.response.body", "body": body, "more_body": False})


class Relay(Response):
    """Runs its work while the caller listens.

    Args:
        work: sends the answer through what it is given; may raise errors of ours.
        ended: called with the status that went out, whichever way it ended.
        also: headers of a refusal besides its own; they may change until then.
    """

    def __init__(
        self,
        work: Callable[[Out], Coroutine[Any, Any, None]],
        ended: Callable[[int], None],
        also: Mapping[str, str],
    ) -> None:
        super().__init__()
        self._work, self._ended, self._also = work, ended, also

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        out = Out(send)
        status = CLOSED
        try:
            if await until_gone(receive, self._work(out)):
                status = out.status or CLOSED
        except CaretierError as error:
            status = error.status
            if out.status is None:
                await openai_error(error, self._also)(scope, receive, send)
            else:
                await out.end(broken_off(error))
        finally:
            self._ended(status)


def broken_off(error: CaretierError) -> bytes:
    """The event that says why a stream ends before its time; no ``[DONE]`` follows it."""
    problem = {
        "status": error.status,
        "type": error.kind,
        "title": error.message,
        "remedy": error.advice,
    }
    return event({"error": error_of(problem, getattr(error, "param", None))})


async def until_gone(receive: Receive, work: Coroutine[Any, Any, None]) -> bool:
    """Run the work; cancel it when the caller goes away. Returns whether it ended by itself."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        ended = task.done()
    finally:
        task.cancel()
        gone.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)
    if ended:
        task.result()
    return ended


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
