"""Heads of audit trails between two tiers, over the real routes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fhir.resources.R4B.auditevent import AuditEvent
from support.exchange import DeviceKeys

from compliance.audit import AuditTrail
from compliance.audit.survey import verify_data
from compliance.audit.witness import BOOK, SignedHead, read_book
from services.consult.messages import Level
from services.exchange.intake import Intake
from services.exchange.keys import NodeKeys
from services.exchange.link import Link
from services.exchange.registry import Registry
from services.exchange.routes import exchange_router
from services.exchange.witness import HEADER, MAX_AGE, Witness
from services.store.database import Database
from services.web.app import create_app


class Parent:
    """A clinic in this process with a trail of its own."""

    def __init__(self, state) -> None:
        self.state = state
        self.keys = NodeKeys.load_or_create(state / "keys", name="C", level="clinic")
        self.database = Database(f"sqlite:///{state}/x.db")
        self.database.migrate("services.exchange")
        self.registry = Registry(self.database)
        self.trail = AuditTrail.open(state, "clinic", node="C")
        self.intake = Intake(self.database, Level.CLINIC, self.trail)
        app = create_app("parent", ready=dict)
        app.include_router(exchange_router(self.keys, self.registry, self.intake))
        self.transport = httpx.ASGITransport(app=app)


@pytest.fixture
def parent(tmp_path):
    made = Parent(tmp_path / "clinic")
    yield made
    made.database.close()


@pytest.fixture
def device(parent):
    made = DeviceKeys()
    code = parent.registry.new_code("device", [parent.keys.fingerprint])
    parent.registry.enrol(code, made.bundle())
    return made


@pytest.fixture
def trail(tmp_path):
    made = AuditTrail.open(tmp_path / "device", "device", node="device")
    made.record({"resourceType": "AuditEvent"})
    return made


@pytest.fixture
async def link(parent, device, trail):
    made = Link(
        "http://localhost",
        device.identity,
        parent.keys.fingerprint,
        witness=Witness(device.identity, trail),
        transport=parent.transport,
    )
    yield made
    await made.close()


def events(trail):
    return [event["subtype"][-1]["code"] for event in trail.export()]


async def test_each_side_of_a_call_notes_how_far_the_others_trail_goes(parent, device, trail, link):
    await link.send(device.refer("x", parent.keys, destination=Level.CLINIC).envelope)
    (seen,) = read_book(parent.state / BOOK)
    assert (seen.fingerprint, seen.count, seen.head) == (
        device.fingerprint,
        1,
        trail.tail(1)[0].hash,
    )
    await link.withdraw(_withdrawal(device))
    (back,) = read_book(trail.state / BOOK)
    assert back.fingerprint == parent.keys.fingerprint
    assert back.node == "C"
    assert all(report.ok for report in verify_data(parent.state.parent))


async def test_a_child_whose_trail_was_rewritten_is_found_out_and_still_served(
    parent, device, tmp_path, trail
):
    trail.record({"resourceType": "AuditEvent"})
    Witness(parent.keys.identity, parent.trail).note(None, device.fingerprint)
    await _call(parent, device, trail)
    anew = AuditTrail.open(tmp_path / "anew", "device", node="device")
    anew.record({"resourceType": "AuditEvent"})
    await _call(parent, device, anew)
    (report,) = [r for r in verify_data(parent.state) if not r.ok]
    assert report.reason == "device: began-anew"
    event = next(e for e in parent.trail.export() if e["outcome"] == "8")
    AuditEvent.model_validate(event)
    assert {d["valueString"] for d in event["entity"][0]["detail"]} == {
        device.fingerprint,
        "began-anew",
    }


@pytest.mark.parametrize("text", ["", "nonsense", "e30"])
def test_a_header_that_is_no_head_is_left_out(parent, device, text):
    Witness(parent.keys.identity, parent.trail).note(text, device.fingerprint)
    assert list(read_book(parent.state / BOOK)) == []


@pytest.mark.parametrize("off", [-MAX_AGE, MAX_AGE])
def test_a_head_of_another_time_is_left_out(parent, device, trail, off):
    taken = datetime.now(UTC) + off + (timedelta(seconds=9) if off > timedelta(0) else off / 9)
    head = SignedHead.sign(trail.head(), device.identity, taken)
    Witness(parent.keys.identity, parent.trail).note(head.to_header(), device.fingerprint)
    assert list(read_book(parent.state / BOOK)) == []


def test_a_head_that_another_node_signed_is_left_out(parent, device, trail):
    head = SignedHead.sign(trail.head(), DeviceKeys().identity, datetime.now(UTC))
    Witness(parent.keys.identity, parent.trail).note(head.to_header(), device.fingerprint)
    assert list(read_book(parent.state / BOOK)) == []


def test_an_empty_trail_tells_nothing(parent, tmp_path):
    empty = AuditTrail.open(tmp_path / "empty", "x", node="x")
    assert Witness(parent.keys.identity, empty).headers() == {}
    assert set(Witness(parent.keys.identity, parent.trail).headers()) <= {HEADER}


def test_a_book_that_cannot_be_written_stops_no_answer_that_is_here_already(
    parent, device, trail, monkeypatch
):
    head = SignedHead.sign(trail.head(), device.identity, datetime.now(UTC)).to_header()
    witness = Witness(parent.keys.identity, parent.trail)
    (parent.state / BOOK).mkdir()
    witness.note_quietly(head, device.fingerprint)


def _withdrawal(device):
    from services.exchange.withdrawal import Withdrawal

    return Withdrawal.sign("c", device.identity, datetime.now(UTC))


async def _call(parent, device, trail):
    link = Link(
        "http://localhost",
        device.identity,
        parent.keys.fingerprint,
        witness=Witness(device.identity, trail),
        transport=parent.transport,
    )
    await link.withdraw(_withdrawal(device))
    await link.close()
