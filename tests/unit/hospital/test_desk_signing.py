"""The desk: nothing leaves but what a clinician signed, once, and wrote down."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from support.exchange import DeviceKeys, an_answer

from compliance.audit import AuditError
from compliance.errors import BadInputError, NotFoundError
from services.consult.messages import Citation, Level, Sentence, Status, Triage
from services.exchange.models import StoredParcel
from services.exchange.sealed import open_reply
from services.hospital.desk import MAX_REPLY_CHARS, Desk
from services.hospital.errors import NotAllowedError, StaleDraftError
from services.hospital.models import Referral

DRAFT = an_answer(
    text="Rest. Drink water.",
    tier=Level.HOSPITAL,
    sentences=(
        Sentence(text="Rest.", citations=("flu#care",)),
        Sentence(text="Drink water.", citations=("flu#diet",)),
    ),
    citations=tuple(
        Citation(id=i, title="Flu", source="MedlinePlus", quote=q)
        for i, q in (("flu#care", "Rest."), ("flu#diet", "Drink water."))
    ),
)


class Bench:
    """A desk, a device that asks, and what the device would read."""

    def __init__(self, intake, keys, accounts, audit) -> None:
        self.intake, self.keys, self.audit = intake, keys, audit
        self.desk = Desk(intake, keys)
        self.ana = accounts.add_user("ana", "a long password", "Dr. Ana Ruiz", "clinician")
        self.bo = accounts.add_user("bo", "a long password", "Dr. Bo Lind", "clinician")
        self.device = DeviceKeys()
        self.referrals = {}

    def lay(self, draft=DRAFT, urgency="routine", minutes=0) -> str:
        made = self.device.refer("Is it flu?", self.keys, urgency=urgency)
        self.intake.accept(made.envelope, "CLINIC")
        rank = {"emergency": 0, "urgent": 1, "routine": 2}[urgency]
        with self.intake.database.transaction() as session:
            session.add(
                Referral(
                    id=made.id,
                    urgency=urgency,
                    urgency_rank=rank,
                    reason="not-covered",
                    question=made.question.model_dump_json(),
                    draft=draft.model_dump_json() if draft else None,
                    state="open",
                    received=datetime.now(UTC) - timedelta(minutes=minutes),
                )
            )
        self.referrals[made.id] = made
        return made.id

    def reply(self, id_: str):
        parcel = self.intake.state(id_, "CLINIC")
        if parcel.reply is None:
            return None
        return open_reply(
            parcel.reply,
            referral=id_,
            key=self.referrals[id_].reply_key,
            signers={Level.HOSPITAL: self.keys.identity.public},
        )


@pytest.fixture
def bench(intake, hospital_keys, accounts, audit):
    return Bench(intake, hospital_keys, accounts, audit)


@pytest.fixture
def id_(bench):
    return bench.lay()


def test_a_draft_is_what_would_be_signed(bench, id_):
    item = bench.desk.item(id_)
    assert (item.text, item.version, item.state) == ("Rest. Drink water.", 0, "open")
    assert bench.reply(id_) is None


@pytest.mark.parametrize("draft", [None, an_answer(status=Status.ABSTAINED, text="I do not know.")])
def test_without_an_answer_the_clinician_starts_with_nothing(bench, draft):
    assert bench.desk.item(bench.lay(draft)).text == ""


def test_saving_keeps_the_text_and_sends_nothing(bench, id_):
    item = bench.desk.save(id_, "Rest well.", version=0, user=bench.ana)
    assert (item.text, item.version, item.assignee) == ("Rest well.", 1, bench.ana.id)
    assert bench.reply(id_) is None


def test_an_emptied_text_stays_empty(bench, id_):
    assert bench.desk.save(id_, "", version=0, user=bench.ana).text == ""


def test_a_save_over_another_clinicians_is_stale(bench, id_):
    bench.desk.save(id_, "Ana's", version=0, user=bench.ana)
    with pytest.raises(StaleDraftError):
        bench.desk.save(id_, "Bo's", version=0, user=bench.bo)
    assert bench.desk.item(id_).text == "Ana's"


def test_signing_sends_exactly_the_signed_text(bench, id_):
    item = bench.desk.sign(id_, "Rest. And sleep.", version=0, user=bench.ana)
    assert (item.state, item.signed_by, item.text) == ("signed", bench.ana.id, "Rest. And sleep.")
    reply = bench.reply(id_)
    assert reply.text == "Rest. And sleep."
    assert reply.status is Status.ANSWERED
    assert reply.tier is Level.HOSPITAL
    assert reply.experts[-1] == "clinician"
    assert reply.trace[-1].detail["by"] == "Dr. Ana Ruiz"


def test_only_sources_that_are_still_quoted_are_cited(bench, id_):
    bench.desk.sign(id_, "Rest. And sleep.", version=0, user=bench.ana)
    reply = bench.reply(id_)
    assert [c.id for c in reply.citations] == ["flu#care"]
    assert reply.sentences == ()  # a reader who shows sentences must not lose "And sleep."


def test_an_unedited_draft_keeps_its_sentences(bench, id_):
    text = bench.desk.item(id_).text
    bench.desk.sign(id_, text, version=0, user=bench.ana)
    assert " ".join(s.text for s in bench.reply(id_).sentences) == text


def test_a_reply_without_a_draft_names_the_clinician(bench):
    id_ = bench.lay(None)
    bench.desk.sign(id_, "Come in today.", version=0, user=bench.ana)
    reply = bench.reply(id_)
    assert reply.model.name == "clinician"
    assert reply.triage == Triage()


@pytest.mark.parametrize("change", [{"role": "operator"}, {"role": "privacy"}, {"disabled": True}])
def test_nobody_but_a_clinician_with_an_open_account_signs(bench, id_, change):
    for name, value in change.items():
        setattr(bench.ana, name, value)
    with pytest.raises(NotAllowedError):
        bench.desk.sign(id_, "Rest.", version=0, user=bench.ana)
    assert bench.reply(id_) is None


def test_a_sentence_inside_another_is_not_taken_for_the_drafts(bench, id_):
    bench.desk.sign(id_, "Nobody told you to Rest.", version=0, user=bench.ana)
    assert bench.reply(id_).citations == ()


def test_a_signature_on_an_old_version_is_stale(bench, id_):
    bench.desk.save(id_, "Ana's", version=0, user=bench.ana)
    with pytest.raises(StaleDraftError):
        bench.desk.sign(id_, "Bo's", version=0, user=bench.bo)
    assert bench.reply(id_) is None


def test_what_is_signed_cannot_be_changed(bench, id_):
    signed = bench.desk.sign(id_, "Rest.", version=0, user=bench.ana)
    with pytest.raises(StaleDraftError):
        bench.desk.sign(id_, "Other.", version=signed.version, user=bench.bo)
    with pytest.raises(StaleDraftError):
        bench.desk.save(id_, "Other.", version=signed.version, user=bench.bo)
    assert bench.reply(id_).text == "Rest."


def test_of_two_who_sign_at_once_one_wins(bench, id_):
    def sign(user):
        try:
            bench.desk.sign(id_, f"by {user.username}", version=0, user=user)
        except StaleDraftError:
            return None
        return f"by {user.username}"

    with ThreadPoolExecutor(2) as pool:
        won = [w for w in pool.map(sign, (bench.ana, bench.bo)) if w]
    assert len(won) == 1
    assert bench.reply(id_).text == won[0]
    assert bench.desk.item(id_).text == won[0]


def test_a_reply_that_cannot_be_written_down_is_not_sent(bench, id_):
    bench.audit.fails = True
    with pytest.raises(AuditError):
        bench.desk.sign(id_, "Rest.", version=0, user=bench.ana)
    assert bench.reply(id_) is None
    assert bench.desk.item(id_).state == "open"
    bench.audit.fails = False
    assert bench.desk.sign(id_, "Rest.", version=0, user=bench.ana).state == "signed"


def test_the_audit_names_who_signed_and_no_words(bench, id_):
    bench.desk.sign(id_, "Rest at home.", version=0, user=bench.ana)
    text = str(bench.audit.events[-1])
    assert bench.ana.id in text
    assert "Rest at home" not in text


@pytest.mark.parametrize("text", ["", "  \n", "x" * (MAX_REPLY_CHARS + 1)])
def test_an_empty_or_endless_reply_is_refused(bench, id_, text):
    with pytest.raises(BadInputError):
        bench.desk.sign(id_, text, version=0, user=bench.ana)
    assert bench.reply(id_) is None


def test_an_unknown_referral_is_not_found(bench):
    for call in (
        lambda: bench.desk.item("none"),
        lambda: bench.desk.save("none", "x", version=0, user=bench.ana),
        lambda: bench.desk.sign("none", "x", version=0, user=bench.ana),
    ):
        with pytest.raises(NotFoundError):
            call()


def test_the_inbox_shows_the_most_urgent_then_the_oldest(bench):
    late = bench.lay(minutes=1)
    old = bench.lay(minutes=9)
    urgent = bench.lay(urgency="urgent")
    emergency = bench.lay(urgency="emergency")
    assert [i.id for i in bench.desk.inbox()] == [emergency, urgent, old, late]
    assert [i.id for i in bench.desk.inbox(limit=1, offset=1)] == [urgent]
    assert bench.desk.counts() == {"emergency": 1, "urgent": 1, "routine": 2, "signed": 0}


def test_signed_referrals_are_shown_newest_first(bench):
    ids = [bench.lay() for _ in range(2)]
    for one in ids:
        bench.desk.sign(one, "Rest.", version=0, user=bench.ana)
    assert [i.id for i in bench.desk.inbox("signed")] == ids[::-1]
    assert bench.desk.inbox() == []


def test_what_was_signed_long_ago_is_deleted_and_the_rest_stays(bench):
    old, fresh, unsigned = bench.lay(), bench.lay(), bench.lay(minutes=60 * 24 * 800)
    for one in (old, fresh):
        bench.desk.sign(one, "Rest.", version=0, user=bench.ana)
    with bench.intake.database.transaction() as session:
        before = datetime.now(UTC) - timedelta(days=400)
        session.execute(update(Referral).where(Referral.id == old).values(signed=before))
    assert bench.desk.forget(datetime.now(UTC) - timedelta(days=365)) == 1
    with pytest.raises(NotFoundError):
        bench.desk.item(old)
    with bench.intake.database.reading() as session:
        assert session.get(StoredParcel, old) is None
    assert {bench.desk.item(i).id for i in (fresh, unsigned)} == {fresh, unsigned}
