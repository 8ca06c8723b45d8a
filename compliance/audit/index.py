"""Searching a trail: an index beside it, made from the trail alone and made anew from it any time.

The index (SQLite) holds what `compliance.audit.entries` takes out of each event, and where its
record lies. It proves nothing: what is shown in full is read from the trail and checked there. It
is as protected as the trail, and only ever as far as the trail's anchor.

Example:
    index = TrailIndex(trail.path, folder / "trail-index.db")
    index.catch_up(seconds=1.5)         # Reach(done=…, whole=…); goes on at the next call
    index.find(Search(patient="Patient/p1"), limit=50)
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from compliance.audit.entries import Entry, entry_of_line
from compliance.audit.errors import AuditError
from compliance.audit.place import LONGEST_LINE_BYTES
from compliance.audit.records import Anchor, AuditRecord
from compliance.audit.verify import anchor_path

_COLUMNS = tuple(field.name for field in fields(Entry))
_SCHEMA = f"""
create table if not exists entry ({", ".join(_COLUMNS)}, place integer, size integer,
    primary key (seq));
create index if not exists entry_who on entry (who, seq);
create index if not exists entry_patient on entry (patient, seq);
create index if not exists entry_act on entry (act, seq);
create index if not exists entry_client on entry (client, seq);
create index if not exists entry_time on entry (time, act);
create table if not exists reached (one integer primary key, place integer, seq integer, hash text);
"""
_CHUNK = 2_000
BUSY_SECONDS = 15.0
MOST_COUNTED = 10_000


@dataclass(frozen=True)
class Reach:
    """How far the index goes, in bytes of the trail."""

    done: int
    whole: int

    @property
    def complete(self) -> bool:
        """Whether everything is in it."""
        return self.done >= self.whole


@dataclass(frozen=True)
class Search:
    """What is looked for; empty texts look for everything.

    Attributes:
        since: from this moment on.
        until: before this moment.
        who, act, patient, client: exactly this.
        outcome: ``ok``, ``failed``, or empty.
        acts: one of these, where there are any.
    """

    since: datetime | None = None
    until: datetime | None = None
    who: str = ""
    act: str = ""
    patient: str = ""
    client: str = ""
    outcome: str = ""
    acts: tuple[str, ...] = ()

    def where(self) -> tuple[str, list[str]]:
        """The criterion in SQL, and its values."""
        parts, values = ["1"], list[str]()
        for column in ("who", "act", "patient", "client"):
            if value := getattr(self, column):
                parts.append(f"{column} = ?")
                values.append(value)
        for sign, moment in ((">=", self.since), ("<", self.until)):
            if moment is not None:
                parts.append(f"time {sign} ?")
                values.append(moment.astimezone(UTC).isoformat())
        if self.outcome:
            parts.append("outcome = '0'" if self.outcome == "ok" else "outcome <> '0'")
        if self.acts:
            parts.append(f"act in ({', '.join('?' * len(self.acts))})")
            values.extend(self.acts)
        return " and ".join(parts), values


class TrailIndex:
    """What can be looked for in one trail.

    Args:
        trail: the trail's file.
        path: the index's file; made if there is none.
    """

    def __init__(self, trail: Path, path: Path) -> None:
        self.trail, self._path = trail, path

    def catch_up(self, seconds: float = 1.5) -> Reach:
        """Take in what came since; stops after so long and goes on when it is called again.

        Raises:
            AuditError: the trail cannot be read.
        """
        ends = time.monotonic() + seconds
        while True:
            reach = self._take_chunk()
            if reach.complete or time.monotonic() > ends:
                return reach

    def find(self, search: Search, *, before: int | None = None, limit: int = 50) -> list[Entry]:
        """Entries that fit, the newest first, from the one before number ``before`` on."""
        criterion, values = search.where()
        if before is not None:
            criterion = f"{criterion} and seq < {int(before)}"
        # a criterion of its own column is found by that column's index, in the order of the trail
        query = (
            f"select {', '.join(_COLUMNS)} from entry where {criterion} order by seq desc limit ?"
        )
        with self._open() as database:
            return [Entry(*row) for row in database.execute(query, [*values, limit])]

    def walk(self, search: Search, *, before: int | None = None) -> Iterator[Entry]:
        """Every entry that fits, the newest first; holds no more than one page of them at a time.

        What is written meanwhile is newer than the first one, and therefore not among them.
        """
        while page := self.find(search, before=before, limit=_CHUNK):
            yield from page
            before = page[-1].seq

    def count(self, search: Search) -> int:
        """How many fit; `MOST_COUNTED` + 1 stands for more than that."""
        criterion, values = search.where()
        query = (
            f"select count(*) from (select 1 from entry where {criterion} limit {MOST_COUNTED + 1})"
        )
        with self._open() as database:
            return int(database.execute(query, values).fetchone()[0])

    def days(self, search: Search) -> list[tuple[str, str, int]]:
        """How many events of each act there are on each day (UTC): day, act, count."""
        criterion, values = search.where()
        chosen = f"select substr(time, 1, 10), act from entry where {criterion}"
        query = f"select *, count(*) from ({chosen}) group by 1, 2 order by 1"
        with self._open() as database:
            return [(str(day), str(act), int(n)) for day, act, n in database.execute(query, values)]

    def rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        """Ask the table ``entry`` for something else, read only.

        Args:
            query: SQL with places; never with text from outside.
            values: for the places.
        """
        with self._open() as database:
            database.execute("pragma query_only = on")
            return list(database.execute(query, values))

    def record(self, seq: int) -> AuditRecord:
        """The whole record of a number, from the trail.

        Raises:
            AuditError: there is none, or it is not the record that the index was made from.
        """
        return next(self.records([seq]))

    def records(self, numbers: Iterable[int]) -> Iterator[AuditRecord]:
        """The whole records of numbers, from the trail, one after the other.

        Raises:
            AuditError: there is none, or it is not the record that the index was made from.
        """
        with self._open() as database:
            for seq in numbers:
                yield self._record(database, seq)

    def _record(self, database: sqlite3.Connection, seq: int) -> AuditRecord:
        found = database.execute("select place, size from entry where seq = ?", [seq]).fetchone()
        if found is None:
            raise AuditError("There is no such record.")
        record = AuditRecord.parse(self._line(*found))
        if record.seq != seq or record.flaw(seq=seq, prev=record.prev, key=None):
            raise AuditError("The record was changed.")
        return record

    def _line(self, place: int, size: int) -> bytes:
        try:
            with self.trail.open("rb") as file:
                file.seek(place)
                return file.read(size)
        except OSError:
            raise AuditError("The audit trail cannot be read.") from None

    def _take_chunk(self) -> Reach:
        """Take up to so many records in, in one transaction."""
        with self._open() as database:
            database.execute("begin immediate")
            whole = self._anchored()
            row = database.execute("select place, seq, hash from reached").fetchone()
            place, seq, head = row or (0, -1, "")
            if row and not self._continues(database, int(seq), str(head), whole):
                database.execute("delete from entry")
                place, seq, head = 0, -1, ""
            rows = []
            for start, line in self._lines(int(place), whole):
                entry, head = entry_of_line(line)
                rows.append((*astuple(entry), start, len(line)))
                place, seq = start + len(line) + 1, entry.seq
            marks = ", ".join("?" * (len(_COLUMNS) + 2))
            database.executemany(f"insert or replace into entry values ({marks})", rows)
            database.execute(
                "insert or replace into reached values (1, ?, ?, ?)", [place, seq, head]
            )
            database.execute("commit")
        return Reach(int(place), whole)

    def _continues(self, database: sqlite3.Connection, seq: int, head: str, whole: int) -> bool:
        """Whether the trail still holds the last record that was taken in."""
        found = database.execute("select place, size from entry where seq = ?", [seq]).fetchone()
        if found is None:
            return seq < 0
        place, size = found
        if place + size > whole:
            return False
        try:
            return entry_of_line(self._line(place, size))[1] == head
        except AuditError:
            return False

    def _lines(self, place: int, whole: int) -> Iterator[tuple[int, bytes]]:
        """Up to so many acknowledged lines from a place on, each with where it begins."""
        if place >= whole:
            return
        with self.trail.open("rb") as file:
            file.seek(place)
            for _ in range(_CHUNK):
                line = file.readline(LONGEST_LINE_BYTES)
                if place + len(line) > whole or not line.endswith(b"\n"):
                    return
                yield place, line[:-1]
                place += len(line)

    def _anchored(self) -> int:
        """How many bytes of the trail are acknowledged."""
        try:
            return Anchor.parse(anchor_path(self.trail).read_bytes(), None).size
        except FileNotFoundError:
            return 0
        except (OSError, ValueError):
            raise AuditError("The audit trail cannot be read.") from None

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        if not self._path.exists():
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        try:
            made = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)
            with closing(made) as database:
                database.execute("pragma journal_mode = wal")
                database.execute("pragma synchronous = normal")
                database.executescript(_SCHEMA)
                yield database
        except sqlite3.Error:
            raise AuditError("The index of the audit trail cannot be used.") from None
