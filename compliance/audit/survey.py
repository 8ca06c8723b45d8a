"""Checking every trail below a folder: those that are there, and those that should be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from compliance.audit.registry import REGISTER, registered
from compliance.audit.verify import VerifyReport, first_hash, verify_file
from compliance.audit.witness import BOOK, SignedHead, conflict, read_book
from compliance.sealing import IdentityKey, SealingError

_IDENTITY = Path("keys") / "identity.key"


def verify_data(data: Path, witnesses: Iterable[Path] = ()) -> list[VerifyReport]:
    """Check all trails below a folder against their registers and against witnesses.

    Reasons besides those of `verify_file`: ``vanished`` (a register or an anchor names a trail that
    is not there) and ``replaced`` (a witness saw another trail of this node). A book whose own
    entries contradict each other gives a report of its own (``went-back``, ``forked`` or
    ``began-anew``, see `compliance.audit.witness`): the peer's trail was changed.

    Args:
        data: folder of state, of one node or of several.
        witnesses: books from other machines; those below ``data`` are used anyway.
    """
    books = sorted({*data.glob(f"**/{BOOK}"), *witnesses})
    heads = [head for book in books for head in read_book(book)]
    reports = [_verify(path, heads) for path in trails(data)]
    return reports + [report for book in books if (report := _contradiction(book))]


def trails(data: Path) -> list[Path]:
    """Return every trail below a folder: found, anchored or registered."""
    found = set(data.glob("**/audit/*.jsonl"))
    found |= {p.with_suffix("") for p in data.glob("**/audit/*.jsonl.anchor")}
    for register in data.glob(f"**/{REGISTER}"):
        found |= set(registered(register.parent))
    return sorted(path for path in found if path.name != BOOK)


def _verify(path: Path, heads: list[SignedHead]) -> VerifyReport:
    if not path.exists():
        return VerifyReport(path, 0, False, 0, "vanished")
    first, seen = first_hash(path), defaultdict[str, dict[int, str]](dict)
    for head in heads:
        seen[head.trail][head.count] = head.head
    report = verify_file(path, heads=seen.get(first or "", {}))
    mine = _fingerprint(path.parent.parent)
    if report.ok and mine and any(h.fingerprint == mine and h.trail != first for h in heads):
        return replace(report, ok=False, first_bad=0, records=0, reason="replaced")
    return report


def _fingerprint(state: Path) -> str | None:
    """The fingerprint of the node whose state this is, where its key can be read."""
    try:
        return IdentityKey.from_bytes((state / _IDENTITY).read_bytes()).public.fingerprint
    except (OSError, SealingError):
        return None


def _contradiction(book: Path) -> VerifyReport | None:
    """The first head in a book that contradicts an earlier one of the same node, as a report."""
    last: dict[str, SignedHead] = {}
    for number, head in enumerate(read_book(book)):
        before = last.get(head.fingerprint)
        reason = conflict(before, head) if before else None
        if reason:
            return VerifyReport(book, number, False, number, f"{head.node}: {reason}")
        last[head.fingerprint] = head
    return None
