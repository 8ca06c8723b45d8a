"""When a row of the index matches a value: what kinds, prefixes and modifiers mean in SQL."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, true

from services.fhir.search.moments import Span
from services.fhir.search.text import fit
from services.fhir.search.values import (
    AmountValue,
    DateValue,
    TextValue,
    TokenValue,
    UriValue,
    Value,
)

LAST = "\U0010ffff"
"""Sorts behind every other character."""
_ABOUT = 0.1
"""How far ``ap`` reaches, as a share of the value (of a date: of its distance from now)."""
Condition = ColumnElement[bool]


def matches(table: Any, value: Value, modifier: str) -> Condition:
    """Return the condition on a row of the index (not on references) for one value."""
    if modifier == "text":
        return _worded(table, value)
    return _MATCHES[type(value)](table, value, modifier)


def _token(table: Any, value: TokenValue, _modifier: str) -> Condition:
    wanted = [] if value.code is None else [table.code == value.code]
    if value.system is not None:
        wanted.append(table.system == value.system)
    return and_(*wanted)


def _worded(table: Any, value: Any) -> Condition:
    """Whether some word of the text begins so."""
    return or_(
        table.value.startswith(value.normal, autoescape=True),
        _contains(table.value, f" {value.normal}"),
    )


def _text(table: Any, value: TextValue, modifier: str) -> Condition:
    if modifier == "exact":
        return and_(table.value == value.normal, table.exact == value.exact)
    if modifier == "contains":
        return _contains(table.value, value.normal)
    return and_(table.value >= value.normal, table.value < value.normal + LAST)


def _contains(column: Any, text: str) -> Condition:
    return column.contains(text, autoescape=True)  # type: ignore[no-any-return]


def _uri(table: Any, value: UriValue, modifier: str) -> Condition:
    uri = value.uri
    if modifier == "below":
        stem = uri.rstrip("/") + "/"
        return or_(table.code == fit(uri), and_(table.code >= stem, table.code < stem + LAST))
    if modifier == "above":
        parts = uri.split("/")
        over = ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]
        return table.code.in_(over)  # type: ignore[no-any-return]
    return table.code == fit(uri)  # type: ignore[no-any-return]


def canonical(table: Any, value: Any) -> Condition:
    """Return the condition that a canonical is the one asked for, in any version if none is."""
    if "|" in value.uri:
        return table.code == fit(value.uri)  # type: ignore[no-any-return]
    stem = f"{value.uri}|"
    versioned = and_(table.code >= stem, table.code < stem + LAST)
    return or_(table.code == fit(value.uri), versioned)


def compare_spans(low: Any, high: Any, value: DateValue) -> Condition:
    """Return how a span from ``low`` up to before ``high`` compares with ``value``."""
    first, end = value.span
    inside = and_(low >= first, low < end, high <= end)
    ways: Mapping[str, Callable[[], Condition]] = {
        "eq": lambda: inside,
        "ne": lambda: or_(low < first, high > end),
        "gt": lambda: high > end,
        "lt": lambda: low < first,
        "ge": lambda: or_(high > end, inside),
        "le": lambda: or_(low < first, inside),
        "sa": lambda: low >= end,
        "eb": lambda: high <= first,
        "ap": lambda: _overlaps(low, high, _about(value.span)),
    }
    return ways[value.prefix]()


def _overlaps(low: Any, high: Any, span: Span) -> Condition:
    return and_(low < span[1], high > span[0])


def _about(span: Span) -> Span:
    reach = int(abs(time.time() * 1_000_000 - span[0]) * _ABOUT)
    return span[0] - reach, span[1] + reach


def _date(table: Any, value: DateValue, _modifier: str) -> Condition:
    return compare_spans(table.low, table.high, value)


def _amount(table: Any, value: AmountValue, _modifier: str) -> Condition:
    low, high, wanted = table.low, table.high, value.value
    reach = abs(wanted) * _ABOUT
    inside = and_(low >= value.low, low < value.high, high < value.high)
    ways: Mapping[str, Callable[[], Condition]] = {
        "eq": lambda: inside,
        "ne": lambda: or_(low < value.low, high >= value.high),
        "gt": lambda: high > wanted,
        "lt": lambda: low < wanted,
        "ge": lambda: high >= wanted,
        "le": lambda: low <= wanted,
        "sa": lambda: low > wanted,
        "eb": lambda: high < wanted,
        "ap": lambda: and_(low <= wanted + reach, high >= wanted - reach),
    }
    return and_(ways[value.prefix](), _unit(table, value))


def _unit(table: Any, value: AmountValue) -> Condition:
    wanted: list[Condition] = []
    if value.system is not None:
        wanted.append(table.system == value.system)
    if value.code is not None:
        unit = table.code == value.code
        wanted.append(unit if value.system else or_(unit, table.unit == value.code))
    return and_(true(), *wanted)


_MATCHES: Mapping[type[Any], Callable[[Any, Any, str], Condition]] = {
    TokenValue: _token,
    TextValue: _text,
    UriValue: _uri,
    DateValue: _date,
    AmountValue: _amount,
}
