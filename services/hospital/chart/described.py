"""A resource in words: every element that says something, with its codes and its links."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.hospital.chart.moments import moment_of

LOCAL = re.compile(r"([A-Z][A-Za-z]{1,63})/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]+)?")
"""A reference to a resource of this server."""
MOST_ROWS = 60
"""Rows of one element that are said; the raw JSON beside them holds all."""
DEEPEST = 4
_SILENT = {"resourceType", "id", "meta", "text", "contained", "extension", "modifierExtension"}
_SILENT |= {"implicitRules", "data", "hash", "size", "system", "use"}
_CHOICES: tuple[str, ...] = (
    "CodeableConcept",
    "Quantity",
    "DateTime",
    "Period",
    "String",
    "Boolean",
    "Integer",
)
_CHOICES += ("Range", "Ratio", "Reference", "Date", "Age", "Instant", "Timing", "Time", "Code")
_SYSTEMS = {
    "http://loinc.org": "LOINC",
    "http://snomed.info/sct": "SNOMED CT",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "RxNorm",
    "http://hl7.org/fhir/sid/icd-10-cm": "ICD-10-CM",
    "http://hl7.org/fhir/sid/cvx": "CVX",
}
Say = Callable[..., str]


@dataclass(frozen=True)
class Row:
    """One element: what it is called, its words, codes, the resource it names, and its parts.

    ``moments``: its words, where they are a time of day, or a span of two, an open end as None.
    """

    label: str
    text: str = ""
    codes: tuple[str, ...] = ()
    reference: str | None = None
    rows: tuple[Row, ...] = ()
    moments: tuple[datetime | None, ...] = ()


def describe(resource: Mapping[str, Any], say: Say) -> tuple[Row, ...]:
    """Say every element of a resource, in the order of the resource.

    Args:
        resource: with decimals as they were written (`decimal.Decimal`).
        say: names of elements, below ``chart_resource.element``.
    """
    return tuple(_rows(resource, say, 0))


def references(rows: tuple[Row, ...]) -> Iterator[str]:
    """Yield the local references of rows, at any depth."""
    for row in rows:
        if row.reference:
            yield row.reference
        yield from references(row.rows)


def _rows(value: Mapping[str, Any], say: Say, depth: int) -> Iterator[Row]:
    for name, found in value.items():
        if name in _SILENT or name.startswith("_"):
            continue
        for one in (found if isinstance(found, list) else [found])[:MOST_ROWS]:
            row = _row(element(name, say), one, say, depth)
            if row is not None:
                yield row


def element(name: str, say: Say) -> str:
    """What an element is called; one without words is named as FHIR does."""
    bare = next((name.removesuffix(c) for c in _CHOICES if name.endswith(c) and name != c), name)
    for tried in (name, bare):
        try:
            return say(f"chart_resource.element.{tried}")
        except KeyError:
            continue
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", bare or name).lower()


def _row(label: str, value: Any, say: Say, depth: int) -> Row | None:
    if isinstance(value, bool):
        return Row(label, say("chart_resource.yes" if value else "chart_resource.no"))
    if not isinstance(value, Mapping):
        return Row(label, str(value), moments=_moments({"start": value})) if str(value) else None
    if "reference" in value or set(value) <= {"display", "type", "identifier"}:
        return _named(label, value)
    if said := words_of(value):
        ends = {"start": None, "end": None} | dict(value)
        return Row(label, said, codes_of(value), moments=_moments(ends))
    if depth >= DEEPEST:
        return None
    rows = tuple(_rows(value, say, depth + 1))
    return Row(label, rows=rows) if rows else None


def _named(label: str, value: Mapping[str, Any]) -> Row | None:
    reference = str(value.get("reference") or "")
    local = LOCAL.fullmatch(reference)
    identifier = str((value.get("identifier") or {}).get("value") or "")
    text = str(value.get("display") or reference or identifier)
    return Row(label, text, reference=f"{local[1]}/{local[2]}" if local else None) if text else None


def words_of(value: Mapping[str, Any]) -> str:
    """A data type as one text; "" for what is none of those known here."""
    for known in (_concept, _quantity, _period, _bounds, _name, _contact):
        if said := known(value):
            return said
    return ""


def _concept(value: Mapping[str, Any]) -> str:
    codings = value.get("coding")
    if isinstance(codings, list):
        shown = (str(c.get("display") or c.get("code") or "") for c in codings)
        return str(value.get("text") or "") or next((s for s in shown if s), "")
    if set(value) <= {"text", "authorReference", "authorString", "time"} and "text" in value:
        return " · ".join(str(value[k]) for k in ("text", "time", "authorString") if k in value)
    if "code" in value and isinstance(value["code"], str) and "value" not in value:
        return str(value.get("display") or value["code"])
    return ""


def codes_of(value: Mapping[str, Any]) -> tuple[str, ...]:
    """The codes of a concept, each with the name of its system."""
    codings = value.get("coding", [value] if "code" in value and "value" not in value else [])
    return tuple(
        f"{_system(str(c.get('system') or ''))} {c['code']}".strip()
        for c in codings
        if c.get("code")
    )


def _system(address: str) -> str:
    """The name of a code system; of one that is not known here, the end of its address."""
    return _SYSTEMS.get(address) or re.split("[/:]", address.rstrip("/"))[-1]


def _quantity(value: Mapping[str, Any]) -> str:
    amount = value.get("value")
    if amount is None or isinstance(amount, (Mapping, list)):
        return ""
    unit = value.get("unit") or value.get("code") or ""
    return f"{value.get('comparator', '')}{amount} {unit}".strip()


def _period(value: Mapping[str, Any]) -> str:
    if not value or not set(value) <= {"start", "end"}:
        return ""
    return f"{value.get('start', '…')} – {value.get('end', '…')}"  # noqa: RUF001 - an en dash


def _moments(ends: Mapping[str, Any]) -> tuple[datetime | None, ...]:
    """The moments of a span; () where it is none, or an end that is told is none."""
    found = [moment_of(str(said)) if said else None for said in ends.values()]
    told = set(ends) <= {"start", "end"} and [bool(said) for said in ends.values()]
    return tuple(found) if told == [bool(one) for one in found] and any(found) else ()


def _bounds(value: Mapping[str, Any]) -> str:
    low, high = value.get("low"), value.get("high")
    if isinstance(low, Mapping) or isinstance(high, Mapping):
        ends = (_quantity(low or {}), _quantity(high or {}))
        span = " – ".join(ends) if all(ends) else f"≥ {ends[0]}" if ends[0] else f"≤ {ends[1]}"  # noqa: RUF001
        kind = _concept(value.get("type") or {})
        return " · ".join(p for p in (span, kind, str(value.get("text") or "")) if p)
    if "numerator" in value:
        parts = (_quantity(value["numerator"]), _quantity(value.get("denominator") or {}))
        return " / ".join(p for p in parts if p)
    return str(value["text"]) if set(value) == {"text"} else ""


def _name(value: Mapping[str, Any]) -> str:
    if "family" in value or "given" in value:
        parts = [*value.get("prefix", ()), *value.get("given", ()), value.get("family", "")]
        return str(value.get("text") or " ".join(str(p) for p in parts if p))
    if "line" in value or "city" in value:
        keys = ("city", "state", "postalCode", "country")
        return ", ".join([*value.get("line", ()), *(str(value[k]) for k in keys if k in value)])
    return ""


def _contact(value: Mapping[str, Any]) -> str:
    return str(value["value"]) if isinstance(value.get("value"), str) else ""
