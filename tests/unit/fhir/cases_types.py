"""Cases of the invariants of data types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.unit.fhir.cases_base import UCUM, YEARS, Case, Resource, valued


def of_types() -> Iterator[Case]:
    """Cases of data types: (key, name of the value, kept, broken)."""
    table: list[tuple[str, str, Resource, Resource]] = [
        ("age-1", "valueAge", YEARS, {"value": 5}),
        ("age-1", "valueAge", YEARS, {**YEARS, "system": "http://example.org"}),
        ("age-1", "valueAge", YEARS, {**YEARS, "value": 0}),
        ("att-1", "valueAttachment", {"data": "eA==", "contentType": "a/b"}, {"data": "eA=="}),
        ("cpt-2", "valueContactPoint", {"system": "phone", "value": "1"}, {"value": "1"}),
        ("cnt-3", "valueCount", {"value": 2, "system": UCUM, "code": "1"}, {"value": 2}),
        (
            "cnt-3",
            "valueCount",
            {"value": 2, "system": UCUM, "code": "1"},
            {"value": 2.5, "system": UCUM, "code": "1"},
        ),
        ("dis-1", "valueDistance", {"value": 2, "system": UCUM, "code": "m"}, {"value": 2}),
        (
            "drt-1",
            "valueDuration",
            {"value": 2, "system": UCUM, "code": "h"},
            {"value": 2, "system": "http://example.org", "code": "h"},
        ),
        ("drt-1", "valueDuration", {"unit": "h"}, {"system": UCUM, "code": "h"}),
        (
            "exp-1",
            "valueExpression",
            {"language": "text/cql", "expression": "1"},
            {"language": "text/cql"},
        ),
        (
            "per-1",
            "valuePeriod",
            {"start": "2020", "end": "2020-01"},
            {"start": "2021", "end": "2020"},
        ),
        (
            "per-1",
            "valuePeriod",
            {"start": "2020-01-01T10:00:00+02:00", "end": "2020-01-01T09:00:00Z"},
            {"start": "2020-01-01T10:00:00Z", "end": "2020-01-01T10:00:00+02:00"},
        ),
        ("qty-3", "valueQuantity", {"code": "a", "system": UCUM}, {"code": "a"}),
        ("rat-1", "valueRatio", {"numerator": YEARS, "denominator": YEARS}, {"numerator": YEARS}),
        (
            "rng-2",
            "valueRange",
            {"low": {"value": 1}, "high": {"value": 1}},
            {"low": {"value": 2}, "high": {"value": 1}},
        ),
        (
            "rng-2",
            "valueRange",
            {"low": {"value": 2, "unit": "m"}, "high": {"value": 1, "unit": "km"}},
            {"low": {"value": 2, "unit": "m"}, "high": {"value": 1, "unit": "m"}},
        ),
        (
            "sqty-1",
            "valueRange",
            {"low": {"value": 1}},
            {"low": {"value": 1, "comparator": "<"}},
        ),
        (
            "trd-1",
            "valueTriggerDefinition",
            _trigger("periodic", timingDate="2020"),
            _trigger("data-added", data=_DATA, timingDate="2020"),
        ),
        (
            "trd-2",
            "valueTriggerDefinition",
            _trigger("data-added", data=_DATA, condition=_WHEN),
            _trigger("named-event", name="x", condition=_WHEN),
        ),
        (
            "trd-3",
            "valueTriggerDefinition",
            _trigger("named-event", name="x"),
            _trigger("named-event"),
        ),
        (
            "trd-3",
            "valueTriggerDefinition",
            _trigger("data-added", data=_DATA),
            _trigger("data-added"),
        ),
        (
            "drq-1",
            "valueDataRequirement",
            {"type": "Patient", "codeFilter": [{"path": "x"}]},
            {"type": "Patient", "codeFilter": [{"valueSet": "http://example.org/v"}]},
        ),
        (
            "drq-2",
            "valueDataRequirement",
            {"type": "Patient", "dateFilter": [{"path": "x"}]},
            {"type": "Patient", "dateFilter": [{"path": "x", "searchParam": "y"}]},
        ),
    ]
    for key, name, kept, broken in table:
        yield key, valued(**{name: kept}), valued(**{name: broken})
    yield "ext-1", valued(valueString="x"), valued()
    inner = {"extension": [{"url": "y", "valueCode": "z"}]}
    yield "ext-1", valued(**inner), valued(valueString="x", **inner)
    relative = valued(valueString="x")
    relative["extension"][0]["url"] = "said"
    yield "extension", valued(**inner), relative


_DATA = [{"type": "Patient"}]
_WHEN = {"language": "text/cql", "expression": "1"}


def _trigger(kind: str, /, **elements: Any) -> Resource:
    return {"type": kind, **elements}


def of_timing() -> Iterator[Case]:
    table: list[tuple[str, Resource, Resource]] = [
        ("tim-1", {"duration": 1, "durationUnit": "h"}, {"duration": 1}),
        ("tim-2", {"period": 1, "periodUnit": "d"}, {"period": 1}),
        ("tim-4", {"duration": 0, "durationUnit": "h"}, {"duration": -1, "durationUnit": "h"}),
        ("tim-5", {"period": 0, "periodUnit": "h"}, {"period": -1, "periodUnit": "h"}),
        ("tim-6", {"period": 1, "periodMax": 2, "periodUnit": "d"}, {"periodMax": 2}),
        ("tim-7", {"duration": 1, "durationMax": 2, "durationUnit": "h"}, {"durationMax": 2}),
        ("tim-8", {"count": 1, "countMax": 2}, {"countMax": 2}),
        ("tim-9", {"offset": 5, "when": ["ACM"]}, {"offset": 5}),
        ("tim-9", {"offset": 5, "when": ["ACM"]}, {"offset": 5, "when": ["CM"]}),
        ("tim-10", {"when": ["ACM"]}, {"when": ["ACM"], "timeOfDay": ["10:00:00"]}),
    ]
    for key, kept, broken in table:
        yield key, valued(valueTiming={"repeat": kept}), valued(valueTiming={"repeat": broken})
