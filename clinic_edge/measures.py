"""What the clinic counts while a release is in use, and sends to the hospital: numbers alone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from threading import Lock

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import func, or_, select

from compliance.errors import CaretierError
from services.learning.models import Signal
from services.learning.rollout.measures import BEHIND, MOST, Measures, Report
from services.learning.rollout.routes import MOST_REPORTS, Counted
from services.store.database import Database

_LOG = logging.getLogger("caretier.clinic")
_REPORTS = TypeAdapter(list[Report])
Send = Callable[[Sequence[Report]], Counted | None]
"""Sends windows to the hospital; None where this clinic is enrolled at none."""


class ClinicMeasures:
    """Counts in windows; what could not be sent waits in a file.

    Overrides are what patients here said was wrong, as far as they consented to say so: a clinic
    has no clinicians at a desk. Of a release that came in the middle of a window, that window
    says nothing.

    Args:
        path: of the file.
        database: with this clinic's signals.
        in_use: version by brick, of the bricks that releases are versions of; 0 for none.
        send: to the hospital.
        look: takes what the channels offer; called when the hospital says that there is news.
        clock: what time it is.
    """

    def __init__(
        self,
        path: Path,
        database: Database,
        in_use: Callable[[], Mapping[str, int]],
        send: Send,
        look: Callable[[], object],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._path, self._database, self._in_use = path, database, in_use
        self._send, self._look, self._clock = send, look, clock
        self._lock = Lock()
        self._begin()

    def count(self, seconds: float, *, abstained: bool, referred: bool) -> None:
        """Count one question that came to an end."""
        with self._lock:
            self._answers += 1
            self._abstained += abstained
            self._referred += referred
            self._times.append(seconds * 1000)

    def close_window(self) -> list[Report]:
        """End this window; what it counted, for each brick whose version stayed the same."""
        wrong, in_use = self._wrong(), self._in_use()
        with self._lock:
            answers = min(self._answers, MOST)
            measures = Measures(
                answers=answers,
                overrides=min(wrong, answers),
                abstentions=min(self._abstained, answers),
                referrals=min(self._referred, answers),
                latency_p50_ms=median(self._times) if self._times else None,
            )
            made = [
                Report(brick=brick, version=version, since=self._since, measures=measures)
                for brick, version in sorted(in_use.items())
                if self._using.get(brick) == version
            ]
            self._begin(in_use)
        return made

    def turn(self) -> int:
        """End the window and send what waits; how many windows the hospital counts.

        Raises:
            LinkDownError, NotAuthenticatedError: the hospital does not take them; they wait.
        """
        waiting = [*self._waiting(), *self.close_window()][-MOST_REPORTS:]
        self._keep(waiting)
        told = self._send(waiting) if waiting else None
        if told is None:
            return 0
        self._keep([])
        if told.look:
            self._look()
        return told.counted

    async def loop(self, seconds: float) -> None:
        """Count and send, every so often, until cancelled."""
        while True:
            await asyncio.sleep(seconds)
            try:
                await asyncio.to_thread(self.turn)
            except CaretierError as error:
                _LOG.info("measures: %s", error.message)
            except Exception as error:  # noqa: BLE001 - the next turn tries again
                _LOG.error("measures: %s", type(error).__name__)

    def _begin(self, in_use: Mapping[str, int] | None = None) -> None:
        self._since = self._clock()
        self._using = dict(self._in_use() if in_use is None else in_use)
        self._answers = self._abstained = self._referred = 0
        self._times: list[float] = []

    def _wrong(self) -> int:
        """Answers of this window of which somebody said that they were wrong."""
        wrong = or_(Signal.better.is_not(None), Signal.worse.is_not(None))
        query = select(func.count(Signal.id)).where(Signal.made >= self._since, wrong)
        with self._database.reading() as session:
            return session.scalar(query) or 0

    def _waiting(self) -> list[Report]:
        try:
            held = _REPORTS.validate_json(self._path.read_bytes())
        except (FileNotFoundError, ValidationError):
            return []
        return [one for one in held if one.since > self._clock() - BEHIND]

    def _keep(self, reports: list[Report]) -> None:
        part = self._path.with_suffix(".part")
        part.write_bytes(_REPORTS.dump_json(reports))
        part.replace(self._path)
