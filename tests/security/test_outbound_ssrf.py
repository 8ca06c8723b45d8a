"""A stranger writes down an address, and the server is not sent to its own insides by it."""

from __future__ import annotations

import asyncio
import gzip
import time
from contextlib import asynccontextmanager

import httpx
import pytest

from services.web.connecting import may_connect
from services.web.outbound import Outbound, OutboundFailedError, OutboundRefusedError

LISTED = ("https://ehr.example.org", "http://plain.example.org:8080")


@asynccontextmanager
async def talking(talk):
    """A server on loopback that counts who connected."""
    count = [0]

    async def counted(reader, writer):
        count[0] += 1
        try:
            await talk(reader, writer)
            await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(counted, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], count
    finally:
        server.close()


def raw(answer: bytes):
    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)

    return talk


def addresses(*answers):
    """A resolver that gives another answer each time."""
    left = [list(answer) for answer in answers]

    async def resolving(_host, _port):
        return left.pop(0) if len(left) > 1 else left[0]

    return resolving


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "http://ehr.example.org/",  # listed with https only
        "https://plain.example.org:8080/",
        "https://ehr.example.org:8443/",
        "https://ehr.example.org:0/",
        "https://ehr.example.org:/",
        "https://ehr.example.org:443443/",
        "https://ehr.example.org:+443/",
        "https://ehr.example.org:٤٤٣/",
        "https://ehr.example.org./",
        "https://ehr.example.org.evil.example/",
        "https://ehr.example.org@evil.example/",
        "https://evil.example#@ehr.example.org/",
        "https://evil.example?@ehr.example.org/",
        "https://user:secret@ehr.example.org/",
        "https://@ehr.example.org/",
        "https://ehr.example.org\\@evil.example/",
        "https://evil.example\\.ehr.example.org/",
        "https:\\\\ehr.example.org/",
        "https:///ehr.example.org/",
        "https:ehr.example.org/",
        "//ehr.example.org/",
        "https://ehr.example.org%2eevil.example/",
        "https://ehr%2eexample%2eorg/",
        "https://еhr.example.org/",  # a Cyrillic letter
        "https://ehr.example。org/",
        "https://ⓔhr.example.org/",
        "https://ehr.example.org\t/",
        "https://ehr.example.org/\r\nhost: evil.example",
        " https://ehr.example.org/",
        "https://ehr.example.org /",
        "file:///etc/passwd",
        "gopher://ehr.example.org/",
        "unix:///run/docker.sock",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://0/",
        "https://" + "a" * 10_000,
        "",
    ],
)
async def test_what_is_not_listed_is_refused_before_any_network(url):
    async def resolving(_host, _port):
        raise AssertionError("a name was looked up")

    outbound = Outbound(LISTED, private=True, resolving=resolving)
    with pytest.raises(OutboundRefusedError):
        outbound.check(url)
    with pytest.raises(OutboundRefusedError):
        await outbound.get_json(url)


@pytest.mark.parametrize(
    "origin",
    [
        "https://2130706433",
        "https://0x7f.0.0.1",
        "https://0177.0.0.1",
        "https://127.1",
        "https://[0:0:0:0:0:0:0:1]",
        "https://ehr.example.org.",
        "https://user@ehr.example.org",
    ],
)
def test_an_address_in_an_unusual_form_cannot_even_be_listed(origin):
    with pytest.raises(OutboundRefusedError):
        Outbound([origin])


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "::1",
        "fc00::1",
        "fd12::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:7f00:1",
        "::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
        "64:ff9b::10.0.0.1",
    ],
)
def test_loopback_and_private_networks_are_refused_unless_an_operator_allows_them(address):
    assert not may_connect(address, private=False)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "::ffff:169.254.169.254",
        "2002:a9fe:a9fe::",
        "64:ff9b::a9fe:a9fe",
        "0.0.0.0",  # noqa: S104
        "::",
        "::ffff:0.0.0.0",
        "224.0.0.1",
        "ff02::1",
        "255.255.255.255",
        "not an address",
    ],
)
def test_metadata_link_local_and_multicast_are_refused_always(address):
    assert not may_connect(address, private=True)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_a_public_address_may_be_called(address):
    assert may_connect(address, private=False)


async def test_a_listed_name_that_leads_inside_is_refused():
    async with talking(raw(b"")) as (port, count):
        outbound = Outbound([f"http://ehr.example.org:{port}"], resolving=addresses(["127.0.0.1"]))
        with pytest.raises(OutboundRefusedError):
            await outbound.get_json(f"http://ehr.example.org:{port}/")
    assert count == [0]


async def test_one_inner_address_among_public_ones_is_enough_to_refuse():
    outbound = Outbound(LISTED, resolving=addresses(["93.184.215.14", "127.0.0.1"]))
    with pytest.raises(OutboundRefusedError):
        await outbound.get_json("https://ehr.example.org/")


