"""What a server may do to whoever fetches from it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.repository import SMALL, Publisher
from tuf.api.exceptions import DownloadError, DownloadHTTPError, SlowRetrievalError

from services.bricks.errors import BrickUntrustedError, RepositoryAwayError
from services.bricks.updater.http import HttpSource
from services.bricks.updater.limits import Limits

HASTY = Limits(head_seconds=0.5, piece_seconds=0.5, spare_bytes=0)
BIT_BY_BIT = Limits(piece_bytes=1000, spare_bytes=0)
WORDS = bytes(range(256)) * 1000


class Server:
    """Gives a folder, as a test wants it given."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[httpx.Request] = []
        self.ranges, self.breaks_at = True, None
        self.instead: Callable[[httpx.Request], httpx.Response | None] = lambda _request: None

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if (given := self.instead(request)) is not None:
            return given
        path = self.folder / request.url.path.removeprefix("/bricks/")
        if not path.is_file():
            return httpx.Response(404)
        raw, status, headers = path.read_bytes(), 200, {}
        if (wanted := request.headers.get("range")) and self.ranges:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(raw):
                return httpx.Response(416)
            headers = {"content-range": f"bytes {start}-{len(raw) - 1}/{len(raw)}"}
            raw, status = raw[start:], 206
        return httpx.Response(status, headers=headers, stream=Pieces(raw, self.breaks_at))


class Pieces(httpx.AsyncByteStream):
    """A body in pieces, that breaks off after some bytes."""

    def __init__(self, raw: bytes, breaks_at: int | None = None) -> None:
        self._raw, self._end = raw, breaks_at

    async def __aiter__(self) -> AsyncIterator[bytes]:
        end = len(self._raw) if self._end is None else min(self._end, len(self._raw))
        for at in range(0, end, 1000):
            yield self._raw[at : min(at + 1000, end)]
        if end < len(self._raw):
            raise httpx.ReadError("gone")


