"""Requests that do not come: a head or a body in drops holds no place for long."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import httpx
import pytest
import uvicorn
from fastapi import Request, Response

from services.web import guard, hurried
from services.web.app import create_app
from services.web.hurried import HurriedProtocol

LIMIT = 1_000_000
LARGE = 32_000_000
PAUSE = 0.3
UNREAD = 1.0


@pytest.fixture
def port(monkeypatch):
    """A server with impatient clocks."""
    monkeypatch.setattr(guard, "PAUSE_SECONDS", PAUSE)
    monkeypatch.setattr(hurried, "HEAD_SECONDS", PAUSE)
    monkeypatch.setattr(hurried, "READ_SECONDS", UNREAD)
    app = create_app("test", ready=dict, limit=LIMIT)

    @app.post("/echo")
    async def echo(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    @app.get("/large")
    async def large() -> Response:
        return Response(b"x" * LARGE)

    @app.post("/typed")
    async def typed(body: dict[str, int]) -> dict[str, int]:
        return body

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        made = uvicorn.Config(app, log_level="error", http=HurriedProtocol, lifespan="off")
        server = uvicorn.Server(made)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join(30)


def opened(port, *said):
    made = socket.create_connection(("127.0.0.1", port), timeout=30)
    made.sendall("\r\n".join(said).encode())
    return made


def everything(connection):
    found = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(65_536):
            found += piece
    return found


def test_a_head_that_does_not_end_is_given_up(port):
    with opened(port, "GET /healthz HTTP/1.1", "Host: loc") as one:
        assert everything(one) == b""


def test_a_second_head_on_a_connection_is_given_up_too(port):
    whole = ("GET /healthz HTTP/1.1", "Host: localhost", "", "")
    with opened(port, *whole, "GET /healthz HTTP/1.1", "Host: loc") as one:
        assert everything(one).count(b"HTTP/1.1 200") == 1


def test_a_letter_now_and_then_buys_no_time(port):
    with opened(port, "GET /healthz HTTP/1.1", "X: ") as one, contextlib.suppress(ConnectionError):
        for _ in range(100):
            one.sendall(b"x")
            time.sleep(PAUSE / 5)
        pytest.fail("the connection was held open")


@pytest.mark.parametrize("path", ["/echo", "/typed"])
def test_a_body_that_does_not_come_is_refused(port, path):
    head = (f"POST {path} HTTP/1.1", "Host: localhost", "Content-Length: 1000")
    with opened(port, *head, "Content-Type: application/json", "", "{") as one:
        answer = everything(one)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"too-slow" in answer
    assert b"content-security-policy" in answer


def test_a_body_in_drops_is_refused(port):
    head = ("POST /echo HTTP/1.1", "Host: localhost", "Content-Length: 100000", "", "")
    with opened(port, *head) as one, contextlib.suppress(ConnectionError):
        for _ in range(100):
            one.sendall(b"x")
            time.sleep(PAUSE / 5)
        pytest.fail("the connection was held open")


def test_what_comes_in_time_is_served(port):
    answer = httpx.post(f"http://localhost:{port}/echo", content=b"x" * LIMIT)
    assert answer.json() == {"bytes": LIMIT}


@pytest.mark.parametrize(
    "host", ["localhost:80@evil.example", "localhost:x", "localhost:80:80", "localhost/", "a b"]
)
def test_a_host_that_only_begins_like_ours_is_refused(port, host):
    with opened(port, "GET /healthz HTTP/1.1", f"Host: {host}", "Connection: close", "", "") as one:
        assert everything(one).startswith(b"HTTP/1.1 400")


def test_an_answer_that_nobody_reads_is_given_up(port):
    with opened(port, "GET /large HTTP/1.1", "Host: localhost", "", "") as connection:
        time.sleep(UNREAD * 4)
        assert len(everything(connection)) < LARGE


def test_an_answer_that_is_read_slowly_comes_whole(port):
    with opened(port, "GET /large HTTP/1.1", "Host: localhost", "", "") as connection:
        came = 0
        while piece := connection.recv(1_000_000):
            came += len(piece)
            time.sleep(UNREAD / 20)
    assert came > LARGE


def test_smuggling_a_body_that_ends_in_two_ways_is_refused_and_nothing_after_it_is_served(port):
    head = ("POST /echo HTTP/1.1", "Host: localhost", "Content-Length: 5")
    inner = ("GET /healthz HTTP/1.1", "Host: localhost", "", "")
    with opened(port, *head, "Transfer-Encoding: chunked", "", "0", "", *inner) as connection:
        said = everything(connection)
    assert said.startswith(b"HTTP/1.1 400 ")
    assert said.count(b"HTTP/1.1 ") == 1
