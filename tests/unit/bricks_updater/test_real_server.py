"""Updates over real sockets: from the routes that a node serves, and from servers that mean ill."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from support.serving import serving
from support.stack import free_ports
from tuf.api.exceptions import SlowRetrievalError

from services.bricks.errors import RepositoryAwayError
from services.bricks.routes import bricks_router
from services.bricks.updater.http import HttpSource
from services.bricks.updater.limits import Limits
from services.web.app import create_app

HASTY = Limits(head_seconds=0.5, piece_seconds=0.5, spare_bytes=0)
BIT_BY_BIT = Limits(piece_bytes=4096, spare_bytes=0)
WORDS = bytes(range(256)) * 4000


async def anybody() -> str:
    return "node"


class Cut:
    """Breaks answers of more than some bytes off, as long as it is told to."""

    def __init__(self, app: Any) -> None:
        self.app, self.after = app, 300_000
        self.cuts = True

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        sent = 0

        async def counted(message: Any) -> None:
            nonlocal sent
            sent += len(message.get("body", b""))
            if self.cuts and sent > self.after:
                raise ConnectionError
            await send(message)

        await self.app(scope, receive, counted)


async def test_a_download_that_the_server_breaks_off_goes_on_by_range(publisher, tmp_path, caplog):
    publisher.brick(WORDS, brick="long-style")
    publisher.publish()
    app = create_app("test", ready=dict)
    app.include_router(bricks_router(publisher.layout.folder, anybody))
    cut, (port,) = Cut(app), free_ports(1)

    def pull() -> int:
        with HttpSource(f"http://127.0.0.1:{port}/bricks", limits=BIT_BY_BIT) as source:
            moved: int = publisher.updater(tmp_path / "n", source).pull("long-style").moved
            return moved

    async with serving(cut, port):
        with pytest.raises(RepositoryAwayError, match="broke off"):
            await asyncio.to_thread(pull)
        cut.cuts = False
        moved = await asyncio.to_thread(pull)

    assert 0 < moved < len(WORDS) - 200_000


@contextmanager
def answering(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that takes one call after another and does with each as it likes."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    try:
                        connection.recv(65_536)
                        talk(connection)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/bricks"
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def drip(*before: bytes) -> Callable[[socket.socket], None]:
    """Say something, then a letter now and then."""

    def talk(connection: socket.socket) -> None:
        connection.sendall(b"".join(before))
        for _ in range(200):
            connection.sendall(b"x")
            time.sleep(0.05)

    return talk


@pytest.mark.parametrize(
    "before",
    [
        (b"HTTP/1.1 200 OK\r\nx-",),  # a head without end
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n",),  # a body without end
    ],
    ids=["head", "body"],
)
def test_a_server_that_gives_a_byte_now_and_then_is_given_up(before):
    began = time.monotonic()
    with answering(drip(*before)) as base, HttpSource(base, limits=HASTY) as source:
        with pytest.raises(SlowRetrievalError):
            list(source.read("metadata/timestamp.json"))
        assert time.monotonic() - began < 8
