"""Sources and changes as people and programs see them: a line, or all there is."""

from __future__ import annotations

import datetime as dt
from typing import Any

from services.bricks.errors import BrickError
from services.learning.models import KnowledgeChange
from services.learning.sources.catalogue import Listed
from services.learning.sources.service import Sources
from services.learning.sources.states import State

WORDS = ("id", "title", "publisher", "becomes", "format", "attribution", "every_hours")


def overview(sources: Sources) -> list[dict[str, Any]]:
    """Every source with how fetching stands: its health, its age, what waits."""
    return [health(sources, source) for source in sources.catalogue.sources]


def health(sources: Sources, source: Listed) -> dict[str, Any]:
    """One source; ``health`` is off, never, failing, old or well.

    A source is old when it was not heard of for twice as long as it is asked.
    """
    row, now = sources.book.standing(source.id), sources.fetcher.now()
    age = (now - row.fetched).total_seconds() / 3600 if row.fetched else None
    refs = sources.shop.store.refs(source.id)
    waiting = [one for one in sources.book.live(source.id) if one.state == State.WAITING]
    allowed = sources.allowed(source)
    if row.failures:
        said = "failing"
    elif age is None:
        said = "never" if allowed else "off"
    elif age > 2 * source.every_hours:
        said = "old"
    else:
        said = "well" if allowed else "off"
    return {
        **{name: getattr(source, name) for name in WORDS},
        "licence": source.licence.name,
        "terms": source.licence.terms,
        "reviewed": source.licence.reviewed.isoformat() if source.licence.reviewed else None,
        "allowed": allowed,
        "health": said,
        "age_hours": None if age is None else round(age, 1),
        "fetched": _moment(row.fetched),
        "tried": _moment(row.tried),
        "due": _moment(row.due) if allowed else None,
        "failures": row.failures,
        "error": row.error,
        "snapshot": row.snapshot,
        "brick": refs[-1] if refs else None,
        "waiting": [one.id for one in waiting],
    }


def summary(row: KnowledgeChange) -> dict[str, Any]:
    """A change as a line of a list."""
    return {
        "id": row.id,
        "source": row.source,
        "state": str(row.state),
        "snapshot": row.snapshot,
        "candidate": row.candidate,
        "former": row.former,
        "brick": row.brick,
        "counts": row.counts or {},
        "error": row.error,
        "made": _moment(row.made),
        "changed": _moment(row.changed),
    }


def detail(sources: Sources, change: str) -> dict[str, Any]:
    """All there is of a change: its report, and what people said.

    ``report`` is None before it was checked, and where its file is gone.

    Raises:
        NotFoundError: there is no such change.
    """
    row = sources.book.get(change)
    try:
        report = sources.candidates.report(row.candidate) if row.candidate else None
    except BrickError:
        report = None
    return {
        **summary(row),
        "criteria": row.criteria or [],
        "kept": row.kept or [],
        "by": row.by,
        "note": row.note,
        "decided": _moment(row.decided),
        "report": report,
    }


def _moment(value: dt.datetime | None) -> str | None:
    return value.isoformat(timespec="seconds") if value else None
