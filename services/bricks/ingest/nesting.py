"""How deep JSON is nested, told before a parser that would pay for every level reads it."""

from __future__ import annotations

import mmap
import re
from pathlib import Path

from services.bricks.ingest.errors import ItemError

DEEPEST = 64
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[{]|[\]}]|"', re.DOTALL)


def refuse_deep(path: Path) -> None:
    """Look through a file once, in time that grows with its length.

    Raises:
        ValueError: it is empty, or nested deeper than `DEEPEST`.
    """
    depth = 0
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as held:
        for token in _TOKEN.finditer(held):
            first = held[token.start()]
            if first in b"[{":
                depth += 1
                if depth > DEEPEST:
                    raise ValueError("nested too deeply")
            elif first in b"]}":
                depth -= 1
            elif token.end() - token.start() == 1:
                return  # a text without an end: whoever parses it says so


def refuse(path: Path) -> None:
    """The same for a file of items.

    Raises:
        ItemError: it is empty, or nested deeper than `DEEPEST`.
    """
    try:
        refuse_deep(path)
    except ValueError as error:
        raise ItemError(f"the JSON cannot be read: {error}") from error