async def test_dns_rebinding_finds_no_second_lookup_between_judging_and_connecting():
    """A name that changes after it was judged is not asked for again; the next call judges anew."""
    asked = []

    async def resolving(host, _port):
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"
    async with talking(raw(answer)) as (port, count):
        url = f"http://ehr.example.org:{port}"
        outbound = Outbound([url], private=True, resolving=resolving)
        assert await outbound.get_json(url) == {}
        assert (asked, count) == (["ehr.example.org"], [1])
        with pytest.raises(OutboundRefusedError):
            await outbound.get_json(url)
    assert count == [1]


@pytest.mark.parametrize("status", ["301", "302", "303", "307", "308"])
async def test_a_redirect_is_not_followed(status):
    async with talking(raw(b"")) as (inner, count):
        moved = f"HTTP/1.1 {status} Moved\r\nlocation: http://127.0.0.1:{inner}/\r\n"
        async with talking(raw(moved.encode() + b"content-length: 0\r\n\r\n")) as (port, _):
            outbound = Outbound([f"http://127.0.0.1:{port}"], private=True)
            with pytest.raises(OutboundFailedError):
                await outbound.get_json(f"http://127.0.0.1:{port}/")
    assert count == [0]


async def test_a_redirect_that_a_caller_follows_is_judged_like_any_call():
    moved = b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n"
    async with talking(raw(moved)) as (port, _):
        outbound = Outbound([f"http://127.0.0.1:{port}"], private=True)
        async with outbound.client() as client:
            with pytest.raises(OutboundRefusedError):
                await client.get(f"http://127.0.0.1:{port}/", follow_redirects=True)


async def test_proxies_of_the_environment_are_not_used(monkeypatch):
    async with talking(raw(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")) as (port, count):
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        outbound = Outbound(["http://ehr.example.org"], resolving=addresses(["127.0.0.1"]))
        with pytest.raises(OutboundRefusedError):
            await outbound.get_json("http://ehr.example.org/")
    assert count == [0]


async def test_a_body_is_cut_off_while_it_streams():
    async def endless(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 1000)
            await writer.drain()

    async with talking(endless) as (port, _):
        outbound = Outbound([f"http://127.0.0.1:{port}"], private=True, cap=100_000)
        with pytest.raises(OutboundRefusedError):
            await outbound.get_json(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("length", ["8388609", "9" * 30, "-1", "1_0"])
async def test_a_body_that_announces_too_much_is_not_begun(length):
    answer = f"HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{{}}".encode()
    async with talking(raw(answer)) as (port, _):
        outbound = Outbound([f"http://127.0.0.1:{port}"], private=True)
        with pytest.raises((OutboundRefusedError, OutboundFailedError)):
            await outbound.get_json(f"http://127.0.0.1:{port}/")


async def test_a_gzip_bomb_is_unpacked_no_further_than_the_cap():
    bomb = gzip.compress(b"0" * (200 << 20), compresslevel=9)
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(bomb)
    async with talking(raw(head + bomb)) as (port, _):
        outbound = Outbound([f"http://127.0.0.1:{port}"], private=True, cap=1 << 20)
        began = time.perf_counter()
        with pytest.raises(OutboundRefusedError):
            await outbound.get_json(f"http://127.0.0.1:{port}/")
        assert time.perf_counter() - began < 2


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip, gzip", "zstd", "nonsense"])
async def test_other_packings_are_refused(coding):
    answer = f"HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ncontent-length: 2\r\n\r\n{{}}"
    async with talking(raw(answer.encode())) as (port, _):
        outbound = Outbound([f"http://127.0.0.1:{port}"], private=True)
        with pytest.raises(OutboundRefusedError):
            await outbound.get_json(f"http://127.0.0.1:{port}/")


async def drip_headers(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(1000):
        writer.write(b"x-%d: 1\r\n" % number)
        await writer.drain()
        await asyncio.sleep(0.05)


async def drip_body(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
    for _ in range(1000):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def say_nothing(_reader, _writer):
    await asyncio.sleep(30)


@pytest.mark.parametrize("talk", [drip_headers, drip_body, say_nothing])
async def test_a_server_that_drips_is_left_when_the_time_is_over(talk):
    async with talking(talk) as (port, _):
        outbound = Outbound([f"http://127.0.0.1:{port}"], private=True, timeout=0.4)
        began = time.perf_counter()
        with pytest.raises(OutboundFailedError):
            await outbound.get_json(f"http://127.0.0.1:{port}/")
        assert time.perf_counter() - began < 2


async def test_a_name_that_takes_for_ever_to_resolve_is_left_when_the_time_is_over():
    async def resolving(_host, _port):
        await asyncio.sleep(30)
        return []

    outbound = Outbound(LISTED, timeout=0.2, resolving=resolving)
    with pytest.raises(OutboundFailedError):
        await outbound.get_json("https://ehr.example.org/")


async def test_nobody_is_told_where_the_refused_address_leads():
    outbound = Outbound(LISTED, resolving=addresses(["10.1.2.3"]))
    with pytest.raises(OutboundRefusedError) as refused:
        await outbound.get_json("https://ehr.example.org/secret?token=abc")
    assert not {"10.1.2.3", "abc", "secret"} & set(str(refused.value).split())
    assert isinstance(refused.value, Exception)
    assert not isinstance(refused.value, httpx.HTTPError)
