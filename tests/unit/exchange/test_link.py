"""Link and enrolment against the real routes of a parent, in this process."""

from __future__ import annotations

import json

import httpx
import pytest
from support.exchange import DeviceKeys, FailingAudit

from compliance.errors import NotFoundError
from services.consult.messages import Level
from services.exchange.errors import (
    EnrolmentError,
    LinkDownError,
    NotAuthenticatedError,
    ReferralConflictError,
    ReferralRefusedError,
)
from services.exchange.intake import Intake
from services.exchange.keys import NodeKeys
from services.exchange.link import Link, enrol
from services.exchange.messages import ParcelState
from services.exchange.registry import Registry
from services.exchange.routes import exchange_router
from services.store.database import Database
from services.web.app import create_app

URL = "http://localhost:8100"


class Parent:
    """A clinic in this process with a hospital above it."""

    def __init__(self, folder) -> None:
        self.keys = NodeKeys.load_or_create(folder / "c", name="C", level="clinic")
        self.hospital = NodeKeys.load_or_create(folder / "h", name="H", level="hospital")
        self.database = Database(f"sqlite:///{folder}/x.db")
        self.database.migrate("services.exchange")
        self.registry = Registry(self.database)
        self.audit = FailingAudit()
        self.intake = Intake(self.database, Level.CLINIC, self.audit)
        self.app = create_app("parent", ready=dict)
        above = lambda: (self.hospital.bundle(),)  # noqa: E731 - a callable is what is asked for
        self.app.include_router(exchange_router(self.keys, self.registry, self.intake, above))
        self.transport = httpx.ASGITransport(app=self.app)

    def code(self, *pins: str) -> str:
        wanted = pins or (self.keys.fingerprint, self.hospital.fingerprint)
        return self.registry.new_code("device", wanted)


@pytest.fixture
def parent(tmp_path):
    made = Parent(tmp_path)
    yield made
    made.database.close()


@pytest.fixture
def device():
    return DeviceKeys()


@pytest.fixture
async def link(parent, device):
    await enrol(URL, parent.code(), device.bundle(), transport=parent.transport)
    made = Link(URL, device.identity, parent.keys.fingerprint, transport=parent.transport)
    yield made
    await made.close()


async def test_enrolment_brings_the_keys_that_the_code_pins(parent, device):
    clinic, above = await enrol(URL, parent.code(), device.bundle(), transport=parent.transport)
    assert clinic.identity_public() == parent.keys.identity.public
    assert [b.level for b in above] == ["hospital"]
    assert parent.registry.lookup(device.fingerprint) is not None


async def test_an_enrolment_is_written_down_and_so_is_a_refused_one(parent, device):
    await enrol(URL, parent.code(), device.bundle(), transport=parent.transport)
    wrong = f"WRONGWRONGWRONG2.{parent.keys.fingerprint}.{parent.hospital.fingerprint}"
    with pytest.raises(EnrolmentError):
        await enrol(URL, wrong, device.bundle(), transport=parent.transport)
    assert [event["outcome"] for event in parent.audit.events] == ["0", "8"]
    nodes = {e["entity"][0]["what"]["identifier"]["value"] for e in parent.audit.events}
    assert nodes == {device.fingerprint}


async def test_an_enrolment_that_cannot_be_written_down_does_not_count(parent, device):
    parent.audit.fails = True
    with pytest.raises(LinkDownError):
        await enrol(URL, parent.code(), device.bundle(), transport=parent.transport)
    assert parent.registry.lookup(device.fingerprint) is None


@pytest.mark.parametrize("which", ["clinic", "hospital", "fewer", "more", "swapped"])
async def test_keys_that_the_code_does_not_pin_are_refused(parent, device, which):
    clinic, hospital, other = (
        parent.keys.fingerprint,
        parent.hospital.fingerprint,
        device.fingerprint,
    )
    pins = {
        "clinic": (other, hospital),
        "hospital": (clinic, other),
        "fewer": (clinic,),
        "more": (clinic, hospital, other),
        "swapped": (hospital, clinic),
    }[which]
    with pytest.raises(EnrolmentError):
        await enrol(URL, parent.code(*pins), device.bundle(), transport=parent.transport)


async def test_a_wrong_code_is_an_enrolment_error(parent, device):
    code = f"WRONGWRONGWRONG2.{parent.keys.fingerprint}.{parent.hospital.fingerprint}"
    with pytest.raises(EnrolmentError):
        await enrol(URL, code, device.bundle(), transport=parent.transport)


async def test_enrolment_with_broken_keys_is_refused(parent):
    async with httpx.AsyncClient(transport=parent.transport, base_url=URL) as client:
        for bundle in ({}, {"identity": 5}, {"node": "x", "level": "device", "identity": "!"}):
            reply = await client.post("/v1/enrol", json={"code": parent.code(), "bundle": bundle})
            assert reply.status_code == 403
            assert reply.json()["type"] == "urn:caretier:problem:enrolment-refused"


async def test_a_referral_is_sent_once_and_fetched(parent, link, device):
    made = device.refer("What is flu?", parent.keys, destination=Level.CLINIC)
    assert (await link.send(made.envelope)).state is ParcelState.RECEIVED
    assert (await link.send(made.envelope)).state is ParcelState.RECEIVED
    parent.intake.answer(made.id, "sealed")
    assert (await link.fetch(made.id)).reply == "sealed"


