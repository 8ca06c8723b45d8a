"""What a file says of itself: the day it was made, and the licence it is under.

Only what is said in one known place of each format counts. XML with a document type or entities is
refused before anything is expanded.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

import ijson
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse, parse

from services.bricks.ingest.nesting import refuse_deep
from services.learning.sources.catalogue import Format
from services.learning.sources.errors import SourceRefusedError

MAX_MARK = 500
"""Characters of a licence's words that are looked at."""
_RIGHTS = frozenset({"rights", "copyright", "license", "licence"})
_DATES = frozenset({"updated", "lastBuildDate", "pubDate", "published", "date"})


@dataclass(frozen=True)
class Marks:
    """Day on which the material was made, if it says one; every word it says of its licence."""

    dated: dt.date | None = None
    licence: tuple[str, ...] = ()


def marks_of(path: Path, kind: Format) -> Marks:
    """What a file says of itself.

    Raises:
        SourceRefusedError: it is not in this format at all.
    """
    read: Callable[[Path], Marks] = {
        "openfda": _openfda,
        "medlineplus": _medlineplus,
        "feed": feed_marks,
    }[kind]
    try:
        return read(path)
    except (ParseError, DefusedXmlException, ijson.JSONError, RecursionError, ValueError) as error:
        raise SourceRefusedError(
            f"The file is not {kind} as it has to be ({type(error).__name__}).", reason="malformed"
        ) from None


def _openfda(path: Path) -> Marks:
    refuse_deep(path)
    with path.open("rb") as stream:
        held = None
        for found in ijson.items(stream, "meta"):  # to the end: what is cut off is not taken
            held = held or found
    if not isinstance(held, dict):
        raise ValueError("no meta")  # noqa: TRY004 - it is the file that is wrong
    said = tuple(_short(held[name]) for name in ("license", "terms") if held.get(name))
    found = re.match(r"\d{4}-\d{2}-\d{2}", str(held.get("last_updated") or ""))
    return Marks(dt.date.fromisoformat(found[0]) if found else None, said)


def _medlineplus(path: Path) -> Marks:
    steps = iterparse(str(path), events=("start", "end"), forbid_dtd=True)
    _, root = next(steps)
    if _name(root) != "health-topics":
        raise ValueError("other root")
    said = tuple(_short(root.get(name)) for name in sorted(_RIGHTS) if root.get(name))
    found = re.match(r"(\d\d)/(\d\d)/(\d{4})", root.get("date-generated", ""))
    for event, element in steps:  # to the end: what is cut off is not taken
        if event == "end" and _name(element) == "health-topic":
            root.clear()  # else the whole file would be kept
    day = dt.date(int(found[3]), int(found[1]), int(found[2])) if found else None
    return Marks(day, said)


def feed_marks(path: Path) -> Marks:
    """What an Atom or RSS feed says of itself: the latest date in it, and all rights named."""
    root = parse(str(path), forbid_dtd=True).getroot()
    if _name(root) not in {"feed", "rss", "RDF"}:
        raise ValueError("other root")
    licence, days = [], []
    for element in root.iter():
        name = _name(element)
        if name in _RIGHTS:
            licence.append(_short(element.text or element.get("href") or _resource(element)))
        elif name == "link" and element.get("rel") == "license":
            licence.append(_short(element.get("href")))
        elif name in _DATES and (day := day_of(element.text or "")):
            days.append(day)
    said = tuple(dict.fromkeys(one for one in licence if one))
    return Marks(max(days, default=None), said)


def day_of(text: str) -> dt.date | None:
    """The day in a date of Atom (RFC 3339) or RSS (RFC 822); None when it is neither."""
    plain = text.strip()
    try:
        return dt.date.fromisoformat(plain[:10])
    except ValueError:
        pass
    try:
        return parsedate_to_datetime(plain).date()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _resource(element: Element) -> str:
    return next((v for k, v in element.attrib.items() if k.endswith("resource")), "")


def _short(value: object) -> str:
    return " ".join(str(value or "").split())[:MAX_MARK]