class Drip(httpx.AsyncByteStream):
    """A byte now and then, for ever."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in itertools.count():
            await asyncio.sleep(0.01)
            yield b"x"


@pytest.fixture
def server(publisher: Publisher) -> Server:
    publisher.brick(WORDS, brick="long-style")
    publisher.publish()
    return Server(publisher.layout.folder)


Opened = Callable[..., HttpSource]


@pytest.fixture
def source_of() -> Iterator[Opened]:
    """Opens sources on a server, and closes them."""
    with ExitStack() as opened:

        def source_of(server: Callable[..., Any], limits: Limits = SMALL) -> HttpSource:
            made = HttpSource(
                "http://clinic.test/bricks",
                lambda path: {"authorization": f"for {path}"},
                limits,
                transport=httpx.MockTransport(server),
            )
            return opened.enter_context(made)

        yield source_of


def test_a_brick_comes_over_http_and_each_call_says_who_asks(
    source_of, server, publisher, tmp_path
):
    node = publisher.updater(tmp_path / "n", source_of(server))

    assert node.pull("long-style").moved == len(WORDS)
    for request in server.asked:
        assert request.headers["authorization"] == f"for {request.url.path}"
        assert request.headers["accept-encoding"] == "identity"


def test_a_download_that_broke_off_goes_on_where_it_stopped(source_of, server, publisher, tmp_path):
    node = publisher.updater(tmp_path / "n", source_of(server, BIT_BY_BIT))
    server.breaks_at = 100_000
    with pytest.raises(RepositoryAwayError, match="broke off"):
        node.pull("long-style")
    assert node.installed.active() == {}
    server.breaks_at = None

    done = node.pull("long-style")

    assert done.moved < len(WORDS) - 90_000
    assert server.asked[-1].headers["range"].startswith("bytes=")
    node.store.verify("long-style@1")


def test_a_server_without_ranges_gives_the_whole_and_the_rest_is_taken(
    source_of, server, publisher, tmp_path
):
    node = publisher.updater(tmp_path / "n", source_of(server, BIT_BY_BIT))
    server.breaks_at, server.ranges = 100_000, False
    with pytest.raises(RepositoryAwayError):
        node.pull("long-style")
    server.breaks_at = None

    node.pull("long-style")

    node.store.verify("long-style@1")


def test_a_file_that_got_shorter_there_is_fetched_anew(source_of, server, publisher, tmp_path):
    node = publisher.updater(tmp_path / "n", source_of(server, BIT_BY_BIT))
    server.breaks_at = 100_000
    with pytest.raises(RepositoryAwayError):
        node.pull("long-style")
    server.breaks_at = None
    server.instead = lambda r: httpx.Response(416) if "range" in r.headers else None

    assert node.pull("long-style").moved == len(WORDS)


def test_slow_data_is_given_up(source_of, server):
    server.instead = lambda _request: httpx.Response(200, stream=Drip())

    with pytest.raises(SlowRetrievalError):
        list(source_of(server, HASTY).read("metadata/timestamp.json"))


def test_slow_data_in_the_middle_of_an_update_changes_nothing(
    source_of, server, publisher, tmp_path
):
    node = publisher.updater(tmp_path / "n", source_of(server, HASTY))
    server.instead = lambda r: (
        httpx.Response(200, stream=Drip()) if "snapshot" in r.url.path else None
    )

    with pytest.raises(RepositoryAwayError, match="too slowly"):
        node.pull("long-style")
    assert node.installed.active() == {}


def test_a_head_that_never_comes_is_given_up(source_of):
    async def silent(_request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(60)
        raise AssertionError

    with pytest.raises(SlowRetrievalError):
        next(source_of(silent, HASTY).read("metadata/timestamp.json"))


def test_endless_data_is_cut_off(source_of, server, publisher, tmp_path):
    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                yield b" " * 65_536

    node = publisher.updater(tmp_path / "n", source_of(server))
    for part in ("timestamp", "blobs"):
        server.instead = lambda r, part=part: (
            httpx.Response(200, stream=Endless()) if part in r.url.path else None
        )
        with pytest.raises(BrickUntrustedError, match="longer than it"):
            node.pull("long-style")


def test_a_compressed_answer_is_not_unfolded(source_of, server):
    server.instead = lambda _request: httpx.Response(
        200, headers={"content-encoding": "gzip"}, stream=Pieces(b"not gzip")
    )

    assert b"".join(source_of(server).read("x")) == b"not gzip"


def test_a_redirect_is_not_followed(source_of, server):
    server.instead = lambda _request: httpx.Response(302, headers={"location": "http://evil.test"})

    with pytest.raises(DownloadHTTPError) as caught:
        list(source_of(server).read("metadata/timestamp.json"))
    assert caught.value.status_code == 302
    assert len(server.asked) == 1


def test_the_wrong_part_of_a_file_is_refused(source_of, server):
    server.instead = lambda _request: httpx.Response(
        206, headers={"content-range": "bytes 0-5/10"}, stream=Pieces(b"012345")
    )

    with pytest.raises(DownloadHTTPError):
        list(source_of(server).read("x", start=4))


@pytest.mark.parametrize("status", [401, 403])
def test_a_node_that_is_not_let_in_is_told_what_to_do(
    source_of, server, publisher, tmp_path, status
):
    node = publisher.updater(tmp_path / "n", source_of(server))
    server.instead = lambda r: httpx.Response(status) if "timestamp" in r.url.path else None

    with pytest.raises(RepositoryAwayError, match=str(status)) as caught:
        node.pull("long-style")
    assert "enrol it" in caught.value.advice


def test_an_address_that_nobody_answers_is_an_error_of_its_kind():
    with HttpSource("http://127.0.0.1:9/bricks") as source, pytest.raises(DownloadError):
        list(source.read("metadata/timestamp.json"))
