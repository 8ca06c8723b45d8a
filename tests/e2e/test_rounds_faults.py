"""Faults of rounds with a real Redis and real workers: one version comes out, or none."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from compliance.sealing import IdentityKey
from services.cli.processes import Child, redis_child, wait_port
from services.exchange.models import EnrolledNode
from services.hospital import service
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings
from services.learning.models import LearningRound, StoredContribution
from services.learning.rounds import State
from tests.support.round_worker import Faults, rounds_for
from tests.support.rounds import POLICY, contribute
from tests.support.stack import eventually

pytestmark = [pytest.mark.process, pytest.mark.xdist_group("rounds")]
SECONDS = 60.0


class Ward:
    """A hospital with a Redis and workers that are started and killed."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.data = folder
        (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
        monkeypatch.setattr(service, "rounds_of", lambda *given: rounds_for(Faults(), *given))
        found = redis_child(folder)
        assert found is not None, "redis-server is not installed"
        self.redis, self.url = found
        self.redis.start()
        self.port = int(self.url.rsplit(":", 1)[1].partition("/")[0])
        wait_port(self.redis, self.port)
        settings = HospitalSettings(
            data=folder / "hospital", updates=folder / "policy.yaml", name="Test hospital"
        )
        self.hospital = Hospital(settings)
        self.rounds = self.hospital.rounds
        self.workers: list[Child] = []

    def worker(self, queue: str = "all", **faults: Any) -> Child:
        """Start a worker."""
        number = len(self.workers)
        command = [sys.executable, "-m", "tests.support.round_worker", str(self.data), self.url]
        child = Child(
            f"worker-{number}",
            [*command, json.dumps(faults), queue],
            self.data / f"worker-{number}.log",
            {"OMP_NUM_THREADS": "1"},
        )
        child.start()
        self.workers.append(child)
        return child

    def kill(self, child: Child) -> None:
        """``kill -9`` a worker and all its processes."""
        assert child.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.process.pid, signal.SIGKILL)
        child.process.wait(10)

    def contribute(self, site: str, **changes: Any) -> str:
        """A contribution of an enrolled clinic."""
        key = IdentityKey.generate()
        with self.hospital.database.transaction() as session:
            session.add(
                EnrolledNode(
                    fingerprint=key.public.fingerprint,
                    name=site,
                    level="clinic",
                    identity=key.public.to_text(),
                    bundle="{}",
                    enrolled=datetime.now(UTC),
                )
            )
        return contribute(self.hospital.database, self.rounds, key, site, **changes)

    def contributions(self, count: int = 3) -> list[str]:
        """Contributions of so many clinics."""
        return [self.contribute(f"site-{n}", seed=n) for n in range(count)]

    def contribution(self, id_: str) -> StoredContribution:
        """A contribution's row."""
        with self.hospital.database.reading() as session:
            return session.get_one(StoredContribution, id_)

    def round(self) -> LearningRound | None:
        """The newest round."""
        return next(iter(self.rounds.book.listing()), None)

    def reaches(self, state: State) -> LearningRound:
        """Wait until the newest round has a state."""

        def there() -> LearningRound | None:
            row = self.round()
            return row if row is not None and row.state == state else None

        return eventually(there, seconds=SECONDS)

    def steps(self, what: str) -> list[int]:
        """The processes that did something, in their order."""
        path = self.data / "steps.log"
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        return [int(line.split()[-1]) for line in lines if line.startswith(f"{what} ")]

    def approve(self) -> None:
        """Approve the candidate that waits."""
        row = self.reaches(State.WAITING)
        assert row.candidate is not None
        self.rounds.approve(row.id, row.candidate, "ana")

    def released_once(self) -> LearningRound:
        """Wait for the release; exactly one version was published."""
        row = self.reaches(State.RELEASED)
        published = sorted(path.stem for path in (self.data / "published").glob("*.json"))
        assert published == ["general@1"] == [row.brick]
        assert len(self.rounds.book.listing()) == 1
        return row

    def say(self, *command: str) -> bytes:
        """Say something to Redis."""
        password = self.url.split(":")[2].partition("@")[0]
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as line:
            line.sendall(f"AUTH {password}\r\n{' '.join(command)}\r\n".encode())
            answers = b""
            while answers.count(b"\r\n") < 2:
                answers += line.recv(65536)
            return answers

    def close(self) -> None:
        """Stop everything that was started."""
        for child in (*self.workers, self.redis):
            if child.alive():
                self.kill(child)
        self.hospital.database.close()


@pytest.fixture
def ward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ward]:
    made = Ward(tmp_path, monkeypatch)
    yield made
    made.close()


