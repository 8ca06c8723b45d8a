"""Writing the trail: append, sync, anchor; and nothing crosses when that fails."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from compliance.audit.errors import AuditError
from compliance.audit.events import repair
from compliance.audit.files import last_lines, sync_folder, write_synced
from compliance.audit.records import GENESIS, Anchor, AuditRecord
from compliance.audit.verify import KEY_BYTES, anchor_path, lock_path

_log = logging.getLogger(__name__)

_LAST_LINE_BYTES = 1 << 20
"""Longest record; also how far back the last line is looked for."""


@dataclass(frozen=True)
class _Place:
    """Where the next record goes: its number, the hash before it, the byte; the file's inode."""

    seq: int
    head: str
    size: int
    inode: int


class AuditTrail:
    """One node's trail; several threads and processes may append to the same file.

    Args:
        path: the file of JSON lines; its folder is made if needed.
        key: the node's audit key, 32 bytes.
        node: the node's name, written into the anchor.

    Raises:
        AuditError: the trail cannot be used, or is not whole up to its anchor.
    """

    def __init__(self, path: Path, key: bytes, *, node: str) -> None:
        if len(key) != KEY_BYTES:
            raise AuditError("An audit key has 32 bytes.")
        self.path = path
        self.node = node
        self._key = key
        self._mutex = threading.Lock()
        self._place: _Place | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._writing() as fd:
                self._locate(fd)
        except OSError as error:
            raise _unavailable(error) from None

    def record(self, event: dict[str, Any]) -> AuditRecord:
        """Append one event and return once it is on the disk.

        Args:
            event: a FHIR AuditEvent, see `compliance.audit.crossing`; no protected data.

        Raises:
            AuditError: it is not on the disk; the caller must not go on.
        """
        try:
            with self._writing() as fd:
                place = self._locate(fd)
                return self._append(fd, place, event)
        except OSError as error:
            raise _unavailable(error) from None
        except (TypeError, ValueError, RecursionError):
            raise AuditError("The event cannot be written as JSON.") from None

    def tail(self, count: int = 20) -> list[AuditRecord]:
        """Return the last ``count`` records, oldest first.

        Raises:
            AuditError: the trail cannot be read.
        """
        try:
            with self.path.open("rb") as file:
                lines = last_lines(file, count)
            return [AuditRecord.parse(line) for line in lines]
        except FileNotFoundError:
            return []
        except (OSError, ValueError):
            raise AuditError("The audit trail cannot be read.") from None

    def records(self) -> Iterator[AuditRecord]:
        """Go through all acknowledged records; `verify_file` says whether they are genuine.

        Raises:
            AuditError: the trail cannot be read.
        """
        try:
            with self.path.open("rb") as file:
                for line in file:
                    if line.endswith(b"\n"):
                        yield AuditRecord.parse(line[:-1])
        except FileNotFoundError:
            return
        except (OSError, ValueError):
            raise AuditError("The audit trail cannot be read.") from None

    def export(self) -> Iterator[dict[str, Any]]:
        """Go through all events as FHIR R4 AuditEvents, oldest first.

        Raises:
            AuditError: the trail cannot be read.
        """
        for record in self.records():
            yield record.event

    @contextlib.contextmanager
    def _writing(self) -> Iterator[int]:
        """Hold the trail alone; gives the open file. The lock ends with the process, or sooner."""
        with self._mutex, lock_path(self.path).open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            fd = os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o600)
            try:
                yield fd
            except BaseException:
                self._place = None
                raise
            finally:
                os.close(fd)

    def _locate(self, fd: int) -> _Place:
        """Find where the next record goes; heal what a crash left, refuse anything else."""
        status = os.fstat(fd)
        place = self._place
        if place is not None and (place.inode, place.size) == (status.st_ino, status.st_size):
            return place
        anchor = self._anchor(status.st_size)
        place = self._follow(fd, anchor, status)
        if place.size < status.st_size:
            place = self._set_aside(fd, place, status.st_size)
        if place.seq != anchor.count:
            self._write_anchor(place)
        self._place = place
        return place

    def _anchor(self, size: int) -> Anchor:
        """Read the anchor; a trail that was never written to gets its first one."""
        path = anchor_path(self.path)
        if size == 0 and not path.exists():
            self._write_anchor(_Place(0, GENESIS, 0, 0))
            sync_folder(path.parent)
        try:
            anchor = Anchor.parse(path.read_bytes(), self._key)
        except FileNotFoundError:
            raise AuditError("The audit trail's anchor is missing.") from None
        except ValueError:
            raise AuditError("The audit trail's anchor is damaged, or of another key.") from None
        if anchor.node != self.node:
            raise AuditError("This audit trail belongs to another node.")
        return anchor

    def _follow(self, fd: int, anchor: Anchor, status: os.stat_result) -> _Place:
        """Check the anchored record, then take what continues the chain behind it."""
        if status.st_size < anchor.size or not self._ends_at(fd, anchor):
            raise AuditError("The audit trail was changed: acknowledged records are missing.")
        seq, head, size = anchor.count, anchor.head, anchor.size
        with os.fdopen(os.dup(fd), "rb") as file:
            file.seek(size)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                record = _parse(line[:-1])
                if record is None or record.flaw(seq=seq, prev=head, key=self._key):
                    raise AuditError("The audit trail was changed: a record is not genuine.")
                seq, head, size = seq + 1, record.hash, size + len(line)
        return _Place(seq, head, size, status.st_ino)

    def _ends_at(self, fd: int, anchor: Anchor) -> bool:
        """Say whether the anchored record is the line that ends where the anchor says."""
        if anchor.count == 0:
            return anchor.size == 0
        start = max(0, anchor.size - _LAST_LINE_BYTES)
        last = os.pread(fd, anchor.size - start, start)
        record = _parse(last[last.rfind(b"\n", 0, -1) + 1 : -1]) if last[-1:] == b"\n" else None
        return (
            record is not None
            and record.hash == anchor.head
            and record.flaw(seq=anchor.count - 1, prev=record.prev, key=self._key) is None
        )

    def _set_aside(self, fd: int, place: _Place, size: int) -> _Place:
        """Move an unfinished last line, which no caller relied on, out of the trail and say so."""
        torn = os.pread(fd, size - place.size, place.size)
        aside = self.path.with_name(self.path.name + ".torn")
        with aside.open("ab") as file:
            aside.chmod(0o600)
            file.write(torn + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.ftruncate(fd, place.size)
        self._append(fd, place, repair(self.node, len(torn)))
        if self._place is None:
            raise AuditError("The audit trail could not be repaired.")
        return self._place

    def _append(self, fd: int, place: _Place, event: dict[str, Any]) -> AuditRecord:
        """Write and sync one record, then the anchor; on failure take the record back."""
        now = datetime.now(UTC).isoformat()
        record = AuditRecord.make(
            seq=place.seq, prev=place.head, time=now, event=event, key=self._key
        )
        line = record.line()
        if len(line) > _LAST_LINE_BYTES:
            raise AuditError("The event is too large for the audit trail.")
        try:
            write_synced(fd, line)
            after = _Place(place.seq + 1, record.hash, place.size + len(line), place.inode)
            self._write_anchor(after)
        except OSError:
            # What is not acknowledged is not left behind, or the trail would tell of a crossing
            # that did not happen. Should this fail too, the next use finds a healable trail.
            with contextlib.suppress(OSError):
                os.ftruncate(fd, place.size)
                os.fsync(fd)
            raise
        self._place = after
        return record

    def _write_anchor(self, place: _Place) -> None:
        """Replace the anchor atomically; it is on the disk before its name points to it."""
        anchor = Anchor(self.node, place.seq, place.size, place.head)
        path = anchor_path(self.path)
        draft = path.with_name(path.name + ".new")
        fd = os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        try:
            write_synced(fd, anchor.dump(self._key))
        finally:
            os.close(fd)
        draft.replace(path)


def _parse(line: bytes) -> AuditRecord | None:
    try:
        return AuditRecord.parse(line)
    except ValueError:
        return None


def _unavailable(error: OSError) -> AuditError:
    """Say that the trail cannot be written; only the error's number goes to the log."""
    _log.error("audit trail unavailable: errno %s", error.errno)
    return AuditError("The audit trail cannot be written.")
