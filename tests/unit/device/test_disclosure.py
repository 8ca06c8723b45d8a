"""What leaves a device: only what was shown, once, under a consent, written down first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from compliance.audit import AuditError
from compliance.deidentify import DeidentificationError
from compliance.errors import DisclosureRefusedError, NotFoundError
from patient_app import disclosure
from patient_app.disclosure import Discloser
from patient_app.errors import NotLinkedError
from patient_app.medicines import own
from patient_app.member import Member
from services.consult.messages import Answer, Fact, Level, Person, Status, Turn
from services.exchange.messages import Envelope
from services.exchange.sealed import open_question

TEXT = "My name is Ana Ruiz, phone 555-201-3344. What is lupus?"
KINDS = ("preview", "consent", "ledger", "outbox", "map")


def kept(member, *kinds: str) -> dict[str, int]:
    return {kind: len(member.vault.items(kind)) for kind in kinds or KINDS}


@pytest.fixture
def offer(member, discloser, abstained):
    return discloser.preview(member, *abstained(member, TEXT), "talk")


def opened(member, keys, level=Level.CLINIC):
    (_, row), *_ = member.vault.items("outbox")
    return open_question(Envelope.model_validate_json(row["envelope"]), keys.sealing, level)


def test_a_preview_shows_masked_text_and_who_would_read_it(offer, member):
    shown = offer.disclosure
    assert "Ana" not in shown.text
    assert "555" not in shown.text
    assert "lupus" in shown.text
    assert shown.destination == "clinic"
    assert shown.readers == ("clinic", "hospital")
    assert shown.receipt is None
    assert set(shown.placeholders)
    assert all(p in shown.text for p in shown.placeholders)
    assert kept(member) == {"preview": 1, "consent": 0, "ledger": 0, "outbox": 0, "map": 1}


def test_what_leaves_is_what_was_shown(offer, member, discloser, clinic):
    discloser.send(member, offer.preview_id)
    question = opened(member, clinic).question
    assert question.text in offer.disclosure.text
    assert "Ana" not in question.model_dump_json(exclude={"reply_to"})  # random base64


def test_for_the_hospital_the_clinic_is_no_reader(member, discloser, abstained, hospital, clinic):
    asked, end = abstained(member, "Should I stop my lisinopril?", to=Level.HOSPITAL)
    offer = discloser.preview(member, asked, end, "talk")
    assert offer.disclosure.readers == ("hospital",)
    discloser.send(member, offer.preview_id)
    assert opened(member, hospital, Level.HOSPITAL)
    with pytest.raises(DisclosureRefusedError.__mro__[1]):
        opened(member, clinic)


def test_without_a_hospital_it_goes_to_the_clinic(member, discloser, abstained, clinic):
    member.link_to("http://clinic.test", clinic.bundle(), None)
    offer = discloser.preview(member, *abstained(member, "lupus?", to=Level.HOSPITAL), "talk")
    assert offer.disclosure.destination == "clinic"
    assert offer.disclosure.readers == ("clinic",)


def test_sending_gives_consent_writes_the_ledger_and_queues(offer, member, discloser, audit):
    answer = discloser.send(member, offer.preview_id)
    assert answer.status is Status.QUEUED
    assert answer.offer is None
    assert answer.disclosure.receipt
    assert kept(member) == {"preview": 0, "consent": 1, "ledger": 1, "outbox": 1, "map": 1}
    ((receipt, entry),) = member.vault.items("ledger")
    assert receipt == answer.disclosure.receipt
    assert entry["text"] == offer.disclosure.text
    assert len(list(audit.records())) == 1
    assert "lupus" not in str(list(audit.records()))


def test_sending_twice_sends_once(offer, member, discloser):
    discloser.send(member, offer.preview_id)
    with pytest.raises(NotFoundError):
        discloser.send(member, offer.preview_id)
    assert kept(member, "outbox") == {"outbox": 1}


def test_two_sends_at_once_send_once(offer, member, discloser):
    from concurrent.futures import ThreadPoolExecutor

    def send(_: int) -> Answer | None:
        try:
            return discloser.send(member, offer.preview_id)
        except NotFoundError:
            return None

    with ThreadPoolExecutor(2) as pool:
        answers = [a for a in pool.map(send, range(2)) if a]
    assert kept(member, "outbox", "ledger") == {"outbox": 1, "ledger": 1}
    assert len({a.disclosure.receipt for a in answers}) == 1


def test_an_expired_preview_is_not_sent(offer, member, discloser):
    with member.vault.write() as tx:
        preview = tx.get("preview", offer.preview_id)
        made = (datetime.now(UTC) - timedelta(hours=25)).isoformat()
        tx.put("preview", offer.preview_id, {**preview, "made": made})
    with pytest.raises(NotFoundError, match="expired"):
        discloser.send(member, offer.preview_id)
    assert kept(member, "outbox", "ledger", "consent") == {"outbox": 0, "ledger": 0, "consent": 0}


def test_an_unknown_preview_is_not_found(member, discloser):
    with pytest.raises(NotFoundError):
        discloser.send(member, "none")


def test_a_crossing_that_cannot_be_written_down_does_not_happen(
    offer, member, discloser, audit, monkeypatch
):
    def full(_event):
        raise AuditError("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(audit, "record", full)
        with pytest.raises(AuditError):
            discloser.send(member, offer.preview_id)
    assert kept(member, "outbox", "ledger", "consent") == {"outbox": 0, "ledger": 0, "consent": 0}
    assert discloser.send(member, offer.preview_id).status is Status.QUEUED


class FailingDetector:
    """A detector that cannot say for certain, at the nth text."""

    version = "caretier-deid/1"

    def __init__(self, real, after: int) -> None:
        self._real, self._left = real, after

    def deidentify(self, text, **more):
        if self._left == 0:
            raise DeidentificationError("The text could not be masked for certain.")
        self._left -= 1
        return self._real.deidentify(text, **more)


@pytest.mark.parametrize("after", [0, 1])
def test_when_the_detector_fails_nothing_is_kept(member, audit, deidentifier, abstained, after):
    broken = Discloser(FailingDetector(deidentifier, after), audit)
    history = (Turn(role="patient", text="I am Ana Ruiz."),)
    with pytest.raises(DeidentificationError):
        broken.preview(member, *abstained(member, TEXT, history=history), "talk")
    assert kept(member) == dict.fromkeys(KINDS, 0)


def test_a_device_without_a_clinic_makes_no_preview(tmp_path, discloser, abstained):
    alone = Member.create(tmp_path / "vaults" / "bo", "passphrase")
    with pytest.raises(NotLinkedError):
        discloser.preview(alone, *abstained(alone, TEXT), "talk")
    assert kept(alone) == dict.fromkeys(KINDS, 0)
    alone.vault.close()


@pytest.mark.parametrize(
    ("age", "crosses"), [(None, None), (0, 0), (41, 41), (89, 89), (90, 90), (91, 90), (112, 90)]
)
def test_an_age_over_89_crosses_as_90(  # noqa: PLR0917 - fixtures
    member, discloser, abstained, clinic, age, crosses
):
    asked, end = abstained(member, "What is lupus?", person=Person(age_years=age))
    offer = discloser.preview(member, asked, end, "talk")
    discloser.send(member, offer.preview_id)
    assert opened(member, clinic).question.person.age_years == crosses
    if age and age > 90:
        assert str(age) not in offer.disclosure.text


def test_earlier_words_of_the_conversation_are_masked_alike(member, discloser, abstained, clinic):
    history = (Turn(role="patient", text="I am Ana Ruiz."), Turn(role="assistant", text="Hello."))
    offer = discloser.preview(member, *abstained(member, TEXT, history=history), "talk")
    discloser.send(member, offer.preview_id)
    question = opened(member, clinic).question
    assert "Ana" not in question.model_dump_json(exclude={"reply_to"})  # random base64
    assert len(question.history) == 2


def test_facts_cross_without_reference_and_with_their_year_only(
    member, discloser, abstained, clinic, monkeypatch
):
    fact = Fact(id="Condition/abc-123", kind="condition", text="You have gout.", date="2021-03-04")

    class OneFact:
        def __init__(self, *_, **__):
            pass

        def facts_for(self, *_):
            return [fact] * 20

        def entered_for(self, *_):
            return []

    own.enter(member, "warfarin", "", "", None)
    monkeypatch.setattr(disclosure, "Record", OneFact)
    offer = discloser.preview(member, *abstained(member, "What is lupus?"), "talk")
    discloser.send(member, offer.preview_id)
    facts = opened(member, clinic).question.facts
    assert len(facts) == 12
    assert (facts[0].id, facts[0].date) == ("Condition", "2021")
    assert "abc-123" not in offer.disclosure.text


class TestStanding:
    """A standing consent covers later referrals until it is withdrawn."""

    def test_one_time_consent_covers_one_referral(self, offer, member, discloser):
        discloser.send(member, offer.preview_id)
        assert member.standing_consent(Level.CLINIC) is None

    def test_remembering_gives_one_that_is_used_again(self, offer, member, discloser, abstained):
        discloser.send(member, offer.preview_id, remember=True)
        given = member.standing_consent(Level.CLINIC)
        assert given is not None
        again = discloser.preview(member, *abstained(member, "And gout?"), "talk")
        discloser.send(member, again.preview_id)
        assert [c.id for c in member.consents()] == [given.id]

    def test_a_consent_that_was_withdrawn_meanwhile_sends_nothing(
        self, offer, member, discloser, abstained, monkeypatch
    ):
        discloser.send(member, offer.preview_id, remember=True)
        given = member.standing_consent(Level.CLINIC)
        again = discloser.preview(member, *abstained(member, "And gout?"), "talk")
        with member.vault.write() as tx:
            gone = given.withdraw(datetime.now(UTC))
            tx.put("consent", given.id, gone.model_dump(mode="json"))
        monkeypatch.setattr(Member, "standing_consent", lambda *_: given)
        with pytest.raises(DisclosureRefusedError):
            discloser.send(member, again.preview_id)
        assert kept(member, "outbox") == {"outbox": 1}
        assert member.consents()[0].withdrawn is not None

    def test_a_consent_for_the_clinic_alone_does_not_let_the_hospital_read(
        self, member, discloser, abstained, clinic, hospital
    ):
        member.link_to("http://clinic.test", clinic.bundle(), None)
        offer = discloser.preview(member, *abstained(member, "lupus?"), "talk")
        discloser.send(member, offer.preview_id, remember=True)
        assert member.standing_consent(Level.CLINIC)
        member.link_to("http://clinic.test", clinic.bundle(), hospital.bundle())
        assert member.standing_consent(Level.CLINIC, Level.HOSPITAL) is None
        wider = discloser.preview(member, *abstained(member, "gout?"), "talk")
        discloser.send(member, wider.preview_id)
        assert len(member.consents()) == 2
