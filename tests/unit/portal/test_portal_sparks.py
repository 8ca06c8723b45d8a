"""A course as a small picture: within its frame, a line for each number, the newest at the end."""

from __future__ import annotations

import pytest

from services.consult.record.trends import Point, Trend
from services.hospital.portal.plots import SPARK_HEIGHT, SPARK_WIDTH, spark


def trend(*numbers, **more):
    """One result a month."""
    points = tuple(
        Point(day=f"2026-{month:02}-01", numbers=one, value=str(one), source=f"Observation/{month}")
        for month, one in enumerate(numbers, 1)
    )
    return Trend(name="Test", unit="mg", points=points, **more)


@pytest.mark.parametrize(
    "course",
    [
        trend((5.0,), (7.0,)),
        trend((5.0,), (5.0,)),
        trend((0.0,), (0.0,), (0.0,)),
        trend((54.0,), (47.0,), low=60.0),
        trend((88.0,), (121.0,), high=100.0),
        trend((152.0, 90.0), (138.0, 84.0), (140.0, 80.0)),
    ],
)
def test_a_course_stays_within_its_frame(course):
    drawn = spark(course)
    assert len(drawn.lines) == len(drawn.ends) == len(course.points[0].numbers)
    for line in drawn.lines:
        places = [tuple(map(float, pair.split(","))) for pair in line.split()]
        assert len(places) == len(course.points)
        assert all(0 <= x <= SPARK_WIDTH and 0 <= y <= SPARK_HEIGHT for x, y in places)
    if drawn.band:
        top, height = drawn.band
        assert 0 <= top <= top + height <= SPARK_HEIGHT


def test_what_rises_ends_higher_and_the_newest_stands_at_the_right():
    (line,) = spark(trend((1.0,), (2.0,), (3.0,))).lines
    first, *_, last = [tuple(map(float, pair.split(","))) for pair in line.split()]
    assert last[0] > first[0]
    assert last[1] < first[1]


def test_two_numbers_of_one_reading_keep_to_their_own_lines():
    upper, lower = spark(trend((152.0, 90.0), (138.0, 84.0))).ends
    assert upper[1] < lower[1]