def test_a_worker_killed_mid_aggregation_costs_time_and_exactly_one_version_comes_out(
    ward: Ward,
) -> None:
    first = ward.worker(slow=60)
    ward.contributions()  # beat proposes the round
    eventually(lambda: ward.steps("aggregating"), seconds=SECONDS)
    ward.kill(first)
    row = ward.round()
    assert row is not None
    assert row.state == State.AGGREGATING
    ward.worker()
    ward.approve()
    ward.released_once()
    assert len(ward.steps("aggregating")) == 2


def test_a_worker_killed_between_publishing_and_writing_that_down_publishes_no_second_version(
    ward: Ward,
) -> None:
    ward.worker(dies_published=True)
    ward.contributions()
    ward.rounds.tick()
    ward.approve()
    ward.released_once()
    assert (ward.data / "published" / "died").exists()


def test_a_step_longer_than_the_visibility_timeout_is_not_done_twice(ward: Ward) -> None:
    ward.worker("patients")  # its beat goes on giving hints at what is due
    ward.worker("learning", slow=10)
    ward.worker("learning", slow=10)
    ward.contributions()
    ward.rounds.tick()
    ward.approve()
    ward.released_once()
    assert len(ward.steps("aggregating")) == 1


def test_a_worker_that_froze_beyond_its_lease_is_fenced_off_when_it_wakes(ward: Ward) -> None:
    ward.worker("learning", slow=3)
    ward.worker("patients")
    ward.contributions()
    ward.rounds.tick()
    (frozen,) = eventually(lambda: ward.steps("aggregating"), seconds=SECONDS)
    os.kill(frozen, signal.SIGSTOP)
    ward.worker("learning")
    row = ward.reaches(State.WAITING)
    os.kill(frozen, signal.SIGCONT)
    eventually(lambda: len(ward.steps("aggregated")) == 2, seconds=SECONDS)
    eventually(lambda: "was fenced off" in ward.workers[0].log.read_text(), seconds=SECONDS)
    after = ward.round()
    assert after is not None
    assert (after.state, after.candidate, after.fence) == (row.state, row.candidate, row.fence)
    assert ward.rounds.files.holds(row.id, row.candidate)
    ward.approve()
    ward.released_once()


def test_an_emptied_redis_loses_no_round(ward: Ward) -> None:
    ward.worker(slow=4)
    ward.contributions()
    ward.rounds.tick()
    eventually(lambda: ward.steps("aggregating"), seconds=SECONDS)
    assert ward.say("FLUSHALL").count(b"+OK") == 2
    ward.approve()
    assert ward.say("FLUSHALL").count(b"+OK") == 2
    ward.released_once()


def test_a_poison_contribution_is_put_aside_and_the_round_goes_on_without_it(ward: Ward) -> None:
    ids = ward.contributions(4)
    ward.rounds.tick()
    ward.worker(poison=ids[1])
    ward.approve()
    row = ward.released_once()
    poison = ward.contribution(ids[1])
    assert (poison.state, poison.reason) == ("quarantined", "crashed-the-check")
    assert {one["id"] for one in row.evidence["contributions"]} == {*ids} - {ids[1]}


def test_a_clinic_that_drops_out_leaves_the_round_to_the_others(ward: Ward) -> None:
    ids = ward.contributions(5)
    ward.rounds.files.contribution(ids[0]).unlink()  # the connection broke, the file never came
    ward.rounds.tick()
    ward.worker(slow=4)
    eventually(lambda: ward.steps("aggregating"), seconds=SECONDS)
    with ward.hospital.database.transaction() as session:  # another takes back what it gave
        session.get_one(StoredContribution, ids[1]).state = "withdrawn"
        row = ward.round()
        assert row is not None
        ward.rounds.again(session, row.id)
    row = ward.reaches(State.WAITING)
    ward.approve()
    row = ward.released_once()
    assert {one["id"] for one in row.evidence["contributions"]} == set(ids[2:])
    assert ward.contribution(ids[0]).reason == "missing"


def test_clocks_that_are_wrong_change_no_more_than_what_is_taken(ward: Ward) -> None:
    ids = ward.contributions(3)
    ahead = datetime.now(UTC) + timedelta(minutes=3)
    early = ward.contribute("site-3", made=ahead)  # a clinic's clock, within what is borne
    wrong = ward.contribute("site-4", made=ahead + timedelta(hours=1))
    ward.rounds.tick()
    ward.worker("patients")
    ward.worker("learning", slow=10)
    eventually(lambda: ward.steps("aggregating"), seconds=SECONDS)
    ward.worker("learning", ahead=3600)  # by its own clock every lease is over
    ward.approve()
    row = ward.released_once()
    assert len(ward.steps("aggregating")) == 1
    assert {one["id"] for one in row.evidence["contributions"]} == {*ids, early}
    assert ward.contribution(wrong).reason == "wrong-time"
