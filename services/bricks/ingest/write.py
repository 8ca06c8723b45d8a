"""The pack's two files, each put in place whole."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import yaml

from services.bricks.compact import MANIFEST, TOPICS, dump_topic, read_manifest
from services.bricks.errors import BrickError
from services.bricks.ingest.manifest import Manifest
from services.bricks.ingest.tally import Report
from services.bricks.topic import Topic


def refuse_other_pack(folder: Path, manifest: Manifest) -> None:
    """Keep a pack from being written over another.

    Raises:
        BrickError: the folder holds a pack of another id, or topics in Markdown.
    """
    held = read_manifest(folder).get("id") if (folder / MANIFEST).is_file() else manifest.id
    if held != manifest.id:
        raise BrickError(
            f"{folder} holds the pack {held}, not {manifest.id}.", remedy="Choose another folder."
        )
    if any(folder.rglob("*.md")):
        raise BrickError(
            f"{folder} holds Markdown: once a pack is there it would no longer be read.",
            remedy="Choose another folder.",
        )


def write_pack(folder: Path, manifest: Manifest, topics: Iterator[Topic], report: Report) -> None:
    """Write topics and manifest, and count what is in them.

    The topics come first: if the run is killed between the two, the digest does not match and the
    pack is refused until it is ingested again.
    """
    digest = hashlib.sha256()
    with _whole(folder / TOPICS) as stream:
        for topic in topics:
            line = dump_topic(topic).encode() + b"\n"
            digest.update(line)
            stream.write(line)
            _count(topic, report)
    counts = {"topics": report.topics, "passages": report.passages}
    fields = manifest.model_dump(mode="json", exclude_none=True)
    with _whole(folder / MANIFEST) as stream:
        held = fields | counts | {"sha256": digest.hexdigest()}
        stream.write(yaml.safe_dump(held, sort_keys=False, allow_unicode=True).encode())


def _count(topic: Topic, report: Report) -> None:
    report.topics += 1
    report.passages += len(topic.passages)
    for passage in topic.passages:
        report.sentences += len(passage.sentences)
        report.sections[passage.section] = report.sections.get(passage.section, 0) + 1


@contextmanager
def _whole(path: Path) -> Iterator[IO[bytes]]:
    """Write beside a file, and put it in its place only when all is on the disk."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        partial.unlink(missing_ok=True)
        with partial.open("xb") as stream:  # a link put there beforehand is not written through
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
