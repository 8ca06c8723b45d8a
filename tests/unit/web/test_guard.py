"""What every application holds to, whatever its routes do."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import HTTPException, Request
from fastapi.responses import PlainTextResponse, StreamingResponse
from pydantic import BaseModel, Field

from compliance.errors import BadInputError, CaretierError
from services.web.app import create_app
from services.web.guard import HEADERS

SECRET = "Ana Ruiz, 12 March 1970"
LIMIT = 1000


class Body(BaseModel):
    name: str = Field(max_length=5)
    age: int


class OwnError(CaretierError):
    """Something of ours failed.

    A second paragraph that is not shown.
    """

    kind = "own"
    status = 401


@pytest.fixture
def app():  # noqa: C901 - one small route for each kind of outcome
    made = create_app("test", ready=lambda: {"a": True}, limit=LIMIT)

    @made.post("/echo")
    async def echo(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    @made.post("/typed")
    async def typed(body: Body) -> dict[str, str]:
        return {"name": body.name}

    @made.get("/own")
    def own() -> None:
        raise OwnError("What happened.", remedy="What to do.")

    @made.get("/bad")
    def bad() -> None:
        raise BadInputError("It is wrong.")

    @made.get("/http")
    def http() -> None:
        raise HTTPException(418, headers={"x-tea": "pot"})

    @made.get("/boom")
    def boom() -> None:
        raise ValueError(SECRET)

    @made.get("/stream-boom")
    async def stream_boom() -> StreamingResponse:
        async def pieces() -> AsyncIterator[str]:
            yield "one"
            raise ValueError(SECRET)

        return StreamingResponse(pieces())

    @made.get("/items/{item}")
    def item(item: int) -> dict[str, int]:
        return {"item": item}

    @made.get("/cached")
    def cached() -> PlainTextResponse:
        headers = {"cache-control": "max-age=60", "X-Frame-Options": "SAMEORIGIN"}
        return PlainTextResponse("x", headers=headers)

    return made


@pytest.fixture
async def client(app):
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as made:
        yield made


ADDRESSES = [
    ("GET", "/healthz", 200),
    ("GET", "/own", 401),
    ("GET", "/bad", 422),
    ("GET", "/http", 418),
    ("GET", "/boom", 500),
    ("GET", "/nowhere", 404),
    ("DELETE", "/own", 405),
    ("GET", "/items/x", 422),
    ("POST", "/typed", 422),
    ("GET", "/static/caretier/none.css", 404),
]


@pytest.mark.parametrize(("method", "path", "status"), ADDRESSES)
async def test_every_response_has_the_security_headers(client, method, path, status):
    reply = await client.request(method, path)
    assert reply.status_code == status
    for name, value in HEADERS.items():
        assert reply.headers[name] == value
    assert "server" not in reply.headers


@pytest.mark.parametrize(("method", "path", "status"), ADDRESSES[1:])
async def test_every_error_is_a_problem_document(client, method, path, status):
    reply = await client.request(method, path)
    assert reply.headers["content-type"] == "application/problem+json"
    body = reply.json()
    assert body["status"] == status
    assert body["type"].startswith("urn:caretier:problem:")
    assert body["title"]


async def test_nothing_but_static_files_may_be_cached(client):
    assert (await client.get("/healthz")).headers["cache-control"] == "no-store"
    assert (await client.get("/own")).headers["cache-control"] == "no-store"
    static = await client.get("/static/caretier/caretier.css")
    assert static.headers.get("cache-control") != "no-store"


async def test_what_a_route_says_itself_stays(client):
    reply = await client.get("/cached")
    assert reply.headers["cache-control"] == "max-age=60"
    assert reply.headers.get_list("x-frame-options") == ["SAMEORIGIN"]


@pytest.mark.parametrize(
    "host", ["evil.test", "evil.test:8000", "localhost.evil.test", "", "127.0.0.2", "[::2]"]
)
async def test_a_request_for_another_host_is_refused(client, host):
    reply = await client.get("/healthz", headers={"host": host})
    assert reply.status_code == 400
    assert reply.json()["type"].endswith("wrong-host")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8000", "[::1]:8000"])
async def test_a_request_for_this_machine_is_served(client, host):
    assert (await client.get("/healthz", headers={"host": host})).status_code == 200


async def test_an_application_without_hosts_serves_any():
    app = create_app("open", ready=dict, hosts=())
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://any.test") as client:
        assert (await client.get("/healthz")).status_code == 200


async def test_a_body_at_the_limit_is_taken(client):
    assert (await client.post("/echo", content=b"x" * LIMIT)).json() == {"bytes": LIMIT}


@pytest.mark.parametrize("path", ["/echo", "/typed"])
async def test_a_body_that_says_it_is_too_large_is_refused(client, path):
    reply = await client.post(path, content=b"x" * (LIMIT + 1))
    assert reply.status_code == 413
    assert reply.json()["type"].endswith("too-large")


@pytest.mark.parametrize("path", ["/echo", "/typed"])
async def test_a_body_that_grows_too_large_is_refused(client, path):
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 100

    headers = {"content-type": "application/json"}
    reply = await client.post(path, content=pieces(), headers=headers)
    assert reply.status_code == 413
    assert reply.json()["type"].endswith("too-large")
    assert reply.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("length", ["-1", "x", "1e3", "", " ", "1,2"])
async def test_a_length_that_is_no_number_is_refused(app, length):
    status = []

    async def send(message) -> None:
        status.append(message.get("status"))

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    headers = [(b"host", b"localhost"), (b"content-length", length.encode())]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/echo",
        "headers": headers,
        "query_string": b"",
        "http_version": "1.1",
        "scheme": "http",
        "root_path": "",
        "server": ("localhost", 8000),
        "client": ("127.0.0.1", 1),
        "raw_path": b"/echo",
    }
    await app(scope, receive, send)
    assert status[0] == 400


async def test_own_errors_say_what_and_what_to_do(client):
    reply = await client.get("/own")
    assert reply.json() == {
        "type": "urn:caretier:problem:own",
        "title": "Something of ours failed.",
        "status": 401,
        "detail": "What happened.",
        "remedy": "What to do.",
    }
    assert reply.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "body",
    [
        {"name": SECRET, "age": 5},
        {"name": "x", "age": SECRET},
        {"name": {"deep": SECRET}, "age": []},
        {"name": "x", "age": 1, SECRET: 1},
        SECRET,
        [SECRET],
    ],
)
async def test_a_validation_error_shows_places_and_no_values(client, body):
    reply = await client.post("/typed", json=body)
    if reply.status_code == 200:
        return
    assert reply.status_code == 422
    assert "Ana" not in reply.text
    assert reply.json()["errors"][0].keys() == {"at", "rule"}


async def test_broken_json_shows_no_values(client):
    headers = {"content-type": "application/json"}
    reply = await client.post("/typed", content=f'{{"name": "{SECRET}', headers=headers)
    assert reply.status_code == 422
    assert "Ana" not in reply.text


async def test_an_unexpected_error_leaks_nothing(client, caplog):
    with caplog.at_level(logging.DEBUG):
        reply = await client.get("/boom")
    assert reply.status_code == 500
    assert reply.json() == {
        "type": "urn:caretier:problem:internal",
        "title": "Something went wrong here.",
        "status": 500,
        "remedy": "Try again later.",
    }
    assert "Ana" not in caplog.text
    assert "ValueError in boom" in caplog.text


async def test_an_error_within_a_stream_breaks_it_off_and_leaks_nothing(client, caplog):
    with caplog.at_level(logging.DEBUG), pytest.raises(AssertionError):
        await client.get("/stream-boom")  # the transport asserts that an answer has an end
    assert "Ana" not in caplog.text
    assert "ValueError" in caplog.text


async def test_a_client_that_goes_away_ends_the_stream(app):
    ended = asyncio.Event()

    @app.get("/endless")
    async def endless() -> StreamingResponse:
        async def pieces() -> AsyncIterator[str]:
            try:
                while True:
                    yield "x"
                    await asyncio.sleep(0.01)
            finally:
                ended.set()

        return StreamingResponse(pieces())

    gone = asyncio.Event()

    async def receive():
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message) -> None:
        if message.get("body"):
            gone.set()

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/endless",
        "headers": [(b"host", b"localhost")],
        "query_string": b"",
        "http_version": "1.1",
        "scheme": "http",
        "root_path": "",
        "server": ("localhost", 8000),
        "client": ("127.0.0.1", 1),
        "raw_path": b"/endless",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
    }
    await asyncio.wait_for(app(scope, receive, send), 5)
    await asyncio.wait_for(ended.wait(), 5)


async def test_metrics_count_by_route_and_never_by_address(client):
    await client.get("/items/4711")
    await client.get("/nowhere/Ana-Ruiz")
    text = (await client.get("/metrics")).text
    assert 'route="/items/{item}",status="200"' in text
    assert 'route="unmatched",status="404"' in text
    assert "4711" not in text
    assert "Ana" not in text


@pytest.mark.parametrize(("good", "status"), [(True, 200), (False, 503)])
async def test_ready_means_that_every_check_is_good(good, status):
    app = create_app("test", ready=lambda: {"a": True, "b": good})
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        reply = await client.get("/readyz")
    assert reply.status_code == status
    assert reply.json() == {"a": True, "b": good}


async def test_the_openapi_document_names_problem_documents(client):
    document = json.loads((await client.get("/openapi.json")).text)
    default = document["paths"]["/own"]["get"]["responses"]["default"]
    assert "application/problem+json" in default["content"]
