"""Writing the trail: append, sync, anchor; and nothing crosses when that fails.

Callers that come at once share one write, one sync and one anchor (`compliance.audit.group`).
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from compliance.audit.errors import AuditError
from compliance.audit.events import repair
from compliance.audit.files import (
    load_or_create_key,
    replace_synced,
    sync_folder,
    write_synced,
)
from compliance.audit.group import Group
from compliance.audit.place import LONGEST_LINE_BYTES, Place, follow
from compliance.audit.reading import TrailReader
from compliance.audit.records import GENESIS, Anchor, AuditRecord
from compliance.audit.registry import register, registered
from compliance.audit.verify import KEY_BYTES, anchor_path, lock_path
from compliance.sealing.encoding import canonical_json

_log = logging.getLogger(__name__)

_FRAME_BYTES = 1024
"""What a line has at most besides its event."""

_Event = tuple[dict[str, Any], bytes]
"""An event and its canonical JSON."""


class AuditTrail(TrailReader):
    """One node's trail; several threads and processes may append to the same file.

    Args:
        path: the file of JSON lines; its folder is made if needed.
        key: the node's audit key, 32 bytes.
        node: the node's name, written into the anchor.
        state: folder of the node's state, whose register names the trail; None for no register.

    Raises:
        AuditError: the trail cannot be used, is not whole up to its anchor, or has vanished.
    """

    def __init__(self, path: Path, key: bytes, *, node: str, state: Path | None = None) -> None:
        if len(key) != KEY_BYTES:
            raise AuditError("An audit key has 32 bytes.")
        super().__init__(path)
        self.node = node
        # Where peers' heads are noted: never among the trails.
        above = path.parent.parent if path.parent.name == "audit" else path.parent
        self.state = state or above
        self._key = key
        self._mutex = threading.Lock()
        self._group: Group[_Event, AuditRecord] = Group(self._write)
        self._place: Place | None = None
        if state is not None and path in registered(state):
            self._refuse_vanished()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._writing() as fd:
                self._locate(fd)
        except OSError as error:
            raise _unavailable(error) from None
        if state is not None:
            register(state, path, node)

    @classmethod
    def open(cls, state: Path, name: str, *, node: str) -> AuditTrail:
        """Open ``audit/<name>.jsonl`` below a node's state, with its key and its register.

        Raises:
            AuditError: see the class.
        """
        folder = state / "audit"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise _unavailable(error) from None
        key = load_or_create_key(folder)
        return cls(folder / f"{name}.jsonl", key, node=node, state=state)

    def _refuse_vanished(self) -> None:
        if not self.path.exists() and not anchor_path(self.path).exists():
            raise AuditError(
                "The audit trail has vanished.",
                remedy="Bring it back from a copy; nothing is recorded, and nothing sent, before.",
            )

    def record(self, event: dict[str, Any]) -> AuditRecord:
        """Append one event and return once it is on the disk.

        Args:
            event: a FHIR AuditEvent, see `compliance.audit.crossing`; no protected data.

        Raises:
            AuditError: it is not on the disk; the caller must not go on.
        """
        return self.record_all([event])[0]

    def record_all(self, events: Sequence[dict[str, Any]]) -> list[AuditRecord]:
        """Append several events and return once all are on the disk.

        Raises:
            AuditError: at least one is not on the disk; the caller must not go on.
        """
        return self._group.put([_encoded(event) for event in events])

    def _write(self, events: Sequence[_Event]) -> list[AuditRecord]:
        try:
            with self._writing() as fd:
                return self._append(fd, self._locate(fd), events)
        except OSError as error:
            raise _unavailable(error) from None

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

    def _locate(self, fd: int) -> Place:
        """Find where the next record goes; heal what a crash left, refuse anything else."""
        status = os.fstat(fd)
        place = self._place
        if place is not None and (place.inode, place.size) == (status.st_ino, status.st_size):
            return place
        anchor = self._anchor(status.st_size)
        place = follow(fd, anchor, self._key)
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
            self._write_anchor(Place(0, GENESIS, 0, 0))
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

    def _set_aside(self, fd: int, place: Place, size: int) -> Place:
        """Move an unfinished last line, which no caller relied on, out of the trail and say so."""
        torn = os.pread(fd, size - place.size, place.size)
        aside = self.path.with_name(self.path.name + ".torn")
        with aside.open("ab") as file:
            aside.chmod(0o600)
            file.write(torn + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.ftruncate(fd, place.size)
        self._append(fd, place, [_encoded(repair(self.node, len(torn)))])
        if self._place is None:
            raise AuditError("The audit trail could not be repaired.")
        return self._place

    def _append(self, fd: int, place: Place, events: Sequence[_Event]) -> list[AuditRecord]:
        """Write and sync records, then the anchor; on failure take all of them back."""
        now = datetime.now(UTC).isoformat()
        records, lines, after = [], [], place
        for event, encoded in events:
            record, line = AuditRecord.chain(
                seq=after.seq,
                prev=after.head,
                time=now,
                event=event,
                key=self._key,
                encoded=encoded,
            )
            after = Place(after.seq + 1, record.hash, after.size + len(line), place.inode)
            records.append(record)
            lines.append(line)
        try:
            write_synced(fd, b"".join(lines))
            self._write_anchor(after)
        except OSError:
            # What is not acknowledged is not left behind, or the trail would tell of a crossing
            # that did not happen. Should this fail too, the next use finds a healable trail.
            with contextlib.suppress(OSError):
                os.ftruncate(fd, place.size)
                os.fsync(fd)
            raise
        self._place = after
        return records

    def _write_anchor(self, place: Place) -> None:
        """Replace the anchor atomically; it is on the disk before its name points to it."""
        anchor = Anchor(self.node, place.seq, place.size, place.head)
        replace_synced(anchor_path(self.path), anchor.dump(self._key))


def _encoded(event: dict[str, Any]) -> _Event:
    """Write an event out before it is queued, so that a bad one fails its own caller only."""
    try:
        encoded = canonical_json(event)
    except (TypeError, ValueError, RecursionError):
        raise AuditError("The event cannot be written as JSON.") from None
    if len(encoded) > LONGEST_LINE_BYTES - _FRAME_BYTES:
        raise AuditError("The event is too large for the audit trail.")
    return event, encoded


def _unavailable(error: OSError) -> AuditError:
    """Say that the trail cannot be written; only the error's number goes to the log."""
    _log.error("audit trail unavailable: errno %s", error.errno)
    return AuditError("The audit trail cannot be written.")
