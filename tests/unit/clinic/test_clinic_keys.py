"""A clinic takes the hospital's newer keys, and a withdrawal reaches the hospital through it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from support.exchange import DeviceKeys, an_answer

from clinic_edge.service import Clinic
from clinic_edge.settings import ClinicSettings
from compliance.audit import AuditTrail
from compliance.audit.survey import verify_data
from compliance.audit.witness import BOOK, read_book
from services.consult.messages import Level, Status
from services.consult.node import Outcome
from services.exchange.courier import Courier
from services.exchange.intake import Intake
from services.exchange.keys import NodeKeys
from services.exchange.link import Link
from services.exchange.models import StoredParcel
from services.exchange.registry import Registry
from services.exchange.rotation import rotate_node
from services.exchange.routes import exchange_router
from services.exchange.withdrawal import Withdrawal
from services.store.database import Database
from services.web.app import create_app


class Unsure:
    """A node that leaves every question open."""

    async def consult(self, question):
        yield Outcome(an_answer(question.id, status=Status.ABSTAINED))

    async def close(self):
        """Nothing to close."""


class Hospital:
    """A hospital in this process, as far as other tiers see it."""

    def __init__(self, state):
        self.state = state
        self.keys = NodeKeys.load_or_create(state / "keys", name="H", level="hospital")
        self.database = Database(f"sqlite:///{state}/x.db")
        self.database.migrate("services.exchange")
        self.registry = Registry(self.database)
        self.trail = AuditTrail.open(state, "hospital", node="H")
        self.intake = Intake(self.database, Level.HOSPITAL, self.trail)
        app = create_app("hospital", ready=dict, large={"/v1/referrals": 13 << 20})
        app.include_router(exchange_router(self.keys, self.registry, self.intake))
        self.transport = httpx.ASGITransport(app=app)

    def states(self):
        return [(row.state, row.envelope == "") for row in self.rows()]

    def rows(self):
        with self.database.reading() as session:
            return list(session.query(StoredParcel))


@pytest.fixture
def hospital(tmp_path):
    made = Hospital(tmp_path / "var" / "hospital")
    yield made
    made.database.close()


@pytest.fixture
async def clinic(tmp_path, hospital):
    made = Clinic(ClinicSettings(data=tmp_path / "var" / "clinic"), node=Unsure())
    code = hospital.registry.new_code("clinic", [hospital.keys.fingerprint])
    hospital.registry.enrol(code, made.keys.bundle())
    then = datetime.now(UTC) - timedelta(days=1)
    (made.settings.data / "hospital.json").write_text(hospital.keys.bundle(then).model_dump_json())
    yield made
    await made.close()


@pytest.fixture
def line(clinic, hospital):
    """A new line to the hospital, with both trails told."""

    def make():
        return Link(
            "http://localhost",
            clinic.keys.identity,
            hospital.keys.fingerprint,
            witness=clinic.witness,
            transport=hospital.transport,
        )

    return make


async def test_a_rotated_key_of_the_hospital_is_taken_and_given_to_devices(clinic, hospital, line):
    rotate_node(hospital.state / "keys", name="H", level="hospital", trail=hospital.trail)
    assert clinic.hospital().sealing_public() != hospital.keys.sealing.current.public
    assert await clinic.refresh(line())
    assert clinic.hospital().sealing_public() == hospital.keys.sealing.current.public
    assert clinic.above()[0].sealing_public() == hospital.keys.sealing.current.public


async def test_a_clinic_without_a_hospital_has_nothing_to_take(tmp_path):
    alone = Clinic(ClinicSettings(data=tmp_path / "alone"), node=Unsure())
    assert not await alone.refresh()
    await alone.close()


async def test_a_withdrawal_empties_clinic_and_hospital_and_each_witnessed_the_other(
    clinic, hospital, line
):
    device = DeviceKeys()
    readers = (Level.CLINIC, Level.HOSPITAL)
    made = device.refer(
        "x", clinic.keys, destination=Level.CLINIC, readers=readers, receipt={"consent": "c1"}
    )
    clinic.intake.accept(made.envelope, device.fingerprint)
    (due,) = clinic.intake.due("received")
    await clinic._guarded(due)
    courier = Courier(clinic.intake, line(), Level.HOSPITAL)
    await courier.once()
    assert hospital.states() == [("received", False)]
    clinic.intake.withdraw(
        Withdrawal.sign("c1", device.identity, datetime.now(UTC)), device.fingerprint
    )
    await courier.once()
    assert hospital.states() == [("withdrawn", True)]
    with clinic.database.reading() as session:
        row = session.get_one(StoredParcel, made.id)
    assert (row.state, row.envelope, row.outgoing) == ("withdrawn", "", None)
    books = [clinic.settings.data / BOOK, hospital.state / BOOK]
    seen = [{head.fingerprint for head in read_book(book)} for book in books]
    assert seen == [{hospital.keys.fingerprint}, {clinic.keys.fingerprint}]
    reports = verify_data(clinic.settings.data.parent)
    assert [report.ok for report in reports] == [True, True]
    assert all(report.witnessed for report in reports)
