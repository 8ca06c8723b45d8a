"""What the hospital learns from at home: only what is switched on, consented, and masked."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import select
from support.exchange import DeviceKeys, an_answer

from compliance.deidentify import DeidentificationError
from services.consult.messages import Level, Sentence, Status
from services.exchange.signals import SignalIntake
from services.exchange.withdrawal import Withdrawal
from services.hospital.audited import Auditor, Caller
from services.hospital.cds.ledger import Signal as CardSignal
from services.hospital.desk import Desk
from services.hospital.erasure import Erasures
from services.hospital.holds import Holds
from services.hospital.jobs import Jobs
from services.hospital.models import Referral
from services.hospital.signals import CARDS, OURS, HospitalSignals
from services.hospital.text_keys import TextKeys
from services.learning.models import Signal
from services.learning.signals import forget_over

DRAFT = an_answer(
    text="Rest. Drink water.",
    tier=Level.HOSPITAL,
    sentences=(
        Sentence(text="Rest.", citations=("flu#care",)),
        Sentence(text="Drink water.", citations=("flu#diet",)),
    ),
)
CONSENT = "consent-for-learning"
KEEP = timedelta(days=180)


class Cards:
    """A ledger of cards."""

    def __init__(self) -> None:
        self.found: list[CardSignal] = []

    def signals(self, since=None):
        return iter([one for one in self.found if since is None or one.received > since])


class Ward:
    """A desk at a hospital that learns from edits, and the device that asks."""

    def __init__(self, intake, keys, accounts, audit, deidentifier, *, edits=True) -> None:
        self.intake, self.keys, self.database = intake, keys, intake.database
        self.desk, self.jobs, self.cards = Desk(intake, keys), Jobs(intake.database), Cards()
        self.user = accounts.add_user("ana", "a long password", "Dr. Ana Ruiz", "clinician")
        self.device, self.detector, self.audit = DeviceKeys(), deidentifier, audit
        self.signals = HospitalSignals(
            self.database,
            self.jobs,
            desk=self.desk,
            taken=SignalIntake(intake, KEEP),
            cards=self.cards,
            edits=edits,
            detector=lambda: self.detector,
        )

    def sign(self, text, *, draft=DRAFT, learning: str | None = CONSENT) -> str:
        """Lay a referral on the desk and sign a reply; its id."""
        made = self.device.refer("Is it flu? Ask [PERSON-1].", self.keys, learning=learning)
        self.intake.accept(made.envelope, "CLINIC")
        with self.database.transaction() as session:
            session.add(
                Referral(
                    id=made.id,
                    urgency="routine",
                    urgency_rank=2,
                    reason="not-covered",
                    question=made.question.model_dump_json(),
                    draft=draft.model_dump_json() if draft else None,
                    state="open",
                    received=datetime.now(UTC),
                )
            )
        self.desk.sign(made.id, text, version=0, user=self.user)
        return made.id

    def learn(self) -> list[Signal]:
        """Do every job that waits; the signals that are there then."""
        for job in self.jobs.due():
            taken = self.jobs.take(job)
            assert taken is not None
            asyncio.run(self.signals.handlers[taken.kind](taken))
        with self.database.reading() as session:
            return list(session.scalars(select(Signal)))

    def withdraw(self, consent=CONSENT) -> None:
        word = Withdrawal.sign(consent, self.device.identity, datetime.now(UTC))
        self.intake.withdraw(word, "CLINIC")


@pytest.fixture
def ward_of(intake, hospital_keys, accounts, audit, deidentifier):
    return lambda **more: Ward(intake, hospital_keys, accounts, audit, deidentifier, **more)


@pytest.fixture
def ward(ward_of):
    return ward_of()


def test_a_changed_draft_becomes_a_preference_pair_without_names(ward):
    id_ = ward.sign("Rest. Call Dr. Fennimore at 415-555-0137, and tell [PERSON-1].")
    (signal,) = ward.learn()
    assert (signal.id, signal.kind, signal.consent) == (f"edit-{id_}", "edit", CONSENT)
    assert signal.subject == ward.device.fingerprint
    assert signal.question == "Is it flu? Ask [PERSON-1]."
    assert signal.worse == DRAFT.text
    assert signal.better.startswith("Rest. Call ")
    assert signal.better.endswith("and tell [PERSON-1].")
    assert "Fennimore" not in signal.better
    assert "555" not in signal.better
    assert timedelta(days=179) < signal.expires - datetime.now(UTC) <= KEEP


def test_without_a_consent_only_the_fact_of_the_change_is_kept(ward):
    ward.sign("Something else.", learning=None)
    (signal,) = ward.learn()
    assert (signal.question, signal.better, signal.worse, signal.note) == ("", None, "", "")
    assert (signal.consent, signal.subject) == (OURS, "hospital")


def test_a_draft_that_was_signed_as_it_was_is_counted_without_a_word(ward):
    ward.sign("Rest. Drink water.")
    ward.sign("Drink water.\n\nRest.")  # put under headings of the reply, say
    assert [(s.question, s.better, s.worse) for s in ward.learn()] == [("", None, None)] * 2


def test_a_sentence_that_was_left_out_is_a_change(ward):
    ward.sign("Rest.")
    assert [(s.better, s.worse) for s in ward.learn()] == [("Rest.", DRAFT.text)]


@pytest.mark.parametrize("draft", [None, an_answer(status=Status.ABSTAINED, text="I do not know.")])
def test_what_only_a_clinician_could_answer_is_an_example(ward, draft):
    ward.sign("Influenza is likely.", draft=draft)
    ward.sign("Influenza is likely.", draft=draft, learning=None)
    (signal,) = ward.learn()
    assert (signal.kind, signal.better, signal.worse) == ("referral", "Influenza is likely.", None)


def test_a_hospital_that_did_not_switch_it_on_keeps_nothing(ward_of):
    ward = ward_of(edits=False)
    ward.sign("Something else.")
    assert ward.learn() == []


def test_a_consent_that_was_withdrawn_before_leaves_only_the_count(ward):
    ward.withdraw()
    ward.sign("Something else.")
    assert [s.question for s in ward.learn()] == [""]


def test_a_withdrawal_deletes_what_was_learned_under_it(ward):
    ward.sign("Something else.")
    assert len(ward.learn()) == 1
    ward.withdraw("another-consent")
    assert len(ward.learn()) == 1
    ward.withdraw()
    assert ward.learn() == []


def test_a_reply_that_cannot_be_masked_for_certain_keeps_no_word(ward):
    def fail(*_args, **_more):
        raise DeidentificationError("It took too long.")

    ward.detector = SimpleNamespace(deidentify=fail)
    ward.sign("Something else.")
    ward.sign("Influenza is likely.", draft=None)
    assert [(s.question, s.better, s.worse) for s in ward.learn()] == [("", None, "")]


def test_a_job_that_is_done_twice_keeps_one_signal(ward):
    ward.sign("Something else.")
    (job,) = ward.jobs.due()
    first = ward.jobs.take(job)
    asyncio.run(ward.signals.handlers[first.kind](first))
    asyncio.run(ward.signals.handlers[first.kind](first))
    assert len(ward.learn()) == 1


def test_erasing_a_referral_erases_what_was_learned_from_it(ward, tmp_path, hospital_keys):
    id_ = ward.sign("Something else.")
    assert len(ward.learn()) == 1
    auditor = Auditor(ward.audit.record_all, "H")
    holds = Holds(ward.database, auditor)
    texts = TextKeys(tmp_path / "texts")
    Erasures(ward.database, texts, holds, auditor, hospital_keys.identity).erase(
        id_, "person", Caller.shell()
    )
    assert ward.learn() == []


def card(number: int, outcome: str, reason: str | None, received: datetime) -> CardSignal:
    return CardSignal(
        id=f"{number:064d}",
        service="caretier-orders",
        rule="duplicate",
        source="Caretier",
        indicator="warning",
        outcome=outcome,
        reason=reason,
        accepted=0,
        given=received,
        done=received,
        received=received,
    )


def test_feedback_to_cards_is_taken_over_once_in_a_domain_of_its_own(ward):
    now = datetime.now(UTC)
    ward.cards.found = [card(1, "overridden", "other", now), card(2, "accepted", None, now)]
    assert ward.signals.gather() == 2
    ward.cards.found.append(card(3, "overridden", None, now))  # written down at the same moment
    assert ward.signals.gather() == 1
    kept = {s.id[-1]: (s.domain, s.worse, s.note) for s in ward.learn()}
    assert kept == {
        "1": (CARDS, "warning", "other"),
        "2": (CARDS, None, ""),
        "3": (CARDS, "warning", ""),
    }
    assert forget_over(ward.database, now + timedelta(seconds=1)) == 3
