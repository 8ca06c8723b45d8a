"""Quantities of a sentence in the units that a person thinks in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

System = Literal["metric", "us"]

_NUMBER = r"(?<![\w.,/])(\d{1,4}(?:\.\d{1,2})?)"
_RANGE = rf"{_NUMBER}(?:\s*(?:to|-|\u2013|and|a|y)\s*(\d{{1,4}}(?:\.\d{{1,2}})?))?\s*"
GLUCOSE = re.compile(r"glucose|blood sugar|glucosa|azúcar", re.IGNORECASE)
CHOLESTEROL = re.compile(r"cholesterol|colesterol|\bLDL\b|\bHDL\b", re.IGNORECASE)
OTHER_ANALYTE = re.compile(
    r"triglycerid|triglicérid|creatinin|bilirubin|calcium|calcio|uric|úrico|urea|BUN|iron|hierro",
    re.IGNORECASE,
)
DEGREES = frozenset({"°F", "°C"})
_CHANGE = re.compile(
    r"\b(?:by|rises|(?:rise|increase|drop|fall|change) of|sube|baja|(?:aumento|cambio) de)\s+"
    r"(?:about |at least |unos )?$",
    re.IGNORECASE,
)
"""Before a number: a difference of temperatures, which converts otherwise, is left alone."""
MG_PER_MMOL = {"glucose": 18.016, "cholesterol": 38.67}


@dataclass(frozen=True)
class _Unit:
    """How a unit is written, what becomes of it, for whom, and how many decimals are meant."""

    written: re.Pattern[str]
    into: str
    wanted_by: System
    convert: Callable[[float], float]
    decimals: int = 0


def _unit(
    written: str, into: str, wanted_by: System, convert: Callable[[float], float], decimals: int = 0
) -> _Unit:
    whole = re.compile(rf"{_RANGE}({written})(?![\w/²³])", re.IGNORECASE)
    return _Unit(whole, into, wanted_by, convert, decimals)


_UNITS = (
    _unit(
        r"°\s?C|degrees C(?:elsius)?|grados C(?:elsius)?", "°F", "us", lambda c: c * 9 / 5 + 32, 1
    ),
    _unit(
        r"°\s?F|degrees F(?:ahrenheit)?|grados F(?:ahrenheit)?",
        "°C",
        "metric",
        lambda f: (f - 32) * 5 / 9,
        1,
    ),
    _unit(r"kg|kilograms?|kilos?|kilogramos?", "lb", "us", lambda kg: kg / 0.45359237),
    _unit(r"lbs?|pounds?|libras?", "kg", "metric", lambda lb: lb * 0.45359237, 1),
    _unit(r"cm|centimet(?:er|re)s?|centímetros?", "in", "us", lambda cm: cm / 2.54),
    _unit(r"inch(?:es)?|pulgadas?", "cm", "metric", lambda inch: inch * 2.54),
    _unit(r"km|kilomet(?:er|re)s?|kilómetros?", "miles", "us", lambda km: km / 1.609344, 1),
    _unit(r"miles?|millas?", "km", "metric", lambda mile: mile * 1.609344, 1),
)


def _blood(analyte: str) -> tuple[_Unit, _Unit]:
    factor = MG_PER_MMOL[analyte]
    return (
        _unit(r"mg\s?/\s?dL", "mmol/L", "metric", lambda mg: mg / factor, 1),
        _unit(r"mmol\s?/\s?L", "mg/dL", "us", lambda mmol: mmol * factor),
    )


_BLOOD = {name: _blood(name) for name in MG_PER_MMOL}


def converted(text: str, system: System) -> Iterator[tuple[str, str]]:
    """Each quantity of a text that is in other units: as written, and in those of ``system``.

    A concentration in blood is converted only where the text names glucose or cholesterol and no
    other substance: the factor depends on it.
    """
    for unit in (*_UNITS, *_blood_units(text)):
        if unit.wanted_by == system:
            for match in unit.written.finditer(text):
                if not (unit.into in DEGREES and _CHANGE.search(text[: match.start()])):
                    yield match[0].strip(), _said(match, unit)


def _blood_units(text: str) -> tuple[_Unit, ...]:
    named = {
        name
        for name, pattern in (("glucose", GLUCOSE), ("cholesterol", CHOLESTEROL))
        if pattern.search(text)
    }
    if len(named) != 1 or OTHER_ANALYTE.search(text):
        return ()
    return _BLOOD[named.pop()]


def _said(match: re.Match[str], unit: _Unit) -> str:
    low = f"{unit.convert(float(match[1])):.{unit.decimals}f}"
    high = f"\u2013{unit.convert(float(match[2])):.{unit.decimals}f}" if match[2] else ""
    return f"{low}{high} {unit.into}"
