"""Celery with Redis: hints to workers, and the clock of what recurs.

Task arguments are ids only. A hint that is lost costs a little time: beat looks for due jobs every
two seconds, and the hospital's own process does what no worker takes. Learning has a queue of its
own, behind that of patients: a worker takes from it only when no referral waits, and a hospital
that learns much gives it a worker of its own (`caretier worker --queue learning`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from celery import Celery
from celery.signals import worker_process_init

from compliance.errors import BadInputError
from services.hospital.settings import HospitalSettings

HINT_SECONDS = 1.0
"""How long a hint may hold up the request that gives it."""
QUIET_SECONDS = 10.0
"""After a failed hint none is tried for so long."""
QUEUE = "caretier"
LEARNING = "caretier-learning"
STALE_SECONDS = 30
"""A hint at learning that nobody took for so long goes; beat gives the next."""
VISIBILITY_SECONDS = 300
"""A task not acknowledged for so long goes to another worker; jobs are leased for less."""


def make_celery(settings: HospitalSettings) -> Celery:
    """The Celery application of this hospital."""
    app = Celery("caretier", broker=settings.redis or "memory://")
    transport = {
        "visibility_timeout": VISIBILITY_SECONDS,
        "queue_order_strategy": "priority",
        "socket_connect_timeout": HINT_SECONDS,
        "socket_timeout": 5.0,
    }
    app.conf.update(
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_ignore_result=True,
        task_default_queue=QUEUE,
        task_serializer="json",
        accept_content=["json"],
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        broker_transport_options=transport,
        beat_schedule={
            "relay": {"task": "caretier.relay", "schedule": 2.0},
            "ehr": {"task": "caretier.ehr", "schedule": 20.0},
            "rounds": {"task": "caretier.rounds", "schedule": 15.0},
            "sources": {"task": "caretier.sources", "schedule": 60.0},
            "tidy": {"task": "caretier.tidy", "schedule": 3600.0},
            "refresh": {"task": "caretier.refresh", "schedule": 86400.0},
        },
        beat_schedule_filename=str(settings.data / "beat-schedule"),
    )
    return app


def queues_of(name: str) -> tuple[str, ...]:
    """The queues of a worker, those served first at the beginning.

    Raises:
        BadInputError: there is no such choice.
    """
    found = {"all": (QUEUE, LEARNING), "patients": (QUEUE,), "learning": (LEARNING,)}.get(name)
    if found is None:
        raise BadInputError(f"There is no queue {name}.", remedy="all, patients or learning.")
    return found


def lane(job: str) -> dict[str, Any]:
    """How the hint of a job travels."""
    if job.startswith("learning-"):
        return {"queue": LEARNING, "expires": STALE_SECONDS}
    return {}


class Hints:
    """Tells workers of jobs; gives up quickly and quietly when Redis is away."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._quiet_until = 0.0

    def __call__(self, job: str) -> None:
        """Send one hint."""
        if time.monotonic() < self._quiet_until:
            return
        try:
            self._app.send_task("caretier.do", args=[job], retry=False, **lane(job))
        except Exception:  # noqa: BLE001 - any failure of the broker; the job row is the truth
            self._quiet_until = time.monotonic() + QUIET_SECONDS


def register(app: Celery, settings: HospitalSettings) -> None:
    """Define the tasks; each worker process opens its own hospital once."""
    held: dict[str, Any] = {}

    def hospital() -> Any:
        from services.hospital.service import Hospital

        if "hospital" not in held:
            held["hospital"] = Hospital(settings)
        return held["hospital"]

    @worker_process_init.connect(weak=False)
    def _load(**_: object) -> None:
        _ = hospital().node  # so that the first referral does not wait for the models

    @app.task(name="caretier.do")
    def do(job: str) -> None:
        asyncio.run(hospital().do(job))

    @app.task(name="caretier.relay", expires=2)
    def relay() -> None:
        for job in hospital().jobs.due():
            do.apply_async([job], **lane(job))

    @app.task(name="caretier.refresh")
    def refresh() -> None:
        held.pop("hospital", None)  # knowledge is read anew with the next job

    _register_clock(app, hospital)


def _register_clock(app: Celery, hospital: Callable[[], Any]) -> None:
    """Define what beat asks for, beside looking for due jobs."""

    @app.task(name="caretier.ehr", expires=20)
    def ehr() -> None:
        hospital().ehr.schedule()

    @app.task(name="caretier.rounds", expires=15)
    def rounds() -> None:
        hospital().rounds.tick()

    @app.task(name="caretier.sources", expires=60)
    def sources() -> None:
        hospital().sources.tick()

    @app.task(name="caretier.tidy")
    def tidy() -> dict[str, int]:
        counts: dict[str, int] = hospital().tidy()
        return counts
