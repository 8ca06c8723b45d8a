"""NDJSON files of one order: 0600 in folders 0700, one resource a line."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

LINES = 50_000
"""Most lines of one file."""
_BREAKS = str.maketrans(
    {"\n": " ", "\r": " ", "\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)
_BREAK = re.compile("[\n\r\x85\u2028\u2029]")
FILE = re.compile(r"[A-Za-z]{2,64}\.[0-9]{1,6}\.ndjson")


def one_line(text: str) -> str:
    """The JSON ``text`` on one line.

    Between tokens a break is white space, and within a string JSON has none but the three that it
    may also write as an escape; so nothing else changes, and no reader sees two lines.
    """
    return text.translate(_BREAKS) if _BREAK.search(text) else text


@dataclass(frozen=True)
class Part:
    """One file that was written: its name, the type of its resources, and how many it holds."""

    file: str
    type: str
    count: int

    def to_json(self) -> dict[str, Any]:
        """Write it for the manifest."""
        return asdict(self)


class Writer:
    """Writes resources of one kind into files of at most so many lines.

    Args:
        folder: of the order's attempt.
        kind: type of the resources; it names the files.
        stem: beginning of the file names, where it is not the type.
        lines: most of one file.
    """

    def __init__(self, folder: Path, kind: str, stem: str = "", lines: int = LINES) -> None:
        self._folder, self._kind, self._stem, self._lines = folder, kind, stem or kind, lines
        self._file: BinaryIO | None = None
        self._count = 0
        self._people: set[str] = set()
        self.parts: list[Part] = []

    def write(self, text: str, people: Iterable[str] = ()) -> None:
        """Add one resource, and who it is about."""
        if self._file is None:
            self._file = private_file(self._folder / self._name)
        self._file.write(one_line(text).encode() + b"\n")
        self._people.update(people)
        self._count += 1
        if self._count == self._lines:
            self.close()

    @property
    def _name(self) -> str:
        return f"{self._stem}.{len(self.parts) + 1}.ndjson"

    def close(self) -> None:
        """End the file at hand: on disk for good, with who is in it beside it."""
        if self._file is None:
            return
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        with private_file(people_of(self._folder / self._name)) as beside:
            beside.write("\n".join(sorted(self._people)).encode())
        self.parts.append(Part(self._name, self._kind, self._count))
        self._file, self._count, self._people = None, 0, set()


def private_file(path: Path) -> BinaryIO:
    """Open a new file that only its user can read."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def people_of(path: Path) -> Path:
    """The file beside ``path`` that names the patients whose data are in it, one a line."""
    return path.with_suffix(".people")


def patients_in(path: Path) -> tuple[str, ...]:
    """Ids of the patients whose data are in a file."""
    return tuple(people_of(path).read_text(encoding="utf-8").split())


class Files:
    """The files of all orders, below one folder.

    Args:
        root: that folder; made on first use.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def of(self, order: str, attempt: int) -> Path:
        """The folder of an attempt at an order."""
        return self._root / order / str(attempt)

    def received(self, order: str) -> Path:
        """The folder of what came with an order."""
        return self._root / order

    def begin(self, order: str, attempt: int) -> Path:
        """The empty folder of an attempt."""
        folder = self.of(order, attempt)
        shutil.rmtree(folder, ignore_errors=True)
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.mkdir(parents=True, mode=0o700)
        folder.parent.chmod(0o700)
        return folder

    def keep_only(self, order: str, attempt: int) -> None:
        """Delete what the other attempts at an order left behind."""
        for folder in (self._root / order).glob("[0-9]*"):
            if folder.name != str(attempt):
                shutil.rmtree(folder, ignore_errors=True)

    def delete(self, orders: Iterable[str]) -> None:
        """Delete every file of some orders."""
        for order in orders:
            shutil.rmtree(self._root / order, ignore_errors=True)

    def orders(self) -> list[str]:
        """The orders that have files."""
        return [path.name for path in self._root.glob("*-*") if path.is_dir()]
