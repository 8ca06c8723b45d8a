"""Consent withdrawn while a referral is on its way out: what has not left does not leave."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.exchange import DeviceKeys, FailingAudit, an_answer

from compliance.consent import standing
from compliance.errors import NotFoundError
from patient_app.delivery import Delivery
from patient_app.member import Member
from patient_app.vault import KdfParameters, vault
from services.consult.messages import Level, Status
from services.exchange.keys import NodeKeys
from services.exchange.messages import Parcel, ParcelState

LONG_AGO = "2026-01-01T00:00:00+00:00"


class Line:
    """A clinic that can be asked to lose things, and lets the test act in the middle of a call."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.before: Any = lambda: None
        self.lost = False

    async def send(self, envelope: Any) -> Parcel:
        self.sent.append(envelope.id)
        self.before()
        return Parcel(id=envelope.id, state=ParcelState.RECEIVED)

    async def fetch(self, id_: str) -> Parcel:
        self.before()
        if self.lost:
            raise NotFoundError("There is no such referral.")
        return Parcel(id=id_, state=ParcelState.RECEIVED)

    async def close(self) -> None:
        """Nothing to close."""


@pytest.fixture
def member(tmp_path, monkeypatch):
    cheap = KdfParameters(memory_kib=64, passes=1, lanes=1)
    monkeypatch.setattr(vault, "KdfParameters", lambda: cheap)
    made = Member.create(tmp_path / "vaults" / "ana", "correct horse")
    clinic = NodeKeys.load_or_create(tmp_path / "clinic", name="C", level="clinic")
    made.link_to("http://clinic.test", clinic.bundle(), None)
    yield made
    made.vault.close()


@pytest.fixture
def consent():
    now = datetime.now(UTC) - timedelta(minutes=1)
    return standing(destinations=("clinic",), now=now)


@pytest.fixture
def lay(member, tmp_path, consent):
    """Put a referral under the consent into the outbox; returns its id."""
    keys = NodeKeys.load_or_create(tmp_path / "clinic", name="C", level="clinic")

    def make(state: str) -> str:
        referral = DeviceKeys(member.identity).refer(
            "x", keys, destination=Level.CLINIC, receipt={"consent": consent.id}
        )
        answer = an_answer(referral.id, status=Status.QUEUED, tier=Level.DEVICE)
        receipt = referral.envelope.receipt.id
        with member.vault.write() as tx:
            tx.put("consent", consent.id, consent.model_dump(mode="json"))
            tx.put("ledger", receipt, {"consult": referral.id, "state": "queued", "time": LONG_AGO})
            kept = {"question": "x", "asked": LONG_AGO, "conversation": "talk"}
            tx.put("consult", referral.id, kept | {"answer": answer.model_dump(mode="json")})
            row = {
                "envelope": referral.envelope.model_dump_json(),
                "reply_key": "",
                "conversation": "talk",
                "receipt": receipt,
                "state": state,
                "attempts": 0,
                "due": LONG_AGO,
            }
            tx.put("outbox", referral.id, row)
        return referral.id

    return make


def withdraw(member, consent) -> None:
    """As the vault holds it, whoever wrote it there."""
    with member.vault.write() as tx:
        gone = consent.withdraw(datetime.now(UTC))
        tx.put("consent", consent.id, gone.model_dump(mode="json"))


def ledger_states(member) -> set[str]:
    return {entry["state"] for _, entry in member.vault.items("ledger")}


async def test_what_was_withdrawn_after_the_rows_were_read_is_not_sent(member, consent, lay):
    line = Line()
    lay("outgoing"), lay("outgoing")
    line.before = lambda: withdraw(member, consent)
    await Delivery(member, FailingAudit(), line).once()
    assert len(line.sent) == 1


async def test_a_withdrawn_consent_takes_what_waits_out_of_the_outbox(member, consent, lay):
    id_ = lay("outgoing")
    withdraw(member, consent)
    line = Line()
    await Delivery(member, FailingAudit(), line).once()
    assert not line.sent
    assert member.vault.get("outbox", id_) is None
    assert ledger_states(member) == {"withdrawn"}
    assert member.vault.get("consult", id_)["answer"]["status"] == "abstained"


async def test_what_the_clinic_lost_is_not_sent_again_under_a_withdrawn_consent(
    member, consent, lay
):
    id_, line = lay("sent"), Line()
    line.lost = True
    withdraw(member, consent)
    await Delivery(member, FailingAudit(), line).once()
    assert not line.sent
    assert member.vault.get("outbox", id_) is None


async def test_what_was_ended_while_the_clinic_was_asked_does_not_come_back(member, lay):
    id_, line = lay("sent"), Line()
    line.lost = True

    def end() -> None:
        with member.vault.write() as tx:
            tx.delete("outbox", id_)

    line.before = end
    await Delivery(member, FailingAudit(), line).once()
    assert member.vault.get("outbox", id_) is None


@pytest.mark.parametrize(
    ("given", "wanted", "covered"),
    [
        (("clinic", "hospital"), ("clinic", "hospital"), True),
        (("clinic", "hospital"), ("hospital",), False),
        (("clinic",), ("clinic", "hospital"), False),
        (("hospital",), ("clinic", "hospital"), False),
        (("hospital",), ("hospital",), True),
    ],
)
def test_a_standing_consent_counts_for_its_own_destination_alone(member, given, wanted, covered):
    made = standing(destinations=given, now=datetime.now(UTC) - timedelta(minutes=1))
    with member.vault.write() as tx:
        tx.put("consent", made.id, made.model_dump(mode="json"))
    assert (member.standing_consent(*wanted) is not None) is covered


def test_a_withdrawn_standing_consent_counts_no_more_even_on_a_clock_set_back(member):
    now = datetime.now(UTC)
    made = standing(destinations=("clinic",), now=now - timedelta(days=9))
    gone = made.withdraw(now + timedelta(days=400))
    with member.vault.write() as tx:
        tx.put("consent", made.id, gone.model_dump(mode="json"))
    assert member.standing_consent("clinic") is None
