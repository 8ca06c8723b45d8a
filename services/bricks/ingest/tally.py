"""What a run did, and every problem that it met."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

PROBLEMS = "problems.jsonl"
"""Beside the pack: every problem of the last run, a line each; not there when there were none."""
KEPT = 200
"""How many problems a report holds in memory; the file holds all."""


@dataclass(frozen=True)
class Problem:
    """Something that could not be used: file and line or element, and why."""

    place: str
    reason: str


@dataclass
class Report:
    """What a run did.

    Attributes:
        items: seen; resumed: of these, made by an earlier run that broke off.
        repeated: the same as an item before; skipped: not meant for this pack (language, type).
        ignored: files of a folder in no known format.
        bad: items and files that could not be used; ``problems`` holds the first of them.
    """

    items: int = 0
    resumed: int = 0
    repeated: int = 0
    skipped: int = 0
    ignored: int = 0
    bad: int = 0
    topics: int = 0
    passages: int = 0
    sentences: int = 0
    sections: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


class ProblemFile:
    """Counts problems and writes each down at once."""

    def __init__(self, folder: Path, report: Report) -> None:
        self._path, self._report = folder / PROBLEMS, report
        self._stream: IO[str] | None = None
        self._path.unlink(missing_ok=True)

    def add(self, place: str, reason: str) -> None:
        """Report one problem."""
        if self._stream is None:
            self._stream = self._path.open("x", encoding="utf-8")
        self._stream.write(
            json.dumps({"place": place, "reason": reason}, ensure_ascii=False) + "\n"
        )
        self._stream.flush()
        self._report.bad += 1
        if len(self._report.problems) < KEPT:
            self._report.problems.append(Problem(place, reason))

    def close(self) -> None:
        """Nothing more comes."""
        if self._stream is not None:
            self._stream.close()
