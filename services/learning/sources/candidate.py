"""From a snapshot to a candidate: ingested, screened, and compared with what is in use."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.bricks.errors import BrickError
from services.bricks.ingest import Report, ingest
from services.bricks.ingest.manifest import Manifest
from services.bricks.ingest.report import Comparison, Finding
from services.bricks.operations.packs import read_pack
from services.bricks.topic import Topic
from services.learning.sources.catalogue import Listed
from services.learning.sources.errors import SourceRefusedError
from services.learning.sources.feeds import as_lines
from services.learning.sources.screening import Suspect, suspects
from services.learning.sources.snapshot import Shelf, Snapshot

NEW, HELD = "new", "held"
"""How the two sides of a contradiction are called: the source's, and what is in use."""
MOST_WITHIN = 200
"""Contradictions within a source that are shown."""


@dataclass(frozen=True)
class Candidate:
    """What a snapshot would put in use.

    Attributes:
        said: what its pack says of itself.
        topics: without what was left out.
        read: every topic that was read, before anything was left out.
        quarantined: sentences that speak to programs; their topics are left out.
        contradictions: with what is in use; the new passages are left out unless they are kept.
        within: contradictions between the source's own topics, which stay.
        report: of the ingestion.
        left_out: ids of passages that were left out because they contradict.
        uncompared: passages of crowds that were not compared.
    """

    said: Manifest
    topics: tuple[Topic, ...]
    read: tuple[Topic, ...]
    quarantined: tuple[Suspect, ...]
    contradictions: tuple[Finding, ...]
    within: tuple[Finding, ...]
    report: Report
    left_out: tuple[str, ...]
    uncompared: int


def read_snapshot(
    source: Listed, snapshot: Snapshot, shelf: Shelf, folder: Path
) -> tuple[Manifest, tuple[Topic, ...], Report]:
    """Ingest a snapshot into a pack below a folder.

    Raises:
        SourceRefusedError: nothing in it can be used.
        BrickDamagedError: a file of it is missing or damaged.
    """
    files = shelf.lay_out(snapshot, folder / "files", source.format)
    wanted: str = source.format
    if source.format == "feed":
        wanted = "jsonl"
        files = [as_lines(path, path.with_suffix(".jsonl")) for path in files]
    said = source.pack(snapshot.dated or snapshot.taken.date())
    try:
        report = ingest(files, folder / "pack", said, wanted)
        topics = read_pack(folder / "pack")[1]
    except BrickError as error:
        raise SourceRefusedError(error.message, reason="unusable") from None
    return said, topics, report


def judge_content(
    read: tuple[Manifest, tuple[Topic, ...], Report],
    held: Sequence[Topic],
    kept: Collection[str] = (),
) -> Candidate:
    """Leave out what speaks to programs, and what contradicts knowledge that is in use.

    Args:
        read: what was read of its snapshot.
        held: topics in use that are not the source's own.
        kept: ids of passages that a person kept although they contradict.
    """
    said, topics, report = read
    bad = tuple(suspects(topics))
    strange = {one.topic for one in bad}
    clean = tuple(topic for topic in topics if topic.head.id not in strange)
    comparison = Comparison([(HELD, held), (NEW, clean)])
    odd = [one for one in comparison.findings() if one.kind != "duplicate"]
    found = tuple(one for one in odd if (one.left.pack, one.right.pack) == (HELD, NEW))
    within = tuple(one for one in odd if (one.left.pack, one.right.pack) == (NEW, NEW))
    out = sorted({one.right.passage for one in found} - set(kept))
    return Candidate(
        said,
        without(clean, out),
        topics,
        quarantined=bad,
        contradictions=found,
        within=within[:MOST_WITHIN],
        report=report,
        left_out=tuple(out),
        uncompared=comparison.left_out,
    )


def without(topics: Iterable[Topic], passages: Collection[str]) -> tuple[Topic, ...]:
    """Topics without these passages; one that has none left is gone."""
    gone = set(passages)
    kept = []
    for topic in topics:
        rest = tuple(p for p in topic.passages if p.id not in gone)
        if rest:
            kept.append(topic if len(rest) == len(topic.passages) else Topic(topic.head, rest))
    return tuple(kept)


def words_digest(topics: Iterable[Topic]) -> str:
    """Digest of all that can be quoted and found, whatever day the material bears."""
    lines = sorted(
        json.dumps(
            [
                topic.head.id,
                topic.names,
                topic.head.level,
                [[p.section, p.source.name, p.source.url, p.sentences] for p in topic.passages],
            ],
            ensure_ascii=False,
        )
        for topic in topics
    )
    return f"sha256:{hashlib.sha256(chr(10).join(lines).encode()).hexdigest()}"
