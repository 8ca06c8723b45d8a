"""What a reader hands on: items, each of which reads itself into a document when asked.

The raw bytes of an item decide whether it was read before; reading is put off until it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

from services.bricks.ingest.manifest import Manifest
from services.bricks.topic import Kind


@dataclass(frozen=True)
class Source:
    """A file; ``root`` is the folder that was named when the file lies in one."""

    path: Path
    root: Path | None = None

    @cached_property
    def name(self) -> str:
        """How reports and keys call it: its place below the root, else its own name."""
        return self.path.relative_to(self.root).as_posix() if self.root else self.path.name


@dataclass(frozen=True)
class Block:
    """Text under a heading.

    ``headings`` from the outermost to the innermost; ``text`` has a paragraph or list item a line.
    A reader that knows the section itself (a label's field) says so.
    """

    headings: tuple[str, ...]
    text: str
    section: str | None = None


@dataclass(frozen=True)
class Document:
    """A document, or a part of one: parts with the same ``key`` become one topic.

    What is None or empty is taken from the pack's manifest.
    """

    key: str
    title: str
    blocks: tuple[Block, ...]
    kind: Kind | None = None
    aliases: tuple[str, ...] = ()
    url: str | None = None
    written: date | None = None
    publisher: str | None = None


@dataclass(frozen=True)
class Item:
    """One element of a file.

    Attributes:
        place: file and line or element, for reports.
        raw: what it is made of.
        read: makes the document; None when it is not meant for this pack (another language).
            Raises ItemError.
    """

    place: str
    raw: bytes
    read: Callable[[], Document | None]


Reader = Callable[[Source, Manifest], Iterator[Item]]
"""Gives the items of a file, one after the other; raises ItemError when it cannot go on."""
