"""Notices: what a feed announces is read by people, and nothing answers from it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict

from services.learning.sources.catalogue import Listed
from services.learning.sources.checking import Checked, heading
from services.learning.sources.errors import SourceRefusedError
from services.learning.sources.feeds import Entry, entries_of
from services.learning.sources.filing import Candidates
from services.learning.sources.screening import rule_of
from services.learning.sources.snapshot import Shelf, Snapshot


def check_notices(
    source: Listed,
    snapshot: Snapshot,
    shelf: Shelf,
    candidates: Candidates,
    seen: Collection[str],
) -> Checked:
    """Which entries of a feed are new.

    Title, address and day are kept and shown; texts are not. What speaks to programs is left out.

    Args:
        source: as listed.
        snapshot: of the feed.
        shelf: its files.
        candidates: where the report is put.
        seen: keys of the entries that people have seen.

    Raises:
        SourceRefusedError: it has no entries.
    """
    entries = [entry for part in snapshot.parts for entry in entries_of(shelf.path(part))]
    if not entries:
        raise SourceRefusedError("The feed has no entries.", reason="unusable")
    clean = [entry for entry in entries if rule_of(entry.title) is None]
    fresh = [_shown(entry) for entry in clean if entry.key not in set(seen)]
    if not fresh:
        return Checked(None, {})
    counts = {"notices": len(fresh), "quarantined": len(entries) - len(clean)}
    report = {
        **heading(source, snapshot),
        "counts": counts,
        "criteria": [],
        "entries": fresh,
        "keys": sorted({*seen, *(entry.key for entry in clean)}),
    }
    with candidates.work() as work:
        digest = candidates.put(work, report, None)
    return Checked(digest, {"candidate": digest, "counts": counts, "criteria": []}, holds=True)


def _shown(entry: Entry) -> dict[str, str | None]:
    held = asdict(entry)
    return {name: held[name] for name in ("title", "url", "date")}
