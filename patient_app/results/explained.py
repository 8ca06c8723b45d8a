"""The results of a record as a page shows them: as recorded, drawn, compared, and explained.

Nothing is judged here. In or out of range is what the laboratory recorded; what a test is for are
sentences of a source; what changed is the difference of two recorded numbers in one unit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any, get_args

from patient_app.leaflets import Leaflets, told
from patient_app.member import Member
from patient_app.personal.conversions import System, converted
from services.consult.record import words
from services.consult.record.chart import Chart
from services.consult.record.facts import test_name
from services.consult.record.reading import Result, own_resources
from services.consult.record.results import number_text
from services.consult.record.trends import OutOfRange, Trend, flag_of, grouped, trends_of
from services.consult.record.units import alike
from services.web.curves import HEIGHT, LEFT, WIDTH, curve

_RANK: dict[OutOfRange | None, int] = {"critical": 0, "high": 1, "low": 1}
_SECTIONS = {"simple": ("what",), "standard": ("what", "why"), "detailed": ("what", "why", "risks")}
"""What is said of a test, by reading level."""
NO_TESTS = frozenset({"smoking", "gestation", "due_date", "fetal_sex"})
"""What a record holds as an Observation and nobody would look for among results."""
SAME = 1e-9
"""Share of a number below which a difference is none."""


def explained(member: Member, leaflets: Leaflets, today: date | None = None) -> dict[str, Any]:
    """Every test of a record, what is out of range first, then the newest.

    Args:
        member: whose record.
        leaflets: of tests.
        today: later results are left out; the present day when None.
    """
    chart = Chart(own_resources(member.resources()), today or datetime.now(UTC).date())
    profile = member.profile
    shown = [one for one in chart.results if one.test not in NO_TESTS]
    tests = [_test(found, chart, profile, leaflets) for found in grouped(shown)]
    newest_first = sorted(tests, key=lambda one: one["newest"]["day"] or "", reverse=True)
    return {
        "tests": sorted(newest_first, key=lambda one: _RANK.get(one["newest"]["flag"], 2)),
        "frame": {"width": WIDTH, "height": HEIGHT, "left": LEFT},
    }


def _test(
    found: Sequence[Result], chart: Chart, profile: dict[str, Any], leaflets: Leaflets
) -> dict[str, Any]:
    language, newest = profile["language"], found[0]
    before = next((one for one in found[1:] if one.ref != newest.ref), None)
    name = test_name(newest, language)
    return {
        "id": newest.ref.replace("/", "-") + f"-{newest.test or ''}",
        "name": name,
        "newest": _point(newest),
        "before": _before(newest, before),
        "range": {"span": newest.span, "target": newest.target} if newest.span else None,
        "curves": [_curve(trend) for trend in trends_of(found, language, name)],
        "points": [_point(one) for one in found],
        "units": list(_other_units(newest, profile["units"])),
        "about": _about(newest, chart, profile, leaflets),
    }


def _curve(trend: Trend) -> dict[str, Any]:
    """A trend with its marks placed, for the page that draws it."""
    placed = curve(trend, number_text)
    return {
        "first": trend.points[0].day,
        "last": trend.points[-1].day,
        "ranges": trend.ranges,
        "lines": placed.lines,
        "marks": [asdict(mark) for mark in placed.marks],
        "band": asdict(placed.band) if placed.band else None,
        "ticks": [asdict(tick) for tick in placed.ticks],
    }


def _point(result: Result) -> dict[str, Any]:
    return {
        "day": result.day,
        "value": result.value,
        "flag": flag_of(result),
        "within": result.flag == "normal",
        "preliminary": result.preliminary,
        "source": result.ref,
    }


def _before(newest: Result, before: Result | None) -> dict[str, Any] | None:
    """The result before, and by how much the newest differs where the two can be compared."""
    if before is None:
        return None
    said: dict[str, Any] = {"value": before.value, "day": before.day, "step": None, "by": None}
    if newest.number is None or before.number is None or not alike(newest.unit, before.unit):
        return said
    delta = newest.number - before.number
    if abs(delta) <= abs(newest.number) * SAME:
        return said | {"step": "same"}
    by = f"{number_text(round(abs(delta), 6))} {newest.unit}".strip()
    return said | {"step": "higher" if delta > 0 else "lower", "by": by}


def _other_units(result: Result, wanted: str) -> Iterator[str]:
    """The newest value in the units that the person thinks in."""
    named = f"{test_name(result, 'en')} {result.value}"
    for system in get_args(System):
        if system == wanted:
            yield from (other for _given, other in converted(named, system))


def _about(
    result: Result, chart: Chart, profile: dict[str, Any], leaflets: Leaflets
) -> dict[str, Any] | None:
    """What the test is for, of the knowledge on this device; None where it holds nothing."""
    entry = words.data("tests")["tests"].get(result.test or "", {})
    names = [str(entry["en"]), *entry["words"]] if entry else [result.name]
    topic = leaflets.topic(names, chart.person.age_years)
    if topic is None:
        return None
    level = profile["reading_level"]
    passages = told(topic, _SECTIONS[level], level, profile["language"])
    return {"title": topic.head.title, "passages": passages} if passages else None
