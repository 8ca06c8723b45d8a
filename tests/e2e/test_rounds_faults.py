"""Faults of rounds with a real Redis and real workers: one version comes out, or none."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from compliance.sealing import IdentityKey
from services.bricks.adapters.base import Base
from services.bricks.repository.delegations import delegate
from services.bricks.repository.key_maker import KeyPlan
from services.cli.processes import Child, redis_child, wait_port
from services.exchange.models import EnrolledNode
from services.hospital import service
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings
from services.learning.models import LearningRound, StoredContribution
from services.learning.rounds import State
from tests.support.brick_repository import World
from tests.support.round_worker import Faults, rounds_for
from tests.support.rounds import POLICY, contribute
from tests.support.stack import eventually
from tests.support.tiny_llama import make_model

pytestmark = [pytest.mark.process, pytest.mark.xdist_group("rounds")]
SECONDS = 120.0


class Ward:
    """A hospital with a Redis and workers that are started and killed.

    ``signed``: its releases go into a signed repository, as adapters of a tiny llama model.
    """

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, *, signed: bool = False
    ) -> None:
        self.data, self.signed = folder, signed
        (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
        self.model = Base.of(make_model(folder / "model", "F32")) if signed else None
        if signed:
            self._repository()
        here = Faults(signed=signed)
        monkeypatch.setattr(service, "rounds_of", lambda *given: rounds_for(here, *given))
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

    def _repository(self) -> None:
        """A signed repository whose keys the workers have at hand."""
        self.world = World(self.data)
        self.world.init()
        plan, ring = KeyPlan([self.world.held]), self.world.ring()
        delegate(
            self.world.repository, self.world.maker, plan, ring, level="clinic", domain="general"
        )

    def worker(self, queue: str = "all", **faults: Any) -> Child:
        """Start a worker."""
        faults["signed"] = self.signed
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
        return contribute(
            self.hospital.database, self.rounds, key, site, model=self.model, **changes
        )

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
        if self.signed:
            published = [manifest.ref for manifest in self.world.repository.manifests()]
        else:
            published = [path.stem for path in (self.data / "published").glob("*.json")]
        assert published == [row.brick]
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


@pytest.fixture
def signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ward]:
    made = Ward(tmp_path, monkeypatch, signed=True)
    yield made
    made.close()


def test_workers_killed_mid_aggregation_and_right_after_signing_publish_exactly_one_version(
    signed: Ward,
) -> None:
    first = signed.worker(slow=60)
    signed.contributions()  # beat proposes the round
    eventually(lambda: signed.steps("aggregating"), seconds=SECONDS)
    signed.kill(first)
    row = signed.round()
    assert row is not None
    assert row.state == State.AGGREGATING
    signed.worker(dies_published=True)
    signed.approve()
    row = signed.released_once()
    assert len(signed.steps("aggregating")) == 2
    assert (signed.data / "died").exists()
    assert row.brick == "learned-general@1"
    signed.world.store.verify(row.brick)


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


@dataclass(frozen=True)
class Busy:
    """One round in which much went wrong at once, and what came of it.

    Attributes:
        good: contributions that hold; withdrawn: one that its clinic took back while people looked.
        early, wrong: of clinics whose clocks are ahead, by a little and by much.
        before: how often there was an aggregation until the candidate first waited for people.
    """

    ward: Ward
    released: LearningRound
    good: list[str]
    withdrawn: str
    missing: str
    poison: str
    early: str
    wrong: str
    before: int


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Busy]:
    """Two workers that learn, slowly, one with a clock an hour ahead; what fails, fails here."""
    with pytest.MonkeyPatch.context() as patch:
        ward = Ward(tmp_path_factory.mktemp("busy"), patch)
    try:
        found = _went_wrong(ward)
        for child in ward.workers:
            ward.kill(child)
        yield found
    finally:
        ward.close()


def _went_wrong(ward: Ward) -> Busy:
    good = ward.contributions(4)
    ahead = datetime.now(UTC) + timedelta(minutes=3)
    early = ward.contribute("site-4", seed=4, made=ahead)  # within what is borne
    wrong = ward.contribute("site-5", seed=5, made=ahead + timedelta(hours=1))
    poison, missing = ward.contribute("site-6", seed=6), ward.contribute("site-7", seed=7)
    ward.rounds.files.contribution(missing).unlink()  # the connection broke, it never came
    ward.rounds.tick()
    ward.worker("patients")  # its beat goes on giving hints at what is due
    ward.worker("learning", slow=10, poison=poison)
    ward.worker("learning", slow=10, poison=poison, ahead=3600)  # to it every lease is over
    ward.reaches(State.WAITING)
    before = len(ward.steps("aggregating"))
    with ward.hospital.database.transaction() as session:
        session.get_one(StoredContribution, good[0]).state = "withdrawn"
        row = ward.round()
        assert row is not None
        assert ward.rounds.again(session, row.id)
    ward.approve()
    released = ward.released_once()
    return Busy(ward, released, good[1:], good[0], missing, poison, early, wrong, before)


def test_a_step_longer_than_the_visibility_timeout_is_not_done_twice(busy: Busy) -> None:
    assert len(busy.ward.steps("ready")) == 3
    assert busy.before == 1
    assert len(busy.ward.steps("aggregating")) == 2  # once more after the withdrawal


def test_a_poison_contribution_is_put_aside_and_the_round_goes_on_without_it(busy: Busy) -> None:
    poison = busy.ward.contribution(busy.poison)
    assert len(busy.ward.steps(f"checking {busy.poison}")) == 2  # each time a worker died
    assert (poison.state, poison.reason) == ("quarantined", "crashed-the-check")


def test_a_clinic_that_drops_out_leaves_the_round_to_the_others(busy: Busy) -> None:
    used = {one["id"] for one in busy.released.evidence["contributions"]}
    assert used == {*busy.good, busy.early}
    assert busy.ward.contribution(busy.missing).reason == "missing"
    assert busy.ward.contribution(busy.withdrawn).state == "withdrawn"


def test_clocks_that_are_wrong_change_no_more_than_what_is_taken(busy: Busy) -> None:
    assert busy.ward.contribution(busy.early).state == "used"
    assert busy.ward.contribution(busy.wrong).reason == "wrong-time"
    assert busy.before == 1  # whoever has a clock of its own took no lease away
