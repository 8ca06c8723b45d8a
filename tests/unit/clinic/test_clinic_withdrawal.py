"""A consent withdrawn at any moment of a clinic's work: nothing more is done with the question."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from support.exchange import DeviceKeys, an_answer

from clinic_edge.service import Clinic
from clinic_edge.settings import ClinicSettings
from services.consult.messages import Level, Status, Triage, Urgency
from services.consult.node import Outcome
from services.exchange.models import StoredParcel
from services.exchange.withdrawal import Withdrawal

DEVICE = DeviceKeys()


class FakeNode:
    """A consult of three events; the test acts before the event that it names."""

    def __init__(self) -> None:
        self.at, self.act, self.status = -1, lambda: None, Status.ANSWERED
        self.given: list[int] = []
        self.closed = False

    async def consult(self, question):
        outcome = Outcome(an_answer(question.id, status=self.status))
        triage = Triage(level=Urgency.ROUTINE)
        try:
            for number, event in enumerate((triage, SimpleNamespace(step="ground"), outcome)):
                if number == self.at:
                    self.act()
                self.given.append(number)
                yield event
        finally:
            self.closed = True

    async def close(self) -> None:
        """Nothing to close."""


@pytest.fixture
def node():
    return FakeNode()


@pytest.fixture
async def clinic(tmp_path, node):
    made = Clinic(ClinicSettings(data=tmp_path / "clinic"), node=node)
    yield made
    await made.close()


@pytest.fixture
def id_(clinic):
    made = DEVICE.refer(
        "What is asthma?", clinic.keys, destination=Level.CLINIC, receipt={"consent": "c1"}
    )
    clinic.intake.accept(made.envelope, DEVICE.fingerprint)
    return made.id


def withdraw(clinic):
    clinic.intake.withdraw(Withdrawal.sign("c1", DEVICE.identity, datetime.now(UTC)), "S")


def row(clinic, id_) -> StoredParcel:
    with clinic.database.reading() as session:
        return session.get_one(StoredParcel, id_)


def acts(clinic):
    return [event["subtype"][0]["code"] for event in clinic.intake.audit.export()]


async def work(clinic):
    for due in clinic.intake.due("received"):
        await clinic._guarded(due)


async def test_without_a_withdrawal_it_is_answered(clinic, node, id_):
    await work(clinic)
    assert row(clinic, id_).state == "answered"
    assert acts(clinic) == ["receive", "answer"]


@pytest.mark.parametrize("at", [0, 1, 2])
async def test_a_consult_under_way_stops_before_its_next_event(clinic, node, id_, at):
    node.at, node.act = at, lambda: withdraw(clinic)
    await work(clinic)
    assert node.given == list(range(at + 1))
    assert node.closed
    kept = row(clinic, id_)
    assert (kept.state, kept.envelope, kept.reply) == ("withdrawn", "", None)
    assert acts(clinic) == ["receive", "withdraw"]


async def test_what_was_read_from_the_queue_and_is_withdrawn_is_not_begun(clinic, node, id_):
    (due,) = clinic.intake.due("received")
    withdraw(clinic)
    await clinic._guarded(due)
    assert node.given == []


async def test_an_answer_that_is_ready_does_not_leave_after_it(clinic, node, id_, monkeypatch):
    real = clinic._consult

    async def answered(opened):
        answer = await real(opened)
        withdraw(clinic)
        return answer

    monkeypatch.setattr(clinic, "_consult", answered)
    await work(clinic)
    assert row(clinic, id_).reply is None
    assert "answer" not in acts(clinic)


async def test_what_the_clinic_leaves_open_is_not_passed_on_after_it(
    clinic, node, id_, monkeypatch
):
    node.status = Status.ABSTAINED

    async def passed(envelope, opened):
        withdraw(clinic)
        return await Clinic._pass_on(clinic, envelope, opened)

    monkeypatch.setattr(clinic, "_pass_on", passed)
    await work(clinic)
    assert row(clinic, id_).state == "withdrawn"
    assert clinic.intake.due("outgoing") == []


async def test_its_trail_is_registered_and_its_book_is_beside_it(clinic):
    assert (clinic.settings.data / "trails.json").exists()
    assert clinic.intake.audit.state == clinic.settings.data
