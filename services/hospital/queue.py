"""Celery with Redis: hints to workers, and the clock of what recurs.

Task arguments are ids only. A hint that is lost costs a little time: beat looks for due jobs every
two seconds, and the hospital's own process does what no worker takes.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from celery import Celery
from celery.signals import worker_process_init

from services.hospital.settings import HospitalSettings

HINT_SECONDS = 1.0
"""How long a hint may hold up the request that gives it."""
QUIET_SECONDS = 10.0
"""After a failed hint none is tried for so long."""
VISIBILITY_SECONDS = 300
"""A task not acknowledged for so long goes to another worker; jobs are leased for less."""


def make_celery(settings: HospitalSettings) -> Celery:
    """The Celery application of this hospital."""
    app = Celery("caretier", broker=settings.redis or "memory://")
    sockets = {"socket_connect_timeout": HINT_SECONDS, "socket_timeout": 5.0}
    app.conf.update(
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_ignore_result=True,
        task_default_queue="caretier",
        task_serializer="json",
        accept_content=["json"],
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        broker_transport_options={"visibility_timeout": VISIBILITY_SECONDS, **sockets},
        beat_schedule={
            "relay": {"task": "caretier.relay", "schedule": 2.0},
            "ehr": {"task": "caretier.ehr", "schedule": 20.0},
            "tidy": {"task": "caretier.tidy", "schedule": 3600.0},
            "refresh": {"task": "caretier.refresh", "schedule": 86400.0},
        },
        beat_schedule_filename=str(settings.data / "beat-schedule"),
    )
    return app


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
            self._app.send_task("caretier.do", args=[job], retry=False)
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
            do.delay(job)

    @app.task(name="caretier.ehr", expires=20)
    def ehr() -> None:
        hospital().ehr.schedule()

    @app.task(name="caretier.tidy")
    def tidy() -> dict[str, int]:
        counts: dict[str, int] = hospital().tidy()
        return counts

    @app.task(name="caretier.refresh")
    def refresh() -> None:
        held.pop("hospital", None)  # knowledge is read anew with the next job