async def test_refusal_conflict_and_not_found_come_back_as_themselves(parent, link, device):
    good = device.refer("What is flu?", parent.keys, destination=Level.CLINIC)
    await link.send(good.envelope)
    other = device.refer("Other", parent.keys, destination=Level.CLINIC, id_=good.id)
    with pytest.raises(ReferralConflictError):
        await link.send(other.envelope)
    bad = device.refer("x", parent.keys, destination=Level.CLINIC, receipt={"policy": "none"})
    with pytest.raises(ReferralRefusedError):
        await link.send(bad.envelope)
    with pytest.raises(NotFoundError):
        await link.fetch("0" * 36)


async def test_when_the_parent_cannot_write_it_down_the_sender_keeps_it(parent, link, device):
    parent.audit.fails = True
    made = device.refer("What is flu?", parent.keys, destination=Level.CLINIC)
    with pytest.raises(LinkDownError):
        await link.send(made.envelope)


async def test_a_node_that_is_not_enrolled_is_refused(parent):
    stranger = DeviceKeys()
    link = Link(URL, stranger.identity, parent.keys.fingerprint, transport=parent.transport)
    with pytest.raises(NotAuthenticatedError):
        await link.fetch("0" * 36)
    await link.close()


async def test_a_revoked_node_is_refused(parent, link, device):
    parent.registry.revoke(device.fingerprint)
    with pytest.raises(NotAuthenticatedError):
        await link.fetch("0" * 36)


async def test_one_node_cannot_see_anothers_referral(parent, link, device):
    made = device.refer("What is flu?", parent.keys, destination=Level.CLINIC)
    await link.send(made.envelope)
    other = DeviceKeys()
    await enrol(URL, parent.code(), other.bundle(), transport=parent.transport)
    theirs = Link(URL, other.identity, parent.keys.fingerprint, transport=parent.transport)
    with pytest.raises(NotFoundError):
        await theirs.fetch(made.id)
    await theirs.close()


@pytest.mark.parametrize("header", [{}, {"authorization": "Basic x"}, {"authorization": "Bearer "}])
@pytest.mark.parametrize("call", [("GET", f"/v1/referrals/{'0' * 36}"), ("POST", "/v1/referrals")])
async def test_a_call_without_a_token_is_refused(parent, header, call):
    async with httpx.AsyncClient(transport=parent.transport, base_url=URL) as client:
        reply = await client.request(*call, headers=header)
    assert reply.status_code == 401
    assert reply.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"not json", b'{"id": "x"}', b"\xff\xfe", b"[" * 5000]
)
async def test_what_is_no_referral_is_bad_input(parent, device, link, body):
    from services.exchange.tokens import sign_call

    path = "/v1/referrals"
    token = sign_call(
        device.identity, audience=parent.keys.fingerprint, method="POST", path=path, body=body
    )
    async with httpx.AsyncClient(transport=parent.transport, base_url=URL) as client:
        headers = {"authorization": f"Bearer {token}"}
        reply = await client.post(path, content=body, headers=headers)
    assert reply.status_code == 422


def played(reply: httpx.Response | Exception) -> httpx.MockTransport:
    def answer(_request: httpx.Request) -> httpx.Response:
        if isinstance(reply, Exception):
            raise reply
        return reply

    return httpx.MockTransport(answer)


@pytest.mark.parametrize(
    "reply",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("cut"),
        httpx.Response(200, content=b"<html>captive portal</html>"),
        httpx.Response(200, json={"id": "x"}),
        httpx.Response(500, json={"type": "urn:caretier:problem:internal"}),
        httpx.Response(502, content=b"Bad gateway"),
        httpx.Response(503, json=["no"]),
        httpx.Response(429, json={"type": 5}),
        httpx.Response(404, content=b"no such page"),
        httpx.Response(302, headers={"location": "http://evil.test/"}),
    ],
)
async def test_what_can_pass_by_itself_counts_as_a_dead_link(device, reply):
    link = Link(URL, device.identity, "PEER", transport=played(reply))
    with pytest.raises(LinkDownError):
        await link.fetch("0" * 36)
    await link.close()


async def test_a_shape_that_the_parent_cannot_read_is_a_refusal(device):
    reply = httpx.Response(422, content=json.dumps({"type": "urn:caretier:problem:bad-input"}))
    link = Link(URL, device.identity, "PEER", transport=played(reply))
    with pytest.raises(ReferralRefusedError):
        await link.fetch("0" * 36)
    await link.close()


def test_the_keys_of_a_node_are_made_once_for_its_owner_only(tmp_path):
    first = NodeKeys.load_or_create(tmp_path / "keys", name="N", level="clinic")
    again = NodeKeys.load_or_create(tmp_path / "keys", name="N", level="clinic")
    assert first.fingerprint == again.fingerprint
    assert first.sealing.to_bytes() == again.sealing.to_bytes()
    assert {p.stat().st_mode & 0o777 for p in (tmp_path / "keys").iterdir()} == {0o600}
    assert sorted(p.name for p in (tmp_path / "keys").iterdir()) == ["identity.key", "sealing.key"]
