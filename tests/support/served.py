"""Applications behind real sockets of loopback, in this process: for clients of any language."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI

WAIT_SECONDS = 60.0


@contextmanager
def served(make: Callable[[str], Any], *, lifespan: str = "auto") -> Iterator[str]:
    """Serve an application until the block ends.

    Args:
        make: makes it; is given the address under which it will be known.
        lifespan: ``off`` leaves out what the application starts beside its requests.

    Yields:
        That address, ``http://127.0.0.1:port``.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = make(address)
        config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan=lifespan)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        deadline = time.monotonic() + WAIT_SECONDS
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            assert time.monotonic() < deadline, "the server did not start in time"
            time.sleep(0.02)
        try:
            yield address
        finally:
            server.should_exit = True
            thread.join(10)


class Door:
    """A server that a browser takes for every port of ``localhost``.

    What stands behind an origin changes from test to test; the browser, which is slow to start,
    stays. ``rule`` is the browser's argument.
    """

    def __init__(self) -> None:
        self._apps: dict[bytes, FastAPI] = {}
        self._inside = 0
        self.address = self.rule = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Lead a request on, by the host that it names."""
        self._inside += 1
        try:
            await self._apps[dict(scope["headers"])[b"host"]](scope, receive, send)
        finally:
            self._inside -= 1

    @contextmanager
    def leads(self, origin: str, app: FastAPI) -> Iterator[None]:
        """Lead to an application for the block; at its end nobody is inside any more."""
        host = origin.removeprefix("http://").encode()
        self._apps[host] = app
        try:
            yield
        finally:
            deadline = time.monotonic() + WAIT_SECONDS
            while self._inside and time.monotonic() < deadline:
                time.sleep(0.01)
            del self._apps[host]


@contextmanager
def a_door() -> Iterator[Door]:
    """A door that stands open for the block."""
    door = Door()
    with served(lambda _: door, lifespan="off") as door.address:
        door.rule = f"--host-resolver-rules=MAP localhost {door.address.removeprefix('http://')}"
        yield door
