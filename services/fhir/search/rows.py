"""From a value of a resource to what its index rows hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from services.fhir.search.moments import Span, period, span
from services.fhir.search.text import fit, normal

_NAME = ("text", "family", "given", "prefix", "suffix")
_ADDRESS = ("text", "line", "city", "district", "state", "postalCode", "country")
_PARTS = dict.fromkeys((*_NAME, *_ADDRESS))
"""Elements of a HumanName or an Address that are searched, and the text of anything else."""
INFINITE = 1e308
"""Bound of an amount that is only known to be more or less than something."""


def codes(value: Any, system: str) -> Iterator[tuple[str, str]]:
    """Yield (code, system) of a code, boolean, Coding, CodeableConcept, Identifier or contact."""
    if isinstance(value, bool):
        yield ("true" if value else "false"), ""
    elif isinstance(value, str):
        yield fit(value), system
    elif isinstance(value, Mapping):
        for coding in _list(value.get("coding")):
            yield from codes(coding, "")
        code = value.get("code", value.get("value"))
        if isinstance(code, str) and code:
            yield fit(code), fit(str(value.get("system", "")))


def wordings(value: Any) -> Iterator[str]:
    """Yield the texts that stand beside a code: of the concept, its codings, an identifier's type.

    They are what ``:text`` looks into.
    """
    if not isinstance(value, Mapping):
        return
    for text in (value.get("text"), value.get("display")):
        if isinstance(text, str):
            yield text
    for below in (*_list(value.get("coding")), value.get("type")):
        yield from wordings(below)


def strings(value: Any) -> Iterator[str]:
    """Yield every text of a string, HumanName or Address that is searched."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name in _PARTS:
            for text in _list(value.get(name)):
                if isinstance(text, str):
                    yield text


def string(text: str) -> tuple[str, str] | None:
    """Return (normal form, exact form), None where nothing is left to search for."""
    folded = normal(text)
    return (folded, fit(text)) if folded else None


def spans(value: Any) -> Iterator[Span]:
    """Yield the spans of a date, dateTime, instant, Period or Timing."""
    found = span(value) or period(value)
    if found is not None:
        yield found
    elif isinstance(value, Mapping):
        for event in _list(value.get("event")):
            yield from spans(event)
        repeat = value.get("repeat")
        if isinstance(repeat, Mapping):
            yield from spans(repeat.get("boundsPeriod"))


def amounts(value: Any) -> Iterator[tuple[float, float, str, str, str]]:
    """Yield (low, high, system, code, unit) of a number, Quantity, Range or SampledData."""
    if isinstance(value, bool):
        return
    if isinstance(value, int | float):
        yield float(value), float(value), "", "", ""
    elif isinstance(value, Mapping) and isinstance(value.get("value"), int | float):
        low = high = float(value["value"])
        comparator = value.get("comparator", "")
        low = -INFINITE if comparator.startswith("<") else low
        high = INFINITE if comparator.startswith(">") else high
        yield low, high, *_unit(value)
    elif isinstance(value, Mapping):
        low_end = value.get("low", value.get("lowerLimit"))
        high_end = value.get("high", value.get("upperLimit"))
        if low_end is not None or high_end is not None:
            low, high = _end(low_end, -INFINITE), _end(high_end, INFINITE)
            named = value.get("origin") or low_end or high_end
            yield low, high, *_unit(named if isinstance(named, Mapping) else {})


def _end(value: Any, otherwise: float) -> float:
    value = value.get("value") if isinstance(value, Mapping) else value
    return float(value) if isinstance(value, int | float) else otherwise


def _unit(value: Mapping[str, Any]) -> tuple[str, str, str]:
    code, unit = str(value.get("code", value.get("currency", ""))), str(value.get("unit", ""))
    return fit(str(value.get("system", ""))), fit(code)[:200], fit(unit)[:200]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
