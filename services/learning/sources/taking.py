"""Taking what a source gives: asked, looked at as a whole, and written down; or left as it was."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from services.learning.sources.book import Done, SourceBook, no_job
from services.learning.sources.catalogue import Listed, SourceList
from services.learning.sources.errors import SourceAwayError, SourceRefusedError
from services.learning.sources.fetch import NOT_ALLOWED, Fetcher
from services.learning.sources.snapshot import Snapshot

FIRST_RETRY = 900.0
"""Seconds until a source that failed is asked again; twice as long with each further failure."""
ERROR_CHARS = 300


@dataclass(frozen=True)
class Taking:
    """Asks sources.

    Attributes:
        book: rows.
        catalogue: the reviewed list.
        fetcher: fetches.
    """

    book: SourceBook
    catalogue: SourceList
    fetcher: Fetcher

    async def __call__(
        self, source_id: str, folder: Path | None = None, done: Done = no_job
    ) -> str | None:
        """Ask a source now; the id of the change that it brings, or None when nothing is new.

        A failure is written down with when the source is asked again; then it is raised.

        Args:
            source_id: as listed.
            folder: its files lie here, where nothing may be fetched.
            done: ends the job that this is.

        Raises:
            NotFoundError: it is not listed.
            SourceAwayError: it gives no usable answer now.
            SourceRefusedError: what it gives is not taken.
        """
        source = self.catalogue.of(source_id)
        now = self.fetcher.now()
        try:
            with self.fetcher.shelf.adding():
                return await self._take(source, folder, done, now)
        except (SourceAwayError, SourceRefusedError) as error:
            self._failed(source, error, done, now)
            raise

    async def _take(
        self, source: Listed, folder: Path | None, done: Done, now: dt.datetime
    ) -> str | None:
        former = self.book.former(source.id)
        if folder is None:
            parts = {part.name: part for part in former.parts} if former else {}
            snapshot = await self.fetcher.fetch(source, parts)
        else:
            snapshot = self.fetcher.from_folder(source, folder)
        due = now + dt.timedelta(hours=source.every_hours)
        went = {"fetched": now, "tried": now, "due": due, "failures": 0, "error": None}
        if former is not None and snapshot.digest == former.digest:
            self.book.note(source.id, done, **went)
            return None
        refuse_snapshot(source, snapshot, former, now.date())
        if self.book.knows(source.id, snapshot.digest):
            raise SourceRefusedError(
                "It gives what it gave before the last time.", reason="replayed"
            )
        return self.book.took(snapshot, done, **went)

    def _failed(
        self,
        source: Listed,
        error: SourceAwayError | SourceRefusedError,
        done: Done,
        now: dt.datetime,
    ) -> None:
        failures = self.book.standing(source.id).failures + 1
        longest = source.every_hours * 3600
        wait = min(FIRST_RETRY * 2 ** min(failures - 1, 16), longest)
        if isinstance(error, SourceAwayError) and error.wait is not None:
            wait = max(wait, error.wait)
        if isinstance(error, SourceRefusedError):
            wait = 0.0 if error.reason == NOT_ALLOWED else longest
        self.book.note(
            source.id,
            done,
            tried=now,
            failures=failures,
            error=error.message[:ERROR_CHARS],
            due=now + dt.timedelta(seconds=wait),
        )


def refuse_snapshot(
    source: Listed, snapshot: Snapshot, former: Snapshot | None, today: dt.date
) -> None:
    """Refuse what is under another licence than was reviewed, and what is older than what is there.

    Raises:
        SourceRefusedError: it is.
    """
    for part in snapshot.parts:
        says = set(source.licence.says)
        if (says and not part.licence) or not set(part.licence) <= says:
            said = "; ".join(part.licence) or "nothing"
            raise SourceRefusedError(
                f"Of its licence {part.name} says: {said[:160]}. That was not reviewed.",
                reason="licence-changed",
            )
    day = snapshot.dated
    if day is not None and day > today + dt.timedelta(days=1):
        raise SourceRefusedError(f"It bears the date {day}, which is to come.", reason="future")
    if former is not None and former.dated is not None and (day is None or day < former.dated):
        raise SourceRefusedError(
            f"It is of {day or 'no day'}; what is here is of {former.dated}.", reason="older"
        )
