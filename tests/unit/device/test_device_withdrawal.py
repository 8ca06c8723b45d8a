"""A consent withdrawn on the device: in a running stream, in the outbox, and after it has left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from fhir.resources.R4B.bundle import Bundle
from support.exchange import FailingAudit, an_answer

from compliance.consent import standing
from compliance.errors import DisclosureRefusedError, NotFoundError
from patient_app import withdrawing
from patient_app.delivery import Delivery
from patient_app.disclosure import Discloser
from patient_app.member import Member
from patient_app.service import Device
from patient_app.settings import DeviceSettings
from services.consult.messages import Level, Status, Step, Triage, Urgency
from services.consult.node import Outcome
from services.exchange.errors import LinkDownError, ReferralRefusedError
from services.exchange.messages import Parcel, ParcelState
from services.exchange.withdrawal import WithdrawalTaken

PASSPHRASE = "correct horse"


class Plain:
    """Masks nothing: what is tested here is who may send, not what."""

    version = "caretier-deid/test"

    def deidentify(self, text, **_more):
        return SimpleNamespace(text=text)


class FakeNode:
    """A consult of triage, a step and an outcome; the test acts before the event that it names."""

    def __init__(self):
        self.at, self.act, self.status = -1, lambda: None, Status.ABSTAINED

    async def consult(self, question):
        answer = an_answer(question.id, status=self.status, text="?", tier=Level.DEVICE)
        events = (
            Triage(level=Urgency.ROUTINE),
            Step(step="ground", ms=1.0),
            Outcome(answer, Level.CLINIC, "not-covered"),
        )
        for number, event in enumerate(events):
            if number == self.at:
                self.act()
            yield event

    async def close(self):
        """Nothing to close."""


class Line:
    """A clinic that keeps what it is told, and may be away."""

    def __init__(self):
        self.told, self.sent, self.fails, self.before = [], [], None, lambda: None

    async def send(self, envelope):
        self.before()
        self.sent.append(envelope.id)
        return Parcel(id=envelope.id, state=ParcelState.RECEIVED)

    async def fetch(self, id_):
        self.before()
        return Parcel(id=id_, state=ParcelState.RECEIVED)

    async def withdraw(self, withdrawal):
        if self.fails:
            raise self.fails
        self.told.append(withdrawal)
        return WithdrawalTaken(consent=withdrawal.consent, removed=1)

    async def close(self):
        """Nothing to close."""


@pytest.fixture
def node():
    return FakeNode()


@pytest.fixture
def device(tmp_path, node, clinic, hospital):
    made = Device(DeviceSettings(data=tmp_path / "device"), node)
    made.__dict__["discloser"] = Discloser(Plain(), made.audit)
    made.add("ana", PASSPHRASE).link_to("http://clinic.test", clinic.bundle(), hospital.bundle())
    yield made
    made.lock("ana")


@pytest.fixture
def ana(device):
    return device.members["ana"]


@pytest.fixture
def consent(ana):
    """A standing consent for the clinic with the hospital behind it."""
    return withdrawing.give(ana, "treatment", ("clinic", "hospital"), days=None)


async def ask(device, ana, seen=None):
    events = [] if seen is None else seen
    async for event in device.ask(ana, "What is asthma?"):
        events.append(event)
    return events


def ledger(ana):
    return {entry["state"] for _, entry in ana.vault.items("ledger")}


class TestStream:
    async def test_under_a_standing_consent_it_ends_in_a_referral(self, device, ana, consent):
        assert (await ask(device, ana))[-1].status is Status.QUEUED

    @pytest.mark.parametrize("moment", [(0, 1), (1, 1), (2, 2)])
    async def test_a_withdrawal_ends_it_before_the_next_event_and_nothing_is_queued(
        self, device, ana, consent, node, moment
    ):
        at, seen = moment
        node.at, node.act = at, lambda: withdrawing.withdraw(ana, consent.id)
        events = []
        with pytest.raises(DisclosureRefusedError, match="withdrawn"):
            await ask(device, ana, events)
        assert len(events) == seen
        assert ana.vault.items("outbox") == []
        assert isinstance(events[0], Triage)

    async def test_what_triage_says_about_an_emergency_is_told_all_the_same(
        self, device, ana, consent, node
    ):
        node.at, node.act = 2, lambda: withdrawing.withdraw(ana, consent.id)
        node.status = Status.EMERGENCY
        assert (await ask(device, ana))[-1].status is Status.EMERGENCY

    async def test_another_consent_that_is_withdrawn_ends_it_too_if_it_may_run_under_that(
        self, device, ana, consent, node
    ):
        other = withdrawing.give(ana, "treatment", ("hospital",), days=1)
        node.at, node.act = 1, lambda: withdrawing.withdraw(ana, other.id)
        with pytest.raises(DisclosureRefusedError):
            await ask(device, ana)

    @pytest.mark.parametrize("kind", ["learning", "none"])
    async def test_one_that_runs_under_no_consent_goes_on(self, device, ana, node, kind):
        made = withdrawing.give(ana, "learning", ("hospital",), days=None)
        if kind == "learning":
            node.at, node.act = 1, lambda: withdrawing.withdraw(ana, made.id)
        answer = (await ask(device, ana))[-1]
        assert (answer.status, answer.offer is not None) == (Status.ABSTAINED, True)
        assert ana.vault.items("outbox") == []

    async def test_one_withdrawn_between_the_last_event_and_the_sending_is_not_a_send(
        self, device, ana, consent, monkeypatch
    ):
        """Without the consent's name the gate would take it for the person's word, just now."""
        real = Discloser.send

        def late(self, member, preview_id, **more):
            withdrawing.withdraw(member, consent.id)
            return real(self, member, preview_id, **more)

        monkeypatch.setattr(Discloser, "send", late)
        with pytest.raises(DisclosureRefusedError):
            await ask(device, ana)
        assert ana.vault.items("outbox") == []
        assert [c.id for c in ana.consents()] == [consent.id]

    async def test_a_consent_erased_from_the_vault_covers_nothing(
        self, device, ana, consent, monkeypatch
    ):
        real = Discloser.send

        def late(self, member, preview_id, **more):
            with member.vault.write() as tx:
                tx.delete("consent", consent.id)
            return real(self, member, preview_id, **more)

        monkeypatch.setattr(Discloser, "send", late)
        with pytest.raises(DisclosureRefusedError):
            await ask(device, ana)
        assert ana.vault.items("outbox") == []


class TestQueued:
    @pytest.fixture
    async def queued(self, device, ana, consent):
        """The id of a referral in the outbox."""
        return (await ask(device, ana))[-1].id

    def state(self, ana, id_, state):
        with ana.vault.write() as tx:
            tx.put("outbox", id_, {**tx.get("outbox", id_), "state": state})

    def due(self, ana):
        long_ago = (datetime.now(UTC) - timedelta(days=1)).isoformat()
        for kind in ("outbox", withdrawing.WITHDRAWALS):
            for id_, row in ana.vault.items(kind):
                with ana.vault.write() as tx:
                    tx.put(kind, id_, {**row, "due": long_ago})

    @pytest.mark.parametrize("state", ["outgoing", "sent"])
    async def test_it_is_taken_back_here_and_the_clinic_is_told(self, ana, consent, queued, state):
        self.state(ana, queued, state)
        withdrawing.withdraw(ana, consent.id)
        assert ana.vault.items("outbox") == []
        assert ledger(ana) == {"withdrawn"}
        assert ana.vault.get("consult", queued)["answer"]["status"] == "abstained"
        line = Line()
        assert await Delivery(ana, FailingAudit(), line).once()
        (said,) = line.told
        assert (said.consent, said.verify()) == (consent.id, ana.identity.public.fingerprint)
        assert ana.vault.items(withdrawing.WITHDRAWALS) == []
        assert line.sent == []

    async def test_a_clinic_that_is_away_is_told_later(self, ana, consent, queued):
        withdrawing.withdraw(ana, consent.id)
        line = Line()
        line.fails = LinkDownError("down")
        await Delivery(ana, FailingAudit(), line).once()
        assert ana.vault.get(withdrawing.WITHDRAWALS, consent.id)["attempts"] == 1
        line.fails = None
        await Delivery(ana, FailingAudit(), line).once()
        assert line.told == []
        self.due(ana)
        await Delivery(ana, FailingAudit(), line).once()
        assert len(line.told) == 1

    async def test_one_that_is_refused_is_not_told_for_ever(self, ana, consent, queued):
        withdrawing.withdraw(ana, consent.id)
        line = Line()
        line.fails = ReferralRefusedError("no")
        await Delivery(ana, FailingAudit(), line).once()
        assert ana.vault.items(withdrawing.WITHDRAWALS) == []

    async def test_withdrawn_while_it_is_being_sent_the_clinic_hears_of_it_after(
        self, ana, consent, queued
    ):
        line = Line()
        line.before = lambda: withdrawing.withdraw(ana, consent.id)
        await Delivery(ana, FailingAudit(), line).once()
        assert line.sent == [queued]
        assert ana.vault.items("outbox") == []
        line.before = lambda: None
        await Delivery(ana, FailingAudit(), line).once()
        assert [said.consent for said in line.told] == [consent.id]
        assert ledger(ana) == {"withdrawn"}

    async def test_withdrawn_while_the_answer_is_fetched_nothing_comes_back_to_life(
        self, ana, consent, queued
    ):
        self.state(ana, queued, "sent")
        line = Line()
        line.before = lambda: withdrawing.withdraw(ana, consent.id)
        await Delivery(ana, FailingAudit(), line).once()
        assert ana.vault.items("outbox") == []
        assert ledger(ana) == {"withdrawn"}

    async def test_the_device_carries_a_withdrawal_even_with_an_empty_outbox(
        self, device, ana, consent, queued, monkeypatch
    ):
        withdrawing.withdraw(ana, consent.id)
        line = Line()
        monkeypatch.setattr("patient_app.delivery.Link", lambda *_a, **_k: line)
        assert await device.deliver(ana)
        assert len(line.told) == 1
        assert not await device.deliver(ana)

    def test_withdrawing_twice_tells_it_once_and_an_unknown_one_is_not_found(self, ana, consent):
        first = withdrawing.withdraw(ana, consent.id)
        with ana.vault.write() as tx:
            tx.delete(withdrawing.WITHDRAWALS, consent.id)
        assert withdrawing.withdraw(ana, consent.id) == first
        assert ana.vault.items(withdrawing.WITHDRAWALS) == []
        with pytest.raises(NotFoundError):
            withdrawing.withdraw(ana, "none")

    def test_without_a_clinic_there_is_nobody_to_tell(self, tmp_path):
        alone = Member.create(tmp_path / "vaults" / "eva", PASSPHRASE)
        made = withdrawing.give(alone, "treatment", ("clinic",), days=None)
        assert withdrawing.withdraw(alone, made.id).withdrawn is not None
        assert alone.vault.items(withdrawing.WITHDRAWALS) == []
        alone.vault.close()


def test_consents_are_a_valid_fhir_bundle_about_the_patient_of_the_record(ana, consent):
    ana.import_record([{"resourceType": "Patient", "id": "p1"}])
    withdrawing.withdraw(ana, consent.id)
    withdrawing.give(ana, "research", ("hospital",), days=30)
    bundle = withdrawing.consents_to_fhir(ana)
    Bundle.model_validate(bundle)
    found = [entry["resource"] for entry in bundle["entry"]]
    assert {r["patient"]["reference"] for r in found} == {"Patient/p1"}
    assert sorted(r["status"] for r in found) == ["active", "inactive"]
    assert sorted(r["meta"]["versionId"] for r in found) == ["1", "2"]


def test_an_expired_consent_covers_nothing(device, ana):
    now = datetime.now(UTC)
    over = standing(destinations=("clinic",), now=now - timedelta(days=2), expires=now)
    with ana.vault.write() as tx:
        tx.put("consent", over.id, over.model_dump(mode="json"))
    assert ana.standing_consent("clinic") is None
    assert withdrawing.handle(ana)()
