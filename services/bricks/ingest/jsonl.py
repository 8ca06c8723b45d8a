"""JSON Lines: a question with its answer, or a passage, a line.

    {"question": "…", "answer": "…", "focus": "Asthma", "qtype": "symptoms", "url": "https://…"}
    {"title": "Asthma", "section": "symptoms", "text": "…", "date": "2026-01-31"}

`focus` or `title` names what it is about: a question is no name of a topic. `qtype`, `section` or
`heading` tells the section, else the wording of the question. The question itself is not kept.
Optional in both: `document` (lines with the same `collection`, `document` and title make one
topic), `url`, `date`, `publisher`, `kind`, `aliases`. Other fields are left alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, get_args

from services.bricks.ingest.clean import one_line
from services.bricks.ingest.errors import ItemError
from services.bricks.ingest.html import strip_markup
from services.bricks.ingest.item import Block, Document, Item, Source
from services.bricks.ingest.manifest import Manifest
from services.bricks.topic import Kind

MAX_LINE = 16 * 2**20
"""A longer line is refused, in bytes."""


def read_jsonl(source: Source, _pack: Manifest) -> Iterator[Item]:
    """One item a line; empty lines are passed over."""
    for number, line in numbered_lines(source.path):
        yield Item(f"{source.name}:{number}", line, partial(jsonl_document, line))


def numbered_lines(path: Path, limit: int = MAX_LINE) -> Iterator[tuple[int, bytes]]:
    """Lines that are not empty, with their numbers; one that is too long is cut at ``limit``."""
    with path.open("rb") as stream:
        number = 0
        while line := stream.readline(limit + 1):
            number += 1
            ended = line.endswith(b"\n")
            if line.strip():
                yield number, line[: limit + 1]
            while not ended and (more := stream.readline(limit)):
                ended = more.endswith(b"\n")


def json_object(raw: bytes, limit: int = MAX_LINE) -> dict[str, Any]:
    """A line as an object.

    Raises:
        ItemError: it is none.
    """
    if len(raw) > limit:
        raise ItemError(f"the line is longer than {limit >> 20} MiB")
    try:
        held = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ItemError("not JSON") from error
    if not isinstance(held, dict):
        raise ItemError("not a JSON object")
    return held


def jsonl_document(raw: bytes) -> Document:
    """The document, or part of one, that a line holds."""
    held = json_object(raw)
    question, answer = _text(held, "question"), _text(held, "answer")
    text = answer or _text(held, "text")
    if not text:
        raise ItemError("neither an answer nor a text")
    title = _text(held, "focus") or _text(held, "title")
    if not title:
        raise ItemError("nothing says what it is about (focus or title)")
    named = _text(held, "section") or _text(held, "heading") or _text(held, "qtype")
    block = Block((one_line(named or question or "overview"),), strip_markup(text))
    group = [_text(held, name) for name in ("collection", "document")]
    where = "/".join(group) if group[1] else _text(held, "url")
    return Document(
        key=f"{where}/{one_line(title).casefold()}",
        title=one_line(strip_markup(title)),
        blocks=(block,),
        kind=_kind(held),
        aliases=_aliases(held),
        url=_text(held, "url") or None,
        written=iso_date(held.get("date")),
        publisher=one_line(_text(held, "publisher")) or None,
    )


def iso_date(value: object) -> date | None:
    """The day of an ISO 8601 text; None where there is none.

    Raises:
        ItemError: it is there and is none.
    """
    if value in {None, ""}:
        return None
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError as error:
        raise ItemError("the date is not like 2026-01-31") from error


def _text(held: dict[str, Any], name: str) -> str:
    value = held.get(name)
    if value is None:
        return ""
    if not isinstance(value, str | int):
        raise ItemError(f"{name} is not a text")
    return str(value).strip()


def _kind(held: dict[str, Any]) -> Kind | None:
    given = _text(held, "kind")
    if given and given not in get_args(Kind):
        raise ItemError("kind is none of: " + ", ".join(get_args(Kind)))
    return given or None  # type: ignore[return-value]


def _aliases(held: dict[str, Any]) -> tuple[str, ...]:
    given = held.get("aliases") or ()
    if not isinstance(given, list | tuple) or not all(isinstance(a, str) for a in given):
        raise ItemError("aliases is not a list of texts")
    return tuple(one_line(a) for a in given if one_line(a))
