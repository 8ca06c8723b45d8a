"""Calls to the origins that an operator listed, and how they are bounded."""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.web.outbound import (
    Outbound,
    OutboundFailedError,
    OutboundRefusedError,
    origin_of,
)

NAME = "ehr.example.test"


@asynccontextmanager
async def serving(
    answer: bytes | Callable[[bytes], bytes], tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server on loopback that gives one raw answer; with its port and what it was asked."""
    asked: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer if isinstance(answer, bytes) else answer(asked[-1]))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1], asked


def reply(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", "connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def here(*addresses: str):
    async def resolving(_host: str, _port: int) -> list[str]:
        return list(addresses)

    return resolving


def certificate(name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """TLS of a server called ``name``, and of a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM).decode()
    client = ssl.create_default_context(cadata=pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    import tempfile

    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(pem)
        file.write(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ).decode()
        )
        file.flush()
        server.load_cert_chain(file.name)
    return server, client


async def test_a_listed_origin_gives_its_document():
    async with serving(reply(b'{"keys": []}')) as (port, asked):
        outbound = Outbound([f"http://127.0.0.1:{port}"], private=True)
        assert await outbound.get_json(f"http://127.0.0.1:{port}/jwks.json") == {"keys": []}
    assert b"accept: application/json" in asked[0].lower()


async def test_nothing_may_be_called_by_default():
    with pytest.raises(OutboundRefusedError):
        await Outbound([]).get_json("https://ehr.example.org/jwks.json")


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://EHR.example.org/a?b=c", "https://ehr.example.org:443"),
        ("https://ehr.example.org:443", "https://ehr.example.org:443"),
        ("http://ehr.example.org:8080/fhir", "http://ehr.example.org:8080"),
        ("https://[2001:db8::1]:8443/fhir", "https://[2001:db8::1]:8443"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example:443"),
    ],
)
def test_an_origin_is_scheme_host_and_port(url, origin):
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "origin", ["ehr.example.org", "https://ehr.example.org/fhir", "ftp://ehr.example.org", "*", ""]
)
def test_what_is_no_origin_cannot_be_listed(origin):
    with pytest.raises(OutboundRefusedError):
        Outbound([origin])


async def test_certificate_and_host_are_those_of_the_name():
    server, client = certificate(NAME)
    async with serving(reply(b"{}"), tls=server) as (port, asked):
        origin = f"https://{NAME}:{port}"
        outbound = Outbound([origin], private=True, resolving=here("127.0.0.1"), tls=client)
        assert await outbound.get_json(f"{origin}/a") == {}
    assert f"host: {NAME}:{port}".encode() in asked[0].lower()


async def test_another_names_certificate_is_refused():
    server, client = certificate("other.example.test")
    async with serving(reply(b"{}"), tls=server) as (port, asked):
        origin = f"https://{NAME}:{port}"
        outbound = Outbound([origin], private=True, resolving=here("127.0.0.1"), tls=client)
        with pytest.raises(OutboundFailedError):
            await outbound.get_json(f"{origin}/a")
    assert asked == []


async def test_the_next_address_is_tried_when_the_first_takes_no_connection():
    async with serving(reply(b"[1]")) as (port, _):
        outbound = Outbound(
            [f"http://{NAME}:{port}"],
            private=True,
            resolving=here("127.0.0.2", "127.0.0.1"),
        )
        assert await outbound.get_json(f"http://{NAME}:{port}/") == [1]


async def test_gzip_is_unpacked_also_in_several_members():
    packed = gzip.compress(b'{"a":') + gzip.compress(b" 1}")
    async with serving(reply(packed, "content-encoding: gzip")) as (port, _):
        outbound = Outbound([f"http://127.0.0.1:{port}"], private=True)
        assert await outbound.get_json(f"http://127.0.0.1:{port}/") == {"a": 1}


@pytest.mark.parametrize(
    "answer",
    [
        reply(b"{}", status="404 Not Found"),
        reply(b"<html>"),
        reply(b"[" * 100_000),
        reply(gzip.compress(b"{}" * 100, mtime=0)[:-9], "content-encoding: gzip"),
        reply(b"not gzip", "content-encoding: gzip"),
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}",
        b"nonsense\r\n\r\n",
    ],
)
async def test_an_unusable_answer_is_told_as_such(answer):
    async with serving(answer) as (port, _):
        outbound = Outbound([f"http://127.0.0.1:{port}"], private=True)
        with pytest.raises(OutboundFailedError):
            await outbound.get_json(f"http://127.0.0.1:{port}/")


async def test_a_name_without_an_address_is_a_failure():
    async def resolving(_host, _port):
        raise OSError

    with pytest.raises(OutboundFailedError):
        await Outbound(["https://a.test"], resolving=resolving).get_json("https://a.test/")
    with pytest.raises(OutboundFailedError):
        await Outbound(["https://a.test"], resolving=here()).get_json("https://a.test/")


async def test_a_client_streams_under_the_same_rules():
    async with serving(reply(b"x" * 100_000)) as (port, _):
        outbound = Outbound([f"http://127.0.0.1:{port}"], private=True, cap=10)
        url = f"http://127.0.0.1:{port}/"
        async with (
            outbound.client(cap=200_000) as client,
            client.stream("GET", url) as answer,
        ):
            assert sum([len(piece) async for piece in answer.aiter_bytes()]) == 100_000
        with pytest.raises(OutboundRefusedError):
            async with outbound.client() as client:
                await client.get(url)
        async with outbound.client() as client:
            with pytest.raises(OutboundRefusedError):
                await client.get("https://elsewhere.example/")


def test_the_system_resolves_names_of_this_machine():
    from services.web.connecting import resolve

    found = asyncio.run(resolve("localhost", 80))
    assert all(ipaddress.ip_address(address).is_loopback for address in found)
    assert found


def test_httpx_still_connects_through_the_pool_that_is_judged():
    client = Outbound(["https://a.test"]).client()
    backend = client._transport._pool._network_backend
    assert type(backend).__name__ == "_JudgedBackend"
    assert isinstance(client, httpx.AsyncClient)
    asyncio.run(client.aclose())
