"""MedlinePlus health-topic XML: a topic an element, its summary as HTML.

Read topic by topic. Entities and document types are refused (defusedxml). Topics in another
language than the pack's are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from functools import partial
from xml.etree.ElementTree import Element, ParseError, tostring

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring, iterparse

from services.bricks.ingest.clean import one_line
from services.bricks.ingest.errors import ItemError
from services.bricks.ingest.html import html_blocks
from services.bricks.ingest.item import Document, Item, Source
from services.bricks.ingest.manifest import Manifest
from services.bricks.topic import Kind

_LANGUAGES = {"English": "en", "Spanish": "es"}
_GROUPS: tuple[tuple[str, Kind], ...] = (
    ("Diagnostic Tests", "test"),
    ("Drug Therapy", "medicine"),
    ("Symptoms", "symptom"),
    ("Fitness and Exercise", "prevention"),
    ("Wellness and Lifestyle", "prevention"),
    ("Safety Issues", "prevention"),
    ("Health System", "care"),
    ("Personal Health Issues", "care"),
)
"""Groups of topics that tell the kind, the first that a topic belongs to."""


def read_medlineplus(source: Source, pack: Manifest) -> Iterator[Item]:
    """Every health topic of a file."""
    try:
        topics = iterparse(str(source.path), events=("start", "end"), forbid_dtd=True)
        _, root = next(topics)
        if root.tag != "health-topics":
            raise ItemError("its first element is not health-topics")
        made = _us_date(root.get("date-generated", ""))
        for event, element in topics:
            if event == "end" and element.tag == "health-topic":
                raw = tostring(element)
                place = f"{source.name}: topic {element.get('id', '?')}"
                yield Item(place, raw, partial(topic_document, raw, made, pack.language))
                root.clear()  # else the whole file would be kept
    except (ParseError, DefusedXmlException) as error:
        raise ItemError(f"the XML cannot be read further: {error}") from error


def topic_document(raw: bytes, made: date | None, language: str) -> Document | None:
    """The document of one ``health-topic``; None if it is in another language.

    Args:
        raw: the element.
        made: day on which the file was made; it dates the topics.
        language: the pack's.
    """
    element = fromstring(raw)
    if _LANGUAGES.get(element.get("language", "")) != language:
        return None
    title, summary = one_line(element.get("title", "")), element.findtext("full-summary") or ""
    if not title or not summary.strip():
        raise ItemError("no title or no summary")
    return Document(
        key=element.get("id") or title,
        title=title,
        blocks=html_blocks(f"<body>{summary}</body>")[1],
        kind=_kind(element),
        aliases=tuple(one_line(a.text or "") for a in element.findall("also-called") if a.text),
        url=element.get("url"),
        written=made or _us_date(element.get("date-created", "")),
    )


def _kind(element: Element) -> Kind | None:
    groups = {g.text for g in element.findall("group")}
    return next((kind for name, kind in _GROUPS if name in groups), None)


def _us_date(text: str) -> date | None:
    found = re.match(r"(\d\d)/(\d\d)/(\d{4})", text)
    if found is None:
        return None
    month, day, year = (int(part) for part in found.groups())
    return date(year, month, day)
