"""What happened, by day and the newest first: one year of a record, all of it or one kind.

The years are counted over the whole record, so that nobody looks in vain; only the year that is
shown is read in full. Results of one day are one entry, those out of range named first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from services.consult.messages import Message
from services.consult.record.facts import test_name
from services.consult.record.reading import Result, day_of, label, ref_of
from services.consult.record.trends import flag_of
from services.hospital.chart.events import visit_line
from services.hospital.chart.models import Line
from services.hospital.chart.view import View
from services.hospital.chart.years import DATES, KIND_OF, KINDS, Kind, Year

_NAMES = ("code", "medicationCodeableConcept", "vaccineCode", "type", "topic")
NAMED = 6
"""Results of one day that are named beside other entries, or all that are out of range where those
are more; the rest is counted, and named where results alone are asked for."""


class Entry(Message):
    """One entry of a day: what, of which kind, and the resources that say so.

    ``left`` counts results of the day that the line does not name.
    """

    kind: Kind
    line: Line
    left: int = 0


class Day(Message):
    """The entries of one day (or of a month or year, where the record says no more)."""

    day: str
    entries: tuple[Entry, ...] = Field(min_length=1)


class Timeline(Message):
    """One year; ``years`` counts the resources of each year, the newest first."""

    year: int | None = None
    kind: Kind | None = None
    years: tuple[tuple[int, int], ...] = ()
    days: tuple[Day, ...] = ()


def timeline(view: View, year: Year) -> Timeline:
    """Say a year that was read."""
    by_day: dict[str, list[Entry]] = {}
    for entry in (*_results(view, whole=year.kind == "results"), *_others(view)):
        by_day.setdefault(str(entry.line.day), []).append(entry)
    return Timeline(
        year=year.year,
        kind=year.kind,
        years=tuple(sorted(year.counts.items(), reverse=True)),
        days=tuple(
            Day(day=day, entries=tuple(sorted(found, key=lambda one: KINDS.index(one.kind))))
            for day, found in sorted(by_day.items(), reverse=True)
        ),
    )


def _results(view: View, *, whole: bool) -> Iterator[Entry]:
    """The results of each day as one entry, those out of range first; ``whole`` names them all."""
    by_day: dict[str, list[Result]] = {}
    for result in view.chart.results:
        if result.day:
            by_day.setdefault(result.day[:10], []).append(result)
    for day, found in by_day.items():
        ordered = sorted(found, key=lambda one: flag_of(one) is None)
        out = sum(flag_of(one) is not None for one in found)
        critical = any(one.critical for one in found)
        named = ordered if whole else ordered[: max(NAMED, out)]
        said = "; ".join(
            view.say("result.value", name=test_name(one, view.language), value=one.value)
            for one in named
        )
        yield Entry(
            kind="results",
            left=len(found) - len(named),
            line=Line(
                text=view.say("timeline.results", count=len(found)),
                detail=" ".join([*([view.say("timeline.out", count=out)] if out else []), said]),
                sources=tuple(dict.fromkeys(one.ref for one in named)),
                day=day,
                flag="critical" if critical else None,
            ),
        )


def _others(view: View) -> Iterator[Entry]:
    for resource in view.record.resources:
        kind = KIND_OF.get(resource["resourceType"])
        if kind is None or kind == "results":
            continue
        if kind == "visits":
            line = visit_line(view, resource)
        else:
            line = Line(
                text=_name(view, resource),
                sources=(ref_of(resource),),
                day=day_of(resource, *DATES),
                detail=_state(view, resource),
            )
        if line.day:
            yield Entry(kind=kind, line=line.model_copy(update={"day": line.day[:10]}))


def _name(view: View, resource: Mapping[str, Any]) -> str:
    """What an entry is called, as recorded."""
    named = next((said for key in _NAMES if (said := label(resource.get(key)))), "")
    referred = str((resource.get("medicationReference") or {}).get("reference", ""))
    medicine = view.by_ref.get(referred, {})
    return (
        named
        or label(medicine.get("code"))
        or str(resource.get("description") or "")
        or view.say("unnamed")
    )


def _state(view: View, resource: Mapping[str, Any]) -> str | None:
    """What an order or a document says of itself beside its name."""
    ended = day_of(resource, "abatementDateTime")
    said = (
        label(resource.get("statusReason")),
        str(resource.get("conclusion") or ""),
        view.say("timeline.ended", day=ended) if ended else "",
    )
    return " ".join(part for part in said if part) or None
