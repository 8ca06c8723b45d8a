"""An application behind a real socket of loopback, in this process: for clients of any language."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

WAIT_SECONDS = 60.0


@contextmanager
def served(make: Callable[[str], FastAPI], *, lifespan: str = "auto") -> Iterator[str]:
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
