"""A clinic counts in windows and sends numbers alone; what could not be sent waits."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from clinic_edge.measures import ClinicMeasures
from clinic_edge.service import Clinic
from clinic_edge.settings import ClinicSettings
from services.exchange.errors import LinkDownError
from services.learning.models import Signal
from services.learning.rollout.routes import Counted
from services.store.database import Database

BEGAN = datetime(2026, 1, 5, 8, tzinfo=UTC)


class Hospital:
    """Takes windows, or is away."""

    def __init__(self):
        self.heard, self.away, self.news, self.looks = [], False, False, 0

    def __call__(self, reports):
        if self.away:
            raise LinkDownError("no")
        self.heard.append(list(reports))
        return Counted(counted=len(reports), look=self.news)

    def look(self):
        """The clinic looks at its channels."""
        self.looks += 1


@pytest.fixture
def hospital():
    return Hospital()


@pytest.fixture
def database(tmp_path):
    made = Database(f"sqlite:///{tmp_path}/clinic.db")
    made.migrate("services.learning")
    yield made
    made.close()


@pytest.fixture
def using():
    return {"learned-general": 3}


@pytest.fixture
def now():
    return [BEGAN]


@pytest.fixture
def measures(tmp_path, database, using, hospital, now):
    path = tmp_path / "measures.json"
    return ClinicMeasures(
        path, database, lambda: using, hospital, hospital.look, clock=lambda: now[0]
    )


def signal(id_, made, *, worse):
    return Signal(
        id=id_,
        kind="thumb",
        domain="general",
        question="Q",
        worse=worse,
        consent="Consent/1",
        subject="s",
        made=made,
        expires=made + timedelta(days=30),
    )


def test_a_window_has_counts_and_nothing_else(measures, database, hospital, now):
    for seconds, abstained, referred in (
        (0.2, False, False),
        (0.4, True, True),
        (0.3, True, False),
    ):
        measures.count(seconds, abstained=abstained, referred=referred)
    with database.transaction() as session:
        session.add(signal("wrong", BEGAN, worse="It said this."))
        session.add(signal("good", BEGAN, worse=None))
        session.add(signal("before", BEGAN - timedelta(hours=1), worse="Earlier."))
    now[0] += timedelta(minutes=15)
    assert measures.turn() == 1
    told = json.loads(hospital.heard[0][0].model_dump_json())
    assert told == {
        "brick": "learned-general",
        "version": 3,
        "since": "2026-01-05T08:00:00Z",
        "measures": {
            "answers": 3,
            "overrides": 1,
            "abstentions": 2,
            "referrals": 1,
            "latency_p50_ms": 300.0,
            "canaries": 0,
            "canaries_failed": 0,
        },
    }


def test_a_window_in_which_the_release_changed_says_nothing_of_either(
    measures, using, hospital, now
):
    measures.count(0.1, abstained=False, referred=False)
    using["learned-general"] = 4
    now[0] += timedelta(minutes=15)
    assert measures.turn() == 0
    measures.count(0.1, abstained=False, referred=False)
    now[0] += timedelta(minutes=15)
    measures.turn()
    assert [(r.version, r.measures.answers) for r in hospital.heard[0]] == [(4, 1)]


def test_what_could_not_be_sent_waits_and_goes_with_the_next(measures, hospital, now):
    hospital.away = True
    measures.count(0.1, abstained=False, referred=False)
    now[0] += timedelta(minutes=15)
    with pytest.raises(LinkDownError):
        measures.turn()
    hospital.away = False
    now[0] += timedelta(minutes=15)
    assert measures.turn() == 2
    assert [r.measures.answers for r in hospital.heard[0]] == [1, 0]
    now[0] += timedelta(minutes=15)
    assert measures.turn() == 1


def test_what_waited_for_too_long_is_dropped_and_a_torn_file_is_no_reason_to_stop(
    measures, hospital, now, tmp_path
):
    hospital.away = True
    with pytest.raises(LinkDownError):
        measures.turn()
    hospital.away = False
    now[0] += timedelta(days=40)
    assert measures.turn() == 1
    (tmp_path / "measures.json").write_text("{torn")
    assert measures.turn() == 1


def test_news_at_the_hospital_make_the_clinic_look_at_once(measures, hospital):
    measures.turn()
    assert hospital.looks == 0
    hospital.news = True
    measures.turn()
    assert hospital.looks == 1


def test_a_clinic_that_is_enrolled_nowhere_keeps_its_counts(tmp_path):
    clinic = Clinic(ClinicSettings(data=tmp_path / "clinic"), node=object())
    assert clinic.measures.turn() == 0
    held = json.loads((tmp_path / "clinic" / "measures.json").read_text())
    assert [(one["brick"], one["version"]) for one in held] == [("learned-general", 0)]
    clinic.database.close()


def test_the_loop_goes_on_whatever_one_turn_comes_to(measures, hospital):
    hospital.away = True

    async def some() -> None:
        task = asyncio.create_task(measures.loop(0.01))
        await asyncio.sleep(0.1)
        hospital.away = False
        await asyncio.sleep(0.1)
        task.cancel()

    asyncio.run(some())
    assert hospital.heard
