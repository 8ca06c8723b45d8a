"""Connections on which a request must come within a time, and its answer be taken.

uvicorn waits for ever for the rest of a request's head, and for a client that reads nothing of what
it asked for: whoever opens enough connections, and sends a letter now and then or nothing at all,
keeps everybody else out.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 20.0
"""How long the head of a request may take to come."""
READ_SECONDS = 60.0
"""How long a client may take nothing of an answer that is more than the connection holds."""


class HurriedProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, with an end to waiting for a head, and for a reader."""

    _waiting: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take what came; wait on where a head is not whole, and no more where it is."""
        super().data_received(data)
        self._wait()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop()
        self._taken()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Wait for the client to read: the connection holds as much as it may."""
        super().pause_writing()
        self._look_again()

    def resume_writing(self) -> None:
        """Go on: the client has read."""
        self._taken()
        super().resume_writing()

    def _look_again(self) -> None:
        left = self.transport.get_write_buffer_size()
        self._unread = self.loop.call_later(READ_SECONDS, self._left, left)

    def _left(self, before: int) -> None:
        """Break off where nothing was read since; a large answer may well take longer."""
        if self.transport.get_write_buffer_size() < before:
            self._look_again()
        else:
            self.transport.abort()

    def _taken(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _is_idle(self) -> bool:
        """Whether no request is under way."""
        return self.cycle is None or self.cycle.response_complete

    def _wait(self) -> None:
        if not self._is_idle():
            self._stop()
        elif self._waiting is None:  # what comes meanwhile buys no more time
            self._waiting = self.loop.call_later(HEAD_SECONDS, self._late)

    def _stop(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _late(self) -> None:
        self._waiting = None
        if self._is_idle() and not self.transport.is_closing():
            self.transport.close()
