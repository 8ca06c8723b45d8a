"""A hospital's worker for tests of rounds: real Celery, short leases, a tiny model, planned faults.

    python -m tests.support.round_worker DATA REDIS '{"slow": 5}' [patients | learning | all]

What it does is written to ``DATA/steps.log``, a line each: what, and the process.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from services.bricks.adapters.base import Base
from services.exchange.registry import Registry
from services.hospital import jobs, queue, service
from services.hospital.settings import HospitalSettings
from services.learning.policy import Policy
from services.learning.publish import BrickPublisher
from services.learning.rounds import (
    Candidate,
    Publisher,
    Release,
    Rounds,
    book,
    collect,
    combine,
    standing,
)
from services.store.database import Database
from tests.support.brick_repository import World
from tests.support.rounds import FixedEvaluator, FolderPublisher, TinyModel

SHORT = 3
"""Seconds of a lease, and until Redis gives a task to another worker."""


@dataclass(frozen=True)
class Faults:
    """What goes wrong in this worker.

    Attributes:
        slow: seconds that an aggregation takes longer.
        measuring: seconds that an evaluation takes.
        ahead: seconds by which the worker's clock is ahead.
        poison: id of a contribution whose check kills the process.
        dies_published: whether the process dies between publishing and writing that down, once.
        signed: whether releases go into a signed repository (`tests.support.brick_repository`),
            as adapters of a tiny llama model; else they are files in a folder.
    """

    slow: float = 0
    measuring: float = 0
    ahead: float = 0
    poison: str = ""
    dies_published: bool = False
    signed: bool = False


def note(data: Path, what: str) -> None:
    """Add a line to the log of steps."""
    with (data / "steps.log").open("a", encoding="utf-8") as log:
        log.write(f"{what} {os.getpid()}\n")


@dataclass(frozen=True)
class _Dying:
    """Dies after the first time that it published."""

    publisher: Publisher
    once: Path

    def publish(self, release: Release) -> str:
        """Publish, and die."""
        ref = self.publisher.publish(release)
        if not self.once.exists():
            self.once.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return ref


def signing(data: Path) -> BrickPublisher:
    """The publisher into the signed repository of a test."""
    world = World(data)
    return BrickPublisher(world.repository, world.store, world.ring, model=lambda: data / "model")


def rounds_for(
    faults: Faults,
    settings: HospitalSettings,
    database: Database,
    registry: Registry,
    _rollout: object = None,
) -> Rounds:
    """The hospital's rounds with a tiny model; what is published is released at once."""

    def measuring(_candidate: Candidate) -> None:
        note(settings.data.parent, "evaluating")
        time.sleep(faults.measuring)

    data = settings.data.parent
    publisher: Publisher = signing(data) if faults.signed else FolderPublisher(data / "published")
    if faults.dies_published:
        publisher = _Dying(publisher, data / "died")
    assert settings.updates is not None
    return Rounds(
        database,
        settings.data / "learning",
        Policy.load(settings.updates),
        FixedEvaluator(before=measuring),
        publisher,
        model=partial(Base.of, data / "model") if faults.signed else TinyModel,
        signer=registry.lookup,
        add_job=jobs.add_job,
    )


def install(faults: Faults, data: Path) -> None:
    """Put the faults into this process."""
    service.rounds_of = lambda *given: rounds_for(faults, *given)  # type: ignore[assignment]
    service.Hospital.node = None  # type: ignore[assignment]  # no model for patients is loaded
    jobs.LEASE = timedelta(seconds=SHORT)
    queue.VISIBILITY_SECONDS = SHORT
    collect.SECONDS = 2.0  # a check that died is not waited for as long as in earnest
    together, check = combine.aggregate, collect.check_contribution

    def slowly(*given: Any, **more: Any) -> Any:
        note(data, "aggregating")
        time.sleep(faults.slow)
        made = together(*given, **more)
        note(data, "aggregated")
        return made

    def checked(path: Path, *given: Any, **more: Any) -> Any:
        note(data, f"checking {path.stem}")
        if path.stem == faults.poison:
            os.kill(os.getpid(), signal.SIGKILL)
        return check(path, *given, **more)

    combine.aggregate, collect.check_contribution = slowly, checked
    if faults.ahead:
        for module in (jobs, book, standing, service):
            module.datetime = _clock(faults.ahead)
    note(data, "ready")


def _clock(ahead: float) -> type[datetime]:
    class Ahead(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + timedelta(seconds=ahead)

    return Ahead


def main(data: Path, redis: str, faults: Faults, name: str) -> None:
    """Run the worker."""
    install(faults, data)
    settings = HospitalSettings(
        data=data / "hospital", redis=redis, updates=data / "policy.yaml", name="Test hospital"
    )
    celery = queue.make_celery(settings)
    queue.register(celery, settings)
    beat = [] if name == "learning" else ["-B"]
    queues = ",".join(queue.queues_of(name))
    celery.worker_main(["worker", *beat, "-Q", queues, "--concurrency=1", "--loglevel=WARNING"])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Faults(**json.loads(sys.argv[3])), sys.argv[4])
