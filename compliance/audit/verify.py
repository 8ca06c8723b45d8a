"""Checking a trail from its first record to its anchor, without changing anything."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from compliance.audit.records import GENESIS, Anchor, AuditRecord

KEY_FILE = "audit.key"
KEY_BYTES = 32


@dataclass(frozen=True)
class VerifyReport:
    """What a check found.

    Attributes:
        path: the trail.
        records: how many good records stand before the first bad one (all, if ``ok``).
        ok: whether the trail is whole.
        first_bad: position of the first bad or missing record, or None.
        reason: slug of what is wrong; with ``ok`` it may be ``unfinished-line`` (a crash left one
            behind the last acknowledged record).
        authenticated: whether MACs were checked; without the node's key only the chain is.
        witnessed: how many records, from the first, a peer's book vouches for.
    """

    path: Path
    records: int
    ok: bool
    first_bad: int | None
    reason: str | None
    authenticated: bool = False
    witnessed: int = 0


def anchor_path(path: Path) -> Path:
    """Return where a trail's anchor lies."""
    return path.with_name(path.name + ".anchor")


def lock_path(path: Path) -> Path:
    """Return the file on which writers of a trail lock."""
    return path.with_name(path.name + ".lock")


def verify_file(
    path: Path, key: bytes | None = None, *, heads: Mapping[int, str] | None = None
) -> VerifyReport:
    """Check a trail.

    Args:
        path: the trail's file.
        key: the node's key; None takes ``audit.key`` beside the trail, if it is readable.
        heads: what witnesses saw of this trail: the hash of the last of so many records.
    """
    if key is None:
        with contextlib.suppress(OSError):
            key = (path.parent / KEY_FILE).read_bytes()
    with _reading(path):
        return _verify(path, key, heads or {})


def first_hash(path: Path) -> str | None:
    """Return the hash of a trail's first record, which names the trail; None where there is none.

    The record is not checked; `verify_file` does that.
    """
    try:
        with path.open("rb") as file:
            return AuditRecord.parse(file.readline().removesuffix(b"\n")).hash
    except (OSError, ValueError):
        return None


def _verify(path: Path, key: bytes | None, heads: Mapping[int, str]) -> VerifyReport:
    known = key is not None

    def bad(position: int, reason: str) -> VerifyReport:
        return VerifyReport(path, position, False, position, reason, known)

    try:
        anchor = Anchor.parse(anchor_path(path).read_bytes(), key)
    except FileNotFoundError:
        return bad(0, "anchor-missing" if path.exists() else "missing")
    except (OSError, ValueError):
        return bad(0, "anchor-damaged")
    seq, prev, torn = 0, GENESIS, False
    try:
        for line in _lines(path):
            torn = not line.endswith(b"\n")
            if torn:
                break
            flaw, prev = _check(line, seq, prev, key)
            flaw = flaw or _unlike(seq + 1, prev, anchor, heads)
            if flaw is not None:
                return bad(seq, flaw)
            seq += 1
    except OSError:
        return bad(seq, "unreadable")
    seen = max(heads, default=0)
    if seq < max(anchor.count, seen):
        return bad(seq, "truncated" if seq < anchor.count else "shorter-than-witnessed")
    return VerifyReport(path, seq, True, None, "unfinished-line" if torn else None, known, seen)


def _unlike(count: int, head: str, anchor: Anchor, heads: Mapping[int, str]) -> str | None:
    """Say who saw another hash after so many records."""
    if count == anchor.count and head != anchor.head:
        return "anchor-mismatch"
    return "witness-mismatch" if heads.get(count, head) != head else None


def _check(line: bytes, seq: int, prev: str, key: bytes | None) -> tuple[str | None, str]:
    """Check one whole line; return its flaw (or None) and its hash."""
    try:
        record = AuditRecord.parse(line[:-1])
    except ValueError:
        return "unreadable-record", prev
    return record.flaw(seq=seq, prev=prev, key=key), record.hash


def _lines(path: Path) -> Iterator[bytes]:
    if path.exists():
        with path.open("rb") as file:
            yield from file


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Keep writers out between their two writes, where the lock file is there to do so."""
    try:
        lock = lock_path(path).open("rb")
    except OSError:  # a copy, or a read-only medium: nobody writes
        yield
        return
    with lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield
