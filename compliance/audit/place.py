"""Finding where a trail ends: the anchored record, and what continues the chain behind it."""

from __future__ import annotations

import os
from dataclasses import dataclass

from compliance.audit.errors import AuditError
from compliance.audit.records import Anchor, AuditRecord

LONGEST_LINE_BYTES = 1 << 20
"""Longest record; also how far back the last line is looked for."""


@dataclass(frozen=True)
class Place:
    """Where the next record goes: its number, the hash before it, the byte; the file's inode."""

    seq: int
    head: str
    size: int
    inode: int


def follow(fd: int, anchor: Anchor, key: bytes) -> Place:
    """Check the anchored record, then take whole records that continue the chain behind it.

    Args:
        fd: the trail, open for reading.
        anchor: as it was read.
        key: the node's key.

    Raises:
        AuditError: acknowledged records are missing, or one behind them is not genuine.
        OSError: the trail cannot be read.
    """
    status = os.fstat(fd)
    if status.st_size < anchor.size or not _ends_at(fd, anchor, key):
        raise AuditError("The audit trail was changed: acknowledged records are missing.")
    seq, head, size = anchor.count, anchor.head, anchor.size
    with os.fdopen(os.dup(fd), "rb") as file:
        file.seek(size)
        for line in file:
            if not line.endswith(b"\n"):
                break
            record = _parse(line[:-1])
            if record is None or record.flaw(seq=seq, prev=head, key=key):
                raise AuditError("The audit trail was changed: a record is not genuine.")
            seq, head, size = seq + 1, record.hash, size + len(line)
    return Place(seq, head, size, status.st_ino)


def _ends_at(fd: int, anchor: Anchor, key: bytes) -> bool:
    """Say whether the anchored record is the line that ends where the anchor says."""
    if anchor.count == 0:
        return anchor.size == 0
    start = max(0, anchor.size - LONGEST_LINE_BYTES)
    last = os.pread(fd, anchor.size - start, start)
    record = _parse(last[last.rfind(b"\n", 0, -1) + 1 : -1]) if last[-1:] == b"\n" else None
    return (
        record is not None
        and record.hash == anchor.head
        and record.flaw(seq=anchor.count - 1, prev=record.prev, key=key) is None
    )


def _parse(line: bytes) -> AuditRecord | None:
    try:
        return AuditRecord.parse(line)
    except ValueError:
        return None
