"""Retention, legal hold and erasure at the hospital, backups included."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from support.exchange import DeviceKeys

from compliance.audit import AuditError
from compliance.errors import BadInputError, NotFoundError
from compliance.retention import RetentionError
from compliance.sealing.encoding import canonical_json, from_text
from compliance.sealing.identity import IdentityPublic, signed_bytes
from services.consult.messages import Answer, ModelCardRef, Status
from services.exchange.models import StoredParcel
from services.exchange.withdrawal import Withdrawal
from services.hospital.audited import Caller
from services.hospital.erasure import PURPOSE
from services.hospital.errors import HeldError, StaleDraftError, UnreadableError
from services.hospital.models import Referral
from services.hospital.opening import Opening
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings
from services.hospital.text_keys import MARK, TextKeys
from tests.support.trail import Trail

BY = Caller.shell()
DRAFT = Answer(
    id="d",
    status=Status.ANSWERED,
    text="Rest is what the draft says.",
    tier="hospital",
    model=ModelCardRef(name="m", digest="0"),
)
QUESTION = "I have had a strange ailment since [DATE-1]"
ONE = "0" * 8 + "-0000-4000-8000-" + "0" * 12


class Clock:
    def __init__(self):
        self.now = datetime.now(UTC)


@pytest.fixture
def hospital(tmp_path, monkeypatch):
    made = Hospital(HospitalSettings(data=tmp_path / "hospital"))
    made.intake.audit = Trail()

    async def drafted(_opening, _asked):
        return DRAFT

    monkeypatch.setattr(Opening, "_draft", drafted)
    yield made
    made.database.close()


@pytest.fixture
def ana(hospital):
    return hospital.accounts.add_user("ana", "a long enough password", "Dr. Ana", "clinician")


@pytest.fixture
def lay(hospital):
    async def make(device=None):
        made = (device or DeviceKeys()).refer(QUESTION, hospital.keys)
        hospital.intake.accept(made.envelope, "CLINIC")
        assert await hospital.do(f"open-referral:{made.id}")
        return made

    return make


def backup_of(hospital, folder):
    """A backup of the database as an operator would make it; the key folder is not in it."""
    folder.mkdir()
    with (
        contextlib.closing(sqlite3.connect(hospital.settings.data / "hospital.db")) as source,
        contextlib.closing(sqlite3.connect(folder / "hospital.db")) as copy,
    ):
        source.backup(copy)
    return folder / "hospital.db"


def age(hospital, id_, days):
    with hospital.database.transaction() as session:
        when = datetime.now(UTC) - timedelta(days=days)
        session.execute(update(Referral).where(Referral.id == id_).values(signed=when))


async def test_no_text_of_a_referral_stands_in_the_database(hospital, lay, ana, tmp_path):
    made = await lay()
    hospital.desk.save(made.id, "My own unusual words", version=0, user=ana)
    hospital.desk.sign(made.id, "My own unusual words", version=1, user=ana)
    assert hospital.desk.item(made.id).text == "My own unusual words"
    content = backup_of(hospital, tmp_path / "b").read_bytes()
    for said in (b"strange ailment", b"unusual words", b"what the draft says"):
        assert said not in content
    with hospital.database.reading() as session:
        row, parcel = session.get_one(Referral, made.id), session.get_one(StoredParcel, made.id)
    for stored in (row.question, row.draft, row.edited, row.signed_text, parcel.envelope):
        assert stored.startswith(MARK)


async def test_after_an_erasure_a_backup_cannot_be_read(hospital, lay, ana, tmp_path):
    made, other = await lay(), await lay()
    hospital.desk.save(made.id, "My own unusual words", version=0, user=ana)
    backup = backup_of(hospital, tmp_path / "b")
    hospital.erasures.erase(made.id, "person", BY)
    with sqlite3.connect(backup) as restored:
        columns = "question, draft, edited"
        texts = restored.execute(
            f"SELECT {columns} FROM hospital_referral WHERE id = ?", (made.id,)
        ).fetchone()
        kept = restored.execute(
            "SELECT question FROM hospital_referral WHERE id = ?", (other.id,)
        ).fetchone()
        envelope = restored.execute(
            "SELECT envelope FROM exchange_parcel WHERE id = ?", (made.id,)
        ).fetchone()
    restored.close()
    for column, text in zip((*columns.split(", "), "envelope"), (*texts, *envelope), strict=True):
        with pytest.raises(UnreadableError):
            hospital.texts.open(made.id, column, text)
    assert "ailment" in hospital.texts.open(other.id, "question", kept[0])


async def test_restoring_a_backup_brings_an_erased_referral_back_to_nobody(hospital, lay, tmp_path):
    made, other = await lay(), await lay()
    backup = backup_of(hospital, tmp_path / "b")
    hospital.erasures.erase(made.id, "person", BY)
    hospital.database.close()
    for suffix in ("-wal", "-shm"):
        (hospital.settings.data / f"hospital.db{suffix}").unlink(missing_ok=True)
    shutil.copyfile(backup, hospital.settings.data / "hospital.db")
    again = Hospital(hospital.settings)
    assert [item.id for item in again.desk.inbox()] == [other.id]
    with pytest.raises(UnreadableError):
        again.desk.item(made.id)
    again.database.close()


async def test_what_is_left_refuses_the_same_referral_and_tells_the_sender(hospital, lay):
    made = await lay()
    hospital.erasures.erase(made.id, "person", BY)
    assert hospital.intake.accept(made.envelope, "CLINIC").state == "refused"
    assert not await hospital.do(f"open-referral:{made.id}")
    assert hospital.desk.inbox() == []
    with pytest.raises(NotFoundError):
        hospital.desk.item(made.id)


async def test_the_receipt_is_signed_and_names_no_person(hospital, lay):
    made = await lay()
    receipt = hospital.erasures.erase(made.id, "person", BY)
    signature = from_text(receipt.pop("signature"))
    signer = IdentityPublic.from_text(receipt["hospital"])
    signer.verify(signature, signed_bytes(PURPOSE, canonical_json(receipt)))
    assert signer.fingerprint == hospital.keys.fingerprint
    assert (receipt["referral"], receipt["keys_destroyed"]) == (made.id, 1)
    (kept,) = hospital.erasures.receipts()
    assert json.loads(kept)["id"] == receipt["id"]
    assert "ailment" not in kept


async def test_an_erasure_is_written_down_first_or_does_not_happen(hospital, lay):
    made = await lay()
    hospital.intake.audit.fails = True
    with pytest.raises(AuditError):
        hospital.erasures.erase(made.id, "person", BY)
    assert "ailment" in hospital.desk.item(made.id).question.text
    hospital.intake.audit.fails = False
    hospital.erasures.erase(made.id, "person", BY)
    event = hospital.intake.audit.events[-1]
    assert event["action"] == "D"
    assert made.id in str(event)


async def test_an_erasure_that_broke_off_after_the_key_can_be_said_again(hospital, lay):
    made = await lay()
    hospital.texts.destroy([made.id])
    assert hospital.desk.inbox() == []
    receipt = hospital.erasures.erase(made.id, "person", BY)
    assert receipt["keys_destroyed"] == 0
    assert receipt["rows_deleted"] >= 1


async def test_a_clinician_who_has_it_open_cannot_bring_it_back(hospital, lay, ana):
    made = await lay()
    hospital.erasures.erase(made.id, "person", BY)
    for call in (
        lambda: hospital.desk.save(made.id, "again", version=0, user=ana),
        lambda: hospital.desk.sign(made.id, "again", version=0, user=ana),
    ):
        with pytest.raises((NotFoundError, StaleDraftError, UnreadableError)):
            call()
    assert hospital.desk.inbox() == []


@pytest.mark.parametrize(("id_", "reason"), [(ONE, "whim"), (ONE, "")])
def test_an_erasure_has_one_of_the_reasons(hospital, id_, reason):
    with pytest.raises(BadInputError):
        hospital.erasures.erase(id_, reason, BY)


@pytest.mark.parametrize("id_", [ONE, "../../etc", ""])
def test_what_is_not_there_cannot_be_erased(hospital, id_):
    with pytest.raises(NotFoundError):
        hospital.erasures.erase(id_, "person", BY)


async def test_a_legal_hold_stops_erasing_and_retention_until_it_is_lifted(hospital, lay, ana):
    made = await lay()
    hospital.desk.sign(made.id, "Rest.", version=0, user=ana)
    age(hospital, made.id, 400)
    hospital.holds.place(f"referral:{made.id}", "file 7", BY)
    with pytest.raises(HeldError):
        hospital.erasures.erase(made.id, "person", BY)
    assert hospital.tidy()["hospital.referral"] == 0
    hospital.holds.lift(f"referral:{made.id}", BY)
    assert hospital.tidy()["hospital.referral"] == 1
    with pytest.raises(NotFoundError):
        hospital.holds.lift(f"referral:{made.id}", BY)


@pytest.mark.parametrize(
    ("subject", "reason"), [("x", "file"), ("referral:1", "file"), ("patient:p", " ")]
)
def test_a_hold_has_a_subject_and_a_reason(hospital, subject, reason):
    with pytest.raises(BadInputError):
        hospital.holds.place(subject, reason, BY)


def test_a_hold_that_cannot_be_written_down_is_not_placed(hospital):
    hospital.intake.audit.fails = True
    with pytest.raises(AuditError):
        hospital.holds.place("patient:p01", "file 7", BY)
    assert hospital.holds.active() == frozenset()


@pytest.mark.parametrize(("days", "gone"), [(364, 0), (366, 1)])
async def test_the_schedule_says_when_a_signed_referral_goes(hospital, lay, ana, days, gone):
    made = await lay()
    hospital.desk.sign(made.id, "Rest.", version=0, user=ana)
    age(hospital, made.id, days)
    assert hospital.tidy()["hospital.referral"] == gone
    keys = [p for p in (hospital.settings.data / "keys" / "texts").rglob("*") if p.is_file()]
    assert len(keys) == 1 - gone


async def test_a_moved_clock_deletes_nothing_that_is_open(hospital, lay):
    made = await lay()
    hospital.sweeper.sweep(datetime.now(UTC) + timedelta(days=20_000))
    assert hospital.desk.item(made.id)


async def test_what_is_left_of_an_erased_one_goes_when_no_receipt_is_good_any_more(hospital, lay):
    made = await lay()
    hospital.erasures.erase(made.id, "person", BY)
    now = datetime.now(UTC)
    assert hospital.sweeper.sweep(now + timedelta(days=30))["hospital.refused"] == 0
    assert hospital.sweeper.sweep(now + timedelta(days=32))["hospital.refused"] == 1
    assert not [p for p in (hospital.settings.data / "keys" / "texts").rglob("*") if p.is_file()]
    assert hospital.erasures.receipts()
    assert hospital.sweeper.sweep(now + timedelta(days=2193))["hospital.erasure"] == 1


async def test_a_hospital_with_its_own_schedule_follows_it(tmp_path):
    from compliance.retention import DEFAULT

    own = tmp_path / "own.yaml"
    own.write_text(DEFAULT.read_text(encoding="utf-8").replace("P365D", "P30D"), encoding="utf-8")
    made = Hospital(HospitalSettings(data=tmp_path / "h", retention=own))
    made.database.close()
    own.write_text("rules: []", encoding="utf-8")
    with pytest.raises(RetentionError):
        Hospital(HospitalSettings(data=tmp_path / "h", retention=own))


async def test_a_withdrawn_consent_takes_referral_and_key_off_the_desk(hospital, lay):
    device = DeviceKeys()
    made = await lay(device)
    receipt = made.envelope.receipt
    word = Withdrawal.sign(receipt.consent, device.identity, datetime.now(UTC))
    hospital.intake.withdraw(word, "CLINIC")
    assert hospital.desk.inbox() == []
    assert not [
        p for p in (hospital.settings.data / "keys" / "texts").rglob("*")
        if p.is_file() and not p.name.endswith(".gone")
    ]  # fmt: skip


def test_keys_are_private_files_one_for_each_referral(tmp_path):
    keys = TextKeys(tmp_path / "texts")
    sealed = keys.seal(ONE, "question", "words")
    (path,) = (p for p in (tmp_path / "texts").rglob("*") if p.is_file())
    assert path.stat().st_mode & 0o077 == 0
    assert keys.open(ONE, "question", sealed) == "words"
    assert keys.open(ONE, "question", "plain text from before") == "plain text from before"
    with pytest.raises(UnreadableError):
        keys.open(ONE, "draft", sealed)
    assert keys.destroy([ONE, ONE]) == 1
    with pytest.raises(UnreadableError):
        keys.seal(ONE, "question", "again")


@pytest.mark.parametrize("id_", ["", "../x", "x" * 36, "/etc/passwd"])
def test_no_id_leaves_the_folder_of_keys(tmp_path, id_):
    with pytest.raises(UnreadableError):
        TextKeys(tmp_path).seal(id_, "question", "x")
