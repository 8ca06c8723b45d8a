"""Times of day of a record are moments; what tells no time, or no zone, is none."""

import pytest

from services.hospital.chart.described import describe
from services.hospital.chart.moments import moment_of
from services.hospital.portal.views import LOCALE
from services.web.i18n import COMMON, Catalogue

SAY = Catalogue.load(COMMON, LOCALE).translator("en")


@pytest.mark.parametrize(
    ("said", "iso"),
    [
        ("2026-12-01T14:00:00Z", "2026-12-01T14:00:00+00:00"),
        ("2026-12-01T14:00:00.250-05:00", "2026-12-01T14:00:00.250000-05:00"),
        ("2026-12-01T14:00+01:00", "2026-12-01T14:00:00+01:00"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59+00:00"),
    ],
)
def test_a_time_with_a_zone_is_a_moment(said, iso):
    assert moment_of(said).isoformat() == iso


@pytest.mark.parametrize(
    "said", ["2026", "2026-12", "2026-12-01", "2026-12-01T14:00:00", "2026-02-31T14:00:00Z", "soon"]
)
def test_what_tells_no_time_or_no_zone_is_none(said):
    assert moment_of(said) is None


def test_a_span_of_times_keeps_its_open_end():
    (row,) = describe({"period": {"start": "2026-12-01T14:00:00Z"}}, SAY)
    assert [one and one.isoformat() for one in row.moments] == ["2026-12-01T14:00:00+00:00", None]


@pytest.mark.parametrize(
    "resource",
    [
        {"period": {"start": "2026-12-01", "end": "2026-12-02T10:00:00Z"}},
        {"birthDate": "2026-12-01"},
        {"valueString": "at 2026-12-01T14:00:00Z"},
        {"telecom": {"value": "2026-12-01T14:00:00Z", "use": "home"}},
    ],
)
def test_words_that_are_more_or_less_than_times_stay_words(resource):
    (row,) = describe(resource, SAY)
    assert row.moments == ()
