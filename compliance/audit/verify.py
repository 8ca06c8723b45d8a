"""Checking a trail from its first record to its anchor, without changing anything."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from compliance.audit.records import GENESIS, Anchor, AuditRecord

KEY_FILE = "audit.key"
KEY_BYTES = 32
TELL_EVERY = 500
"""Records between two words on how far a check is."""


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


def _nobody(_done: int, _whole: int) -> None:
    """Nobody is told how far a check is."""


def verify_file(
    path: Path,
    key: bytes | None = None,
    *,
    heads: Mapping[int, str] | None = None,
    tell: Callable[[int, int], None] = _nobody,
) -> VerifyReport:
    """Check a trail, as far as it went when the check began; writers wait for a moment only.

    Args:
        path: the trail's file.
        key: the node's key; None takes ``audit.key`` beside the trail, if it is readable.
        heads: what witnesses saw of this trail: the hash of the last of so many records.
        tell: is told how many records are checked, and how many there are.
    """
    if key is None:
        with contextlib.suppress(OSError):
            key = (path.parent / KEY_FILE).read_bytes()
    with _reading(path):  # anchor and length of one moment; what stands before it never changes
        anchor, size = _anchored(path, key), path.stat().st_size if path.exists() else 0
    if isinstance(anchor, str):
        return VerifyReport(path, 0, False, 0, anchor, key is not None)
    return _Check(path, key, anchor, size, heads or {}, tell).report()


def first_hash(path: Path) -> str | None:
    """Return the hash of a trail's first record, which names the trail; None where there is none.

    The record is not checked; `verify_file` does that.
    """
    try:
        with path.open("rb") as file:
            return AuditRecord.parse(file.readline().removesuffix(b"\n")).hash
    except (OSError, ValueError):
        return None


def _anchored(path: Path, key: bytes | None) -> Anchor | str:
    """The anchor, or what is wrong with it."""
    try:
        return Anchor.parse(anchor_path(path).read_bytes(), key)
    except FileNotFoundError:
        return "anchor-missing" if path.exists() else "missing"
    except (OSError, ValueError):
        return "anchor-damaged"


@dataclass(frozen=True)
class _Check:
    """One check of the first ``size`` bytes of a trail."""

    path: Path
    key: bytes | None
    anchor: Anchor
    size: int
    heads: Mapping[int, str]
    tell: Callable[[int, int], None]

    def report(self) -> VerifyReport:
        """Go through the records, up to the first bad one."""
        seq, prev, torn = 0, GENESIS, False
        try:
            for line in _lines(self.path, self.size):
                torn = not line.endswith(b"\n")
                if torn:
                    break
                flaw, prev = _check(line, seq, prev, self.key)
                flaw = flaw or _unlike(seq + 1, prev, self.anchor, self.heads)
                if flaw is not None:
                    return self._bad(seq, flaw)
                seq += 1
                if seq % TELL_EVERY == 0:
                    self.tell(seq, max(seq, self.anchor.count))
        except OSError:
            return self._bad(seq, "unreadable")
        seen, known = max(self.heads, default=0), self.key is not None
        if seq < max(self.anchor.count, seen):
            cut = seq < self.anchor.count
            return self._bad(seq, "truncated" if cut else "shorter-than-witnessed")
        left = "unfinished-line" if torn else None
        return VerifyReport(self.path, seq, True, None, left, known, seen)

    def _bad(self, position: int, reason: str) -> VerifyReport:
        known = self.key is not None
        return VerifyReport(self.path, position, False, position, reason, known)


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


def _lines(path: Path, size: int) -> Iterator[bytes]:
    """The lines of the first bytes of a trail; the last one may be cut."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            size -= len(line)
            yield line if size >= 0 else line[:size]
            if size <= 0:
                return


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
