"""Candidates on the disk: a pack, and the report that people look at and that names it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

from services.bricks.errors import BrickDamagedError
from services.bricks.ingest.manifest import Manifest
from services.bricks.operations.packs import parts_for, read_pack, write_parts
from services.bricks.topic import Topic

REPORT = "report.json"


class Candidates:
    """Candidates on the disk.

    Args:
        folder: that they lie below.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "candidates"

    @contextmanager
    def work(self) -> Iterator[Path]:
        """A folder to work in, gone afterwards."""
        place = self._folder / f".{token_hex(8)}"
        place.mkdir(parents=True)
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def put(
        self, work: Path, report: dict[str, Any], pack: tuple[Manifest, list[Topic]] | None
    ) -> str:
        """Put a candidate in its place, whole; the same one again changes nothing.

        Args:
            work: folder that was worked in.
            report: what people look at.
            pack: what a brick will be made of; None for notices.
        """
        raw = json.dumps(report, ensure_ascii=False, sort_keys=True, indent=1).encode()
        digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
        made = work / "candidate"
        made.mkdir()
        (made / REPORT).write_bytes(raw)
        if pack is not None:
            write_parts(made / "pack", *pack, parts_for(pack[1]))
        place = self._place(digest)
        if not place.is_dir():
            try:
                made.rename(place)
            except OSError:  # somebody else put the same one there meanwhile
                if not place.is_dir():
                    raise
        return digest

    def report(self, digest: str) -> dict[str, Any]:
        """What people look at.

        Raises:
            BrickDamagedError: it is missing, or not what its digest says.
        """
        try:
            raw = (self._place(digest) / REPORT).read_bytes()
        except OSError:
            raise _damaged() from None
        if f"sha256:{hashlib.sha256(raw).hexdigest()}" != digest:
            raise _damaged()
        held: dict[str, Any] = json.loads(raw)
        return held

    def pack(self, digest: str) -> tuple[Manifest, tuple[Topic, ...]]:
        """What a brick is made of.

        Raises:
            BrickError: it is missing or damaged.
        """
        said, topics, _ = read_pack(self._place(digest) / "pack")
        return said, topics

    def sweep(self, kept: Iterable[str]) -> None:
        """Delete every candidate but these."""
        names = {self._place(digest).name for digest in kept}
        for place in self._folder.glob("[0-9a-f]*"):
            if place.name not in names:
                shutil.rmtree(place, ignore_errors=True)

    def _place(self, digest: str) -> Path:
        return self._folder / digest.removeprefix("sha256:")[:64]


def _damaged() -> BrickDamagedError:
    return BrickDamagedError(
        "The report of this change is missing or damaged.",
        remedy="Check it again (`caretier rounds sources recheck`).",
    )
