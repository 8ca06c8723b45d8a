"""Two at once at the hospital's desk: nothing withdrawn stays, nobody waits crosswise."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import func, select, update
from support.exchange import DeviceKeys, an_answer
from support.meeting import meet
from support.trail import Trail

from compliance.errors import NotFoundError
from services.consult.messages import Level
from services.exchange.models import StoredParcel
from services.exchange.signals import SignalIntake
from services.exchange.withdrawal import Withdrawal
from services.hospital.audited import Auditor, Caller
from services.hospital.desk import Desk
from services.hospital.factors import Factors
from services.hospital.intake import HospitalIntake
from services.hospital.jobs import Jobs, add_job
from services.hospital.models import Job, PortalSession, Referral, ReplyVersion
from services.hospital.notices import Notices, notify
from services.hospital.opening import Opening
from services.hospital.pending import PendingSignIns
from services.hospital.people import People
from services.hospital.secret_file import TextKey
from services.hospital.text_keys import TextKeys
from services.hospital.versions import ReplyVersions


class Ward:
    """Referrals of one device under one consent, from the envelope to the signed reply."""

    def __init__(self, database, keys, accounts, folder) -> None:
        self.database, self.keys, self.texts = database, keys, TextKeys(folder / "texts")
        self.intake = HospitalIntake(database, Level.HOSPITAL, Trail(), self.texts)
        self.jobs, self.device = Jobs(database), DeviceKeys()
        self.desk = Desk(self.intake, keys, self.texts)
        self.ana = accounts.add_user("ana", "a long password", "Dr. Ana Ruiz", "clinician")
        self.opening = Opening(
            database,
            self.jobs,
            intake=self.intake,
            desk=self.desk,
            keys=keys,
            node=lambda: None,
            signals=SignalIntake(self.intake, None),
        )

    def refer(self) -> str:
        """Take a referral in."""
        made = self.device.refer("Is it flu?", self.keys, receipt={"consent": "c1"})
        self.intake.accept(made.envelope, "CLINIC")
        return made.id

    def opens(self, id_: str):
        """What a worker that took its job does: it lays it on the desk."""
        taken = self.jobs.take(f"open-referral:{id_}")
        return lambda: asyncio.run(self.opening.open(taken))

    def withdraw(self) -> int:
        """Take the consent back; returns how many referrals that removed."""
        word = Withdrawal.sign("c1", self.device.identity, datetime.now(UTC))
        return self.intake.withdraw(word, "CLINIC").removed

    def count(self, table) -> int:
        with self.database.reading() as session:
            return session.scalar(select(func.count()).select_from(table))

    def reply(self, id_: str) -> str | None:
        with self.database.reading() as session:
            return session.get_one(StoredParcel, id_).reply


@pytest.fixture
def ward(database, hospital_keys, accounts, tmp_path, monkeypatch):
    async def drafted(_opening, _asked):
        return an_answer(text="Rest.", tier=Level.HOSPITAL)

    monkeypatch.setattr(Opening, "_draft", drafted)
    return Ward(database, hospital_keys, accounts, tmp_path)


def test_what_is_withdrawn_while_a_worker_lays_it_on_the_desk_does_not_stay(ward):
    id_ = ward.refer()
    laid, removed = meet(ward.database, ward.opens(id_), ward.withdraw, after="UPDATE hospital_job")
    laid.result()
    assert removed.result() == 1
    assert (ward.count(Referral), ward.count(Job)) == (0, 0)


def test_what_is_signed_while_it_is_withdrawn_is_either(ward):
    id_ = ward.refer()
    ward.opens(id_)()
    sign = partial(ward.desk.sign, id_, "Rest.", version=0, user=ward.ana)
    signed, removed = meet(ward.database, sign, ward.withdraw, after="UPDATE hospital_referral")
    assert (signed.result().state, removed.result()) == ("signed", 0)
    assert ward.reply(id_) is not None


def test_what_is_withdrawn_while_it_is_signed_is_not_answered(ward):
    id_ = ward.refer()
    ward.opens(id_)()
    sign = partial(ward.desk.sign, id_, "Rest.", version=0, user=ward.ana)
    removed, signed = meet(
        ward.database, ward.withdraw, sign, after="DELETE FROM hospital_referral"
    )
    assert removed.result() == 1
    assert isinstance(signed.exception(), NotFoundError)
    assert (ward.reply(id_), ward.count(Referral)) == (None, 0)


def test_a_version_that_is_kept_after_the_reply_was_signed_does_not_stay(ward):
    id_ = ward.refer()
    ward.opens(id_)()
    versions = ReplyVersions(ward.database, ward.desk)
    versions.attach(ward.desk)
    saved = ward.desk.save(id_, "Rest well.", version=0, user=ward.ana)
    ward.desk.sign(id_, "Rest well.", version=1, user=ward.ana)
    versions.keep(saved, ward.ana)
    assert ward.count(ReplyVersion) == 0


def test_a_job_that_two_write_at_once_is_there_once(database):
    def write(more=0):
        with database.transaction() as session:
            add_job(session, "ask", "one")
            for number in range(more):
                add_job(session, "ask", f"more-{number}")

    for done in meet(database, write, partial(write, 1), after="INSERT INTO hospital_job"):
        done.result()
    with database.reading() as session:
        assert sorted(session.scalars(select(Job.subject))) == ["more-0", "one"]


def test_what_tidies_up_leaves_what_somebody_is_at_and_waits_for_nobody(ward):
    ids = [ward.refer() for _ in range(3)]
    for id_ in ids:
        ward.intake.answer(id_, "sealed")
    forget = partial(ward.intake.forget, timedelta(seconds=-1))
    busy, gone = meet(
        ward.database,
        partial(ward.intake.check_again, ids[1], timedelta(0)),
        forget,
        after="UPDATE exchange_parcel",
    )
    busy.result()
    assert gone.result() == (3 if ward.database.is_sqlite else 2)
    assert gone.result() + forget() == 3


def test_a_notice_that_comes_while_all_are_read_is_told(database, accounts):
    ana = accounts.add_user("ana", "a long password", "Dr. Ana Ruiz", "clinician").id
    notices = Notices(database)

    def tell(*subjects):
        with database.transaction() as session:
            for subject in subjects:
                notify(session, ana, "handed-over", subject)

    tell("one", "two")
    told, read = meet(
        database,
        partial(tell, "two", "one"),
        partial(notices.read, ana),
        after="INSERT INTO hospital_notice",
    )
    for done in (told, read):
        done.result()
    assert notices.unread(ana) == (0 if database.is_sqlite else 2)


class TestAccounts:
    @pytest.fixture
    def people(self, database, accounts):
        auditor = Auditor(Trail().record_all, "hospital")
        factors = Factors(database, TextKey(b"k" * 32), auditor, policy="optional")
        return People(database, accounts, factors, PendingSignIns(database), auditor)

    def test_a_request_of_somebody_whose_role_is_changed_waits_for_nobody(
        self, database, accounts, people
    ):
        ana = accounts.add_user("ana", "a long password", "Dr. Ana Ruiz", "clinician")
        token = accounts.open_session(ana, "password")
        with database.transaction() as session:
            early = datetime.now(UTC) - timedelta(minutes=1)
            session.execute(update(PortalSession).values(seen=early))
        seen, changed = meet(
            database,
            partial(accounts.signed_in, token),
            partial(people.set_role, ana.id, "operator", "a new job", Caller.shell()),
            after="UPDATE hospital_session",
        )
        assert seen.result().user.id == ana.id
        assert changed.exception() is None
        assert accounts.signed_in(token) is None

    def test_somebody_new_who_comes_from_the_provider_twice_at_once_is_one(
        self, database, accounts
    ):
        come = partial(accounts.from_provider, "https://idp|7", "Dr. Ana Ruiz", "clinician")
        done = meet(database, come, come, after="INSERT INTO hospital_user")
        assert len({one.result().id for one in done}) == 1
        assert len(accounts.users()) == 1

    def test_a_second_factor_that_is_begun_twice_at_once_is_one(self, database, accounts, people):
        ana = accounts.add_user("ana", "a long password", "Dr. Ana Ruiz", "clinician")
        begin = partial(people.factors.begin, ana)
        done = meet(database, begin, begin, after="INSERT INTO hospital_second_factor")
        assert len({one.result() for one in done}) == 1
