"""Results of the record: Observations with a value, their reference range and their flag."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from services.consult.record.reading import Result, codes, day_of, label
from services.consult.record.words import loinc_tests

_HIGH = {"H", "HH", "HU", ">"}
_LOW = {"L", "LL", "LU", "<"}
_CRITICAL = {"HH", "LL", "AA", "HU", "LU"}
_ABNORMAL = {"A", "AA"}
_NAMED_RANGES = {"therapeutic", "treatment", "recommended"}

MILLION = 10**6
"""From here on a number is said with all its digits, never as 1.2e+06."""
SEVERE_SYSTOLIC, SEVERE_DIASTOLIC = 180, 120
"""Blood pressure from which a reading is severe, in mmHg (American Heart Association, 2017)."""


def read_results(resources: Iterable[Mapping[str, Any]]) -> list[Result]:
    """Return the results that have a value, newest first."""
    found = [
        result
        for item in resources
        if item.get("resourceType") == "Observation"
        for result in _results(item)
    ]
    return sorted(found, key=lambda r: (r.day or "", r.ref), reverse=True)


def _results(item: Mapping[str, Any]) -> Iterator[Result]:
    if item.get("status") not in {"final", "amended", "corrected", "preliminary"}:
        return
    test = next(
        (loinc_tests()[c] for c in sorted(codes(item.get("code"))) if c in loinc_tests()), None
    )
    pressure = _pressure(item)
    if pressure:
        yield _result(item, item, test or "blood_pressure", pressure)
    elif (value := _value(item)) is not None:
        yield _result(item, item, test, value)
    else:
        for part in item.get("component", ()):
            inner = next(
                (loinc_tests()[c] for c in sorted(codes(part.get("code"))) if c in loinc_tests()),
                None,
            )
            if (value := _value(part)) is not None:
                yield _result(item, part, inner, value)


def _result(
    item: Mapping[str, Any], part: Mapping[str, Any], test: str | None, value: str
) -> Result:
    quantity = part.get("valueQuantity") or {}
    exact = not quantity.get("comparator")
    number = float(quantity["value"]) if "value" in quantity and exact else None
    low, high, span, target = _range(part)
    said = codes_of_interpretation(part)
    return Result(
        f"Observation/{item.get('id', 'unknown')}",
        label(part.get("code")),
        day_of(item, "effectiveDateTime", "effectivePeriod", "effectiveInstant", "issued"),
        test,
        value,
        number,
        str(quantity.get("unit") or quantity.get("code") or ""),
        span,
        target,
        _flag(said, number, low, high),
        bool(said & _CRITICAL) or _is_severe_pressure(value),
        item.get("status") == "preliminary",
        low,
        high,
        _numbers_of_pressure(value),
    )


def codes_of_interpretation(part: Mapping[str, Any]) -> set[str]:
    """Return the interpretation codes of an Observation or component."""
    return {code for concept in part.get("interpretation", ()) for code in codes(concept)}


def number_text(value: float) -> str:
    """Return a number without a needless fraction: 47.0 is said as 47."""
    exact = float(value)
    return f"{exact:.{6 if abs(exact) < MILLION else 15}g}"


def _pressure(item: Mapping[str, Any]) -> str | None:
    parts = {c: p for p in item.get("component", ()) for c in codes(p.get("code"))}
    upper, lower = (parts.get(code, {}).get("valueQuantity") for code in ("8480-6", "8462-4"))
    if not upper or not lower or "value" not in upper or "value" not in lower:
        return None
    return f"{number_text(upper['value'])}/{number_text(lower['value'])} mmHg"


def _numbers_of_pressure(value: str) -> tuple[float, ...]:
    """Systolic and diastolic pressure of a reading's text; () for any other text."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)/(\d+(?:\.\d+)?) mmHg", value)
    return (float(found[1]), float(found[2])) if found else ()


def _is_severe_pressure(value: str) -> bool:
    pair = _numbers_of_pressure(value)
    return bool(pair) and (pair[0] >= SEVERE_SYSTOLIC or pair[1] >= SEVERE_DIASTOLIC)


def _value(part: Mapping[str, Any]) -> str | None:
    quantity = part.get("valueQuantity")
    if quantity and "value" in quantity:
        unit = quantity.get("unit") or quantity.get("code") or ""
        sign = quantity.get("comparator", "")
        return f"{sign}{number_text(quantity['value'])} {unit}".strip()
    if "valueCodeableConcept" in part:
        return label(part["valueCodeableConcept"]) or None
    for name in ("valueString", "valueInteger"):
        if name in part:
            return str(part[name])
    return None


def _range(part: Mapping[str, Any]) -> tuple[float | None, float | None, str | None, bool]:
    unit = (part.get("valueQuantity") or {}).get("unit")
    for span in part.get("referenceRange", ()):
        low, high = span.get("low") or {}, span.get("high") or {}
        if any(b.get("unit", unit) != unit for b in (low, high)):
            continue
        bounds = (low.get("value"), high.get("value"))
        target = bool(codes(span.get("type")) & _NAMED_RANGES)
        if bounds != (None, None):
            return *bounds, _span_text(*bounds), target
        if span.get("text"):
            return None, None, str(span["text"]), target
    return None, None, None, False


def _span_text(low: float | None, high: float | None) -> str:
    if low is None:
        return f"≤ {number_text(high or 0)}"
    if high is None:
        return f"≥ {number_text(low)}"
    return f"{number_text(low)} – {number_text(high)}"  # noqa: RUF001  # an en dash between numbers


def _flag(
    said: set[str], number: float | None, low: float | None, high: float | None
) -> str | None:
    if said & _HIGH:
        return "high"
    if said & _LOW:
        return "low"
    if number is not None and high is not None and number > high:
        return "high"
    if number is not None and low is not None and number < low:
        return "low"
    if said & _ABNORMAL:  # the laboratory says so, whatever the range beside it
        return None
    known = "N" in said or (number is not None and (low is not None or high is not None))
    return "normal" if known else None
