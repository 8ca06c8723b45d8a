"""Retention at the clinic: ended referrals go by the schedule, and never too soon."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
import yaml
from sqlalchemy import update
from support.exchange import DeviceKeys

from clinic_edge.service import KEEP_ENDED, Clinic
from clinic_edge.settings import ClinicSettings
from clinic_edge.tidying import _ended
from compliance.retention import DEFAULT, RetentionError, Schedule
from services.consult.messages import Level
from services.exchange.models import StoredParcel
from services.exchange.withdrawal import Withdrawal

NOW = datetime.now(UTC)


@pytest.fixture
async def clinic(tmp_path):
    made = Clinic(ClinicSettings(data=tmp_path / "clinic"), node=SimpleNamespace(close=_nothing))
    yield made
    await made.close()


async def _nothing():
    """Nothing to close."""


@pytest.fixture
def lay(clinic):
    """Lay a referral into the clinic's table that came so many days ago."""

    def make(days: float, state: str) -> str:
        made = DeviceKeys().refer("x", clinic.keys, destination=Level.CLINIC)
        clinic.intake.accept(made.envelope, "S")
        with clinic.database.transaction() as session:
            row = update(StoredParcel).where(StoredParcel.id == made.id)
            came = datetime.now(UTC) - timedelta(days=days)
            session.execute(row.values(state=state, received=came))
        return made.id

    return make


def test_every_rule_of_the_clinic_is_swept(clinic):
    counts = clinic.tidy()
    assert set(counts) == {r.id for r in Schedule.load().of("clinic") if r.keep is not None}
    assert not any(counts.values())


@pytest.mark.parametrize("state", ["answered", "refused", "withdrawn"])
def test_an_ended_referral_goes_on_its_day_and_not_before(clinic, lay, state):
    old, young = lay(31.01, state), lay(30.99, state)
    assert clinic.tidy()["clinic.referral"] == 1
    assert (clinic.intake.holds(old), clinic.intake.holds(young)) == (False, True)


@pytest.mark.parametrize("state", ["received", "outgoing", "relayed"])
def test_what_is_still_to_be_done_stays_however_old(clinic, lay, state):
    id_ = lay(400, state)
    assert clinic.tidy()["clinic.referral"] == 0
    assert clinic.intake.holds(id_)


def test_an_old_withdrawal_goes_with_the_referrals_that_it_forbids(clinic):
    device = DeviceKeys()
    clinic.intake.withdraw(Withdrawal.sign("c1", device.identity, NOW), "S")
    clinic.sweeper.sweep(NOW + timedelta(days=30))
    assert clinic.intake.withdrawals.is_withdrawn(device.fingerprint, "c1")
    clinic.sweeper.sweep(NOW + timedelta(days=32))
    assert not clinic.intake.withdrawals.is_withdrawn(device.fingerprint, "c1")


def test_what_is_under_legal_hold_stays(clinic, lay):
    held, free = lay(40, "answered"), lay(40, "answered")
    assert _ended(clinic.intake, NOW, frozenset({f"referral:{held}", "patient:p1"})) == 1
    assert (clinic.intake.holds(held), clinic.intake.holds(free)) == (True, False)


def schedule_of(path, keep: str):
    given = yaml.safe_load(DEFAULT.read_text("utf-8"))
    for rule in given["rules"]:
        if rule["id"] == "clinic.referral":
            rule["keep"] = keep
    path.write_text(yaml.safe_dump(given), "utf-8")
    return path


@pytest.mark.parametrize("keep", ["P1D", "P30D"])
def test_a_schedule_under_which_a_referral_could_come_twice_is_refused_at_the_start(tmp_path, keep):
    path = schedule_of(tmp_path / "own.yaml", keep)
    settings = ClinicSettings(data=tmp_path / "clinic", retention=path)
    with pytest.raises(RetentionError) as raised:
        Clinic(settings)
    assert f"{KEEP_ENDED.days} days" in raised.value.advice


async def test_a_clinic_deletes_by_its_own_file(tmp_path):
    path = schedule_of(tmp_path / "own.yaml", "P60D")
    settings = ClinicSettings(data=tmp_path / "clinic", retention=path)
    made = Clinic(settings, node=SimpleNamespace(close=_nothing))
    assert made.tidy() == {"clinic.referral": 0, "clinic.signal": 0, "clinic.token": 0}
    await made.close()
