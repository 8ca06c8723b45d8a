"""Which reader a file needs, told from its name and how it begins."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from services.bricks.ingest.errors import ItemError
from services.bricks.ingest.fhir import read_fhir
from services.bricks.ingest.html import read_html
from services.bricks.ingest.item import Reader, Source
from services.bricks.ingest.jsonl import read_jsonl
from services.bricks.ingest.markdown import read_markdown
from services.bricks.ingest.medlineplus import read_medlineplus
from services.bricks.ingest.openfda import read_openfda
from services.bricks.ingest.pdf import read_pdf

READERS: dict[str, Reader] = {
    "markdown": read_markdown,
    "html": read_html,
    "pdf": read_pdf,
    "jsonl": read_jsonl,
    "fhir": read_fhir,
    "medlineplus": read_medlineplus,
    "openfda": read_openfda,
}
"""How each format is read, by the name that ``--format`` takes."""
_SUFFIXES = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".pdf": "pdf",
}
_HEAD = 64 * 1024
"""How much of a file is looked at, in bytes."""
_FHIR = re.compile(rb'"resourceType"\s*:')


def format_of(path: Path) -> str | None:
    """The format of a file, or None."""
    suffix = path.suffix.lower()
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if suffix in {".jsonl", ".ndjson"}:
        return "fhir" if _FHIR.search(head.split(b"\n", 1)[0]) else "jsonl"
    if suffix == ".json":
        return "fhir" if _FHIR.search(head) else "openfda" if b'"results"' in head else None
    if suffix == ".xml" and b"<health-topics" in head:
        return "medlineplus"
    return None


def reader_of(path: Path, wanted: str = "auto") -> Reader:
    """The reader for a file.

    Raises:
        ItemError: the format is not known.
    """
    name = format_of(path) if wanted == "auto" else wanted
    if name is None or name not in READERS:
        raise ItemError("the format is not known; say it with --format")
    return READERS[name]


def files_of(given: Iterable[Path]) -> Iterator[Source]:
    """Every file that was named, or lies in a folder that was; hidden ones are passed over.

    So are links out of such a folder: material from elsewhere must not name files of this machine.
    """
    for place in given:
        if not place.is_dir():
            yield Source(place)
            continue
        home = place.resolve()
        for path in sorted(place.rglob("*")):
            below = path.relative_to(place).parts
            inside = not path.is_symlink() or path.resolve().is_relative_to(home)
            if inside and path.is_file() and not any(part.startswith(".") for part in below):
                yield Source(path, place)
