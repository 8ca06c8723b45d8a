"""Atom and RSS feeds: entries as lines for the reader of JSON Lines, or as notices."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import parse

from services.bricks.ingest.clean import one_line
from services.bricks.ingest.html import strip_markup
from services.learning.sources.marks import day_of

MOST_ENTRIES = 5000
_TEXTS = ("content", "encoded", "description", "summary")
_DATES = ("updated", "pubDate", "published", "date")


@dataclass(frozen=True)
class Entry:
    """One entry of a feed: ``key`` is its id at the source, ``date`` an ISO day."""

    key: str
    title: str
    url: str
    date: str | None
    text: str


def entries_of(path: Path) -> Iterator[Entry]:
    """The entries of a feed that have a title, in its order; document types are refused."""
    root = parse(str(path), forbid_dtd=True).getroot()
    found = [element for element in root.iter() if _name(element) in {"entry", "item"}]
    for element in found[:MOST_ENTRIES]:
        title = one_line(strip_markup(_text(element, ("title",))))
        if title:
            url = _link(element)
            key = _text(element, ("id", "guid")) or url or title
            day = day_of(_text(element, _DATES))
            yield Entry(key, title, url, day.isoformat() if day else None, _text(element, _TEXTS))


def as_lines(path: Path, out: Path) -> Path:
    """Write a feed as JSON Lines for `services.bricks.ingest`."""
    with out.open("w", encoding="utf-8") as stream:
        for entry in entries_of(path):
            held = {
                "title": entry.title,
                "text": entry.text,
                "document": entry.key,
                "url": entry.url or None,
                "date": entry.date,
            }
            stream.write(json.dumps(held) + "\n")
    return out


def _text(element: Element, names: tuple[str, ...]) -> str:
    for name in names:
        for child in element:
            if _name(child) == name:
                said = "".join(child.itertext()).strip()
                if said:
                    return said
    return ""


def _link(element: Element) -> str:
    links = [child for child in element if _name(child) == "link"]
    for link in sorted(links, key=lambda one: one.get("rel", "alternate") != "alternate"):
        url = (link.get("href") or link.text or "").strip()
        if url.startswith(("https://", "http://")):
            return one_line(url)[:500]
    return ""


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
