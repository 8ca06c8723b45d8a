"""A subscriber names an address, and the server is not sent to its own insides by it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from support.hub import ENDPOINT, Hub, criteria, observation

from services.fhir.errors import FhirInvalidError
from services.fhir.subscriptions.delivery import UndeliveredError
from services.web.outbound import Outbound

LISTED = "https://listener.example.org"


class Heard(BaseHTTPRequestHandler):
    """Notes who calls; leads whoever asks for it elsewhere."""

    def do_POST(self) -> None:
        self.server.calls.append(self.path)  # type: ignore[attr-defined]
        self.rfile.read(int(self.headers.get("content-length", 0)))
        leads = self.path.startswith("/leads")
        self.send_response(307 if leads else 200)
        if leads:
            self.send_header("location", self.path.partition("?")[2])
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def inside() -> Iterator[HTTPServer]:
    """A service of this machine that no stranger is to reach."""
    server = HTTPServer(("127.0.0.1", 0), Heard)
    server.calls = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
async def hub(database, monkeypatch):
    outbound = Outbound([LISTED])
    made = Hub(database, outbound)
    monkeypatch.setattr(outbound, "client", made.heard_by_listener)
    yield made
    await made.client.aclose()


def leading_to(*addresses: str):
    async def resolving(_host: str, _port: int) -> list[str]:
        return list(addresses)

    return resolving


def refused_at_once(hub: Hub, endpoint: str) -> None:
    with pytest.raises(FhirInvalidError) as refused:
        hub.write(criteria(endpoint=endpoint))
    assert [fault.element for fault in refused.value.faults] == ["Subscription.channel.endpoint"]
    assert hub.store.entry("Subscription", "s1") is None
    assert hub.jobs == []


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://127.0.0.1:8000/hook",
        "http://localhost/hook",
        "https://[::1]/hook",
        "https://[::ffff:127.0.0.1]/hook",
        "http://2130706433/hook",
        "http://0x7f000001/hook",
        "http://0177.0.0.1/hook",
        "http://0.0.0.0/hook",
    ],
)
def test_loopback_is_refused_as_it_is_written(hub, endpoint):
    refused_at_once(hub, endpoint)


@pytest.mark.parametrize(
    "endpoint", ["https://10.0.0.7/hook", "https://192.168.1.1/hook", "https://[fd00::1]/hook"]
)
def test_a_private_address_is_refused_as_it_is_written(hub, endpoint):
    refused_at_once(hub, endpoint)


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://metadata.google.internal/computeMetadata/v1/",
        "http://100.100.100.200/latest/meta-data/",
        "http://[fd00:ec2::254]/latest/",
    ],
)
def test_the_metadata_of_a_cloud_is_refused_as_it_is_written(hub, endpoint):
    refused_at_once(hub, endpoint)


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://other.example.org/hook",
        "http://listener.example.org/hook",
        "https://listener.example.org:8443/hook",
        "https://listener.example.org@evil.example.org/hook",
        "https://listener.example.org.evil.example.org/hook",
        "https://evil.example.org\\@listener.example.org/hook",
        "file:///etc/passwd",
        "gopher://listener.example.org/x",
        "//listener.example.org/hook",
    ],
)
def test_an_origin_that_is_not_listed_is_refused_as_it_is_written(hub, endpoint):
    refused_at_once(hub, endpoint)


async def test_an_endpoint_is_not_moved_to_another_origin_afterwards(hub):
    await hub.subscribe(criteria())
    with pytest.raises(FhirInvalidError):
        hub.write(criteria(endpoint="http://127.0.0.1/hook"))
    assert hub.store.read("Subscription", "s1")["channel"]["endpoint"] == ENDPOINT


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.0.0.7"],
        ["::1"],
        ["::ffff:192.168.0.1"],
        ["169.254.169.254"],
        ["93.184.215.14", "127.0.0.1"],
    ],
)
async def test_a_name_that_leads_to_a_private_address_is_not_called(database, addresses):
    hub = Hub(database, Outbound([LISTED], resolving=leading_to(*addresses)))
    hub.write(criteria())
    with pytest.raises(UndeliveredError):
        await hub.work()
    assert hub.status() == "requested"


async def test_where_private_networks_are_called_the_metadata_of_a_cloud_is_not(database):
    outbound = Outbound([LISTED], private=True, resolving=leading_to("169.254.169.254"))
    hub = Hub(database, outbound)
    hub.write(criteria())
    with pytest.raises(UndeliveredError):
        await hub.work()


async def test_a_name_that_leads_elsewhere_later_is_judged_again(database, inside):
    port = inside.server_port
    there = ["93.184.215.14"]

    async def resolving(_host: str, _port: int) -> list[str]:
        return there

    origin = f"http://listener.example.org:{port}"
    hub = Hub(database, Outbound([origin], resolving=resolving))
    hub.write(criteria(endpoint=f"{origin}/hook"))
    there[:] = ["127.0.0.1"]
    with pytest.raises(UndeliveredError):
        await hub.work()
    assert inside.calls == []


async def test_a_redirect_is_not_followed_to_a_private_address(database, inside):
    origin = f"http://127.0.0.1:{inside.server_port}"
    hub = Hub(database, Outbound([origin], private=True))
    hub.write(criteria(endpoint=f"{origin}/leads?{origin}/admin"))
    with pytest.raises(UndeliveredError):
        await hub.work()
    assert [path.partition("?")[0] for path in inside.calls] == ["/leads"]


async def test_an_origin_that_an_operator_took_off_the_list_is_called_no_more(database, inside):
    origin = f"http://127.0.0.1:{inside.server_port}"
    hub = Hub(database, Outbound([origin], private=True))
    await hub.subscribe(criteria(endpoint=f"{origin}/hook"))
    hub.subscriptions.delivery._outbound = Outbound([])
    hub.store.put(observation("o1"))
    with pytest.raises(UndeliveredError):
        await hub.work()
    assert inside.calls == ["/hook"]


@pytest.mark.parametrize(
    "header",
    [
        "X-Ok: a\r\nHost: evil.example.org",
        "X-Ok: a\nX-More: b",
        "Host: evil.example.org",
        "Content-Length: 0",
        "Transfer-Encoding: chunked",
        "Connection: upgrade",
        "Content-Type: text/html",
        "Proxy-Authorization: Basic x",
        "X Bad: a",
        ": a",
        "no colon",
        "X-Ok: ü",
    ],
)
def test_a_header_of_the_channel_cannot_change_the_message(hub, header):
    with pytest.raises(FhirInvalidError) as refused:
        hub.write(criteria(header=[header]))
    assert any("header" in fault.element for fault in refused.value.faults)
    assert hub.jobs == []


def test_there_are_not_more_headers_than_a_message_needs(hub):
    with pytest.raises(FhirInvalidError):
        hub.write(criteria(header=[f"X-{number}: x" for number in range(11)]))


async def test_a_refusal_does_not_repeat_the_address_or_the_header(hub):
    secret = "Authorization: Bearer abc\r\nX: y"
    with pytest.raises(FhirInvalidError) as refused:
        hub.write(criteria(header=[secret], endpoint="http://10.0.0.7/secret"))
    assert "abc" not in str(refused.value)
    assert "secret" not in str(refused.value)
