"""Numbers in a message that bear on urgency, read into one unit each.

Temperature in degrees Celsius, glucose in mg/dL, blood pressure in mmHg, pulse and breaths per
minute, oxygen saturation in percent, age in years, pregnancy in weeks, durations in minutes and
counted doses; of the laboratory potassium, sodium and ketones in mmol/L, haemoglobin in g/dL, INR,
and creatinine in mg/dL. How numbers are written is data (``vitals.yaml``): a bare number counts
only beside a word that says what it is, and only inside a range in which the reading is possible.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

Kind = Literal[
    "temperature_c",
    "glucose_mgdl",
    "systolic",
    "diastolic",
    "pulse",
    "breaths",
    "oxygen_percent",
    "age_years",
    "gestation_weeks",
    "duration_minutes",
    "doses",
    "potassium_mmol",
    "sodium_mmol",
    "haemoglobin_gdl",
    "inr",
    "creatinine_mgdl",
    "ketones_mmol",
    "other_test",
]
LABORATORY: frozenset[Kind] = frozenset(
    {
        "potassium_mmol",
        "sodium_mmol",
        "haemoglobin_gdl",
        "inr",
        "creatinine_mgdl",
        "ketones_mmol",
        "other_test",
    }
)
"""Values told by the name of their test: that number is no other reading."""
MMOL_COUNTRIES = frozenset({"GB", "IE", "CA", "AU", "NZ"})
"""Countries in which a glucose value without a unit is more likely in mmol/L."""

_NUMBER = r"(\d{1,4}(?:\.\d{1,2})?)(?![\d.]*\d)"
_NEAR = r"(?: (?![.!?] )[^ ]{1,20}){0,5}? "
_MACRO = re.compile(r"<(\w+)>")
_MINUTES_A_YEAR = 525_600.0
_MGDL_PER_MMOL = 18.0
_CELSIUS = (33.0, 43.5)
_FAHRENHEIT = (91.0, 110.0)
_GLUCOSE = (0.5, 1500.0)
_MMOL_AT_MOST = 25.0
_MMOL_AT_MOST_WHERE_USUAL = 35.0
_MMOL_WITH_DECIMALS_AT_MOST = 40.0
_SYSTOLIC = (50, 300)
_DIASTOLIC = (25, 200)


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NumberPattern(_Strict):
    """One way of writing a reading; group 1 is the value, group ``unit`` its unit of time."""

    kind: Kind
    match: str
    low: float = 0
    high: float = 1e6
    factor: float = 1
    unit: int | None = None
    convert: Literal["celsius", "glucose"] | None = None


class PressurePattern(_Strict):
    """One way of writing two pressures; ``factor`` brings them to mmHg."""

    match: str
    factor: int


class Implied(_Strict):
    """A reading inside inclusive bounds that says the same as a concept's words."""

    concept: str
    vital: Kind
    min: float = float("-inf")
    max: float = float("inf")


class VitalsFile(_Strict):
    """What ``vitals.yaml`` holds."""

    words: dict[str, str]
    patterns: list[NumberPattern]
    pressure: list[PressurePattern]
    units: dict[str, float]
    implied: list[Implied]


@dataclass(frozen=True)
class Reading:
    """One value and the tokens (both included) that it was read from."""

    kind: Kind
    value: float
    start: int
    end: int


class _Line:
    """The tokens as one line, and the way back to tokens."""

    def __init__(self, words: Sequence[str]) -> None:
        self.text = " ".join(words) + " "
        self._starts: list[int] = []
        offset = 0
        for word in words:
            self._starts.append(offset)
            offset += len(word) + 1

    def reading(self, kind: Kind, value: float, found: re.Match[str]) -> Reading:
        """Put ``value`` where the match stands."""
        start = bisect_right(self._starts, found.start()) - 1
        end = bisect_right(self._starts, max(found.end() - 1, 0)) - 1
        return Reading(kind, round(value, 3), start, end)


class VitalReader:
    """Reads numbers as ``vitals.yaml`` says.

    Raises:
        ValueError: a pattern is no regular expression, or names an unknown word list.
    """

    def __init__(self, file: VitalsFile) -> None:
        self._implied = tuple(file.implied)
        self._units = sorted(file.units.items(), key=lambda pair: -len(pair[0]))
        self._patterns = [(p, _compile(p.match, file.words)) for p in file.patterns]
        self._needs = [_needs(p.match, file.words) for p in file.patterns]
        needed = frozenset().union(*self._needs)
        self._lists = {name: _compile(f"<{name}>", file.words) for name in needed}
        self._pressures = [(p.factor, _compile(p.match, file.words)) for p in file.pressure]

    def read(self, tokens: Sequence[str], country: str = "US") -> tuple[Reading, ...]:
        """Return every reading in ``tokens``, in order of place.

        Args:
            tokens: what :func:`~services.consult.triage.normalise.rewrite` returned.
            country: ISO 3166 code; decides the glucose unit of a bare value.
        """
        line = _Line(tokens)
        found = {*self._numbers(line, country), *self._pairs(line)}
        return tuple(sorted(found, key=lambda r: (r.start, r.end, r.kind, r.value)))

    def implied(self, reading: Reading) -> tuple[str, ...]:
        """Return the concepts that ``reading`` speaks for."""
        return tuple(
            rule.concept
            for rule in self._implied
            if rule.vital == reading.kind and rule.min <= reading.value <= rule.max
        )

    def _numbers(self, line: _Line, country: str) -> list[Reading]:
        # A row of bare numbers would start every pattern anew at each of them.
        said = {name for name, words in self._lists.items() if words.search(line.text)}
        read: list[tuple[Reading, int]] = []
        for (rule, pattern), needs in zip(self._patterns, self._needs, strict=True):
            for found in pattern.finditer(line.text) if needs <= said else ():
                value = self._value(rule, found, country)
                if value is not None:
                    read.append((line.reading(rule.kind, value, found), found.start(1)))
        tested = {at for reading, at in read if reading.kind in LABORATORY}
        return [r for r, at in read if r.kind in LABORATORY or at not in tested]

    def _value(self, rule: NumberPattern, found: re.Match[str], country: str) -> float | None:
        """Return the value in the kind's unit; None when it is not a possible one."""
        written = found.group(1)
        if rule.unit is not None:
            count = float(written) if written[0].isdigit() else 2.0 if written == "couple" else 1.0
            minutes = count * self._minutes(found.group(rule.unit))
            return minutes / _MINUTES_A_YEAR if rule.kind == "age_years" else minutes
        value = float(written)
        if rule.convert == "celsius":
            return _celsius(value)
        if rule.convert == "glucose":
            return _glucose(value, country)
        return value * rule.factor if rule.low <= value <= rule.high else None

    def _minutes(self, unit: str) -> float:
        return next(minutes for start, minutes in self._units if unit.startswith(start))

    def _pairs(self, line: _Line) -> Iterator[Reading]:
        for factor, pattern in self._pressures:
            for found in pattern.finditer(line.text):
                upper, lower = (int(group) * factor for group in found.groups())
                if _within(upper, _SYSTOLIC) and _within(lower, _DIASTOLIC) and upper > lower:
                    yield line.reading("systolic", upper, found)
                    yield line.reading("diastolic", lower, found)


def _compile(match: str, words: dict[str, str]) -> re.Pattern[str]:
    def expand(found: re.Match[str]) -> str:
        name = found.group(1)
        if name in ("n", "near"):
            return _NUMBER if name == "n" else _NEAR
        if name not in words:
            raise ValueError(f"unknown word list <{name}>")
        return f"(?:{_MACRO.sub(expand, words[name])})"

    try:
        return re.compile(_MACRO.sub(expand, match))
    except re.error as error:
        raise ValueError(f"{match!r} is no regular expression: {error}") from error


def _needs(match: str, words: dict[str, str]) -> frozenset[str]:
    """Name the word lists that ``match`` cannot do without: those outside every bracket."""
    outside = re.sub(r"\\.", "", match)
    while (inner := re.sub(r"\([^()]*\)", "", outside)) != outside:
        outside = inner
    return frozenset(_MACRO.findall(outside)) & words.keys()


def _within(value: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= value <= bounds[1]


def _celsius(value: float) -> float | None:
    """Tell the scale by the value: no body is at 98 °C or at 39 °F."""
    if _within(value, _CELSIUS):
        return value
    return round((value - 32) * 5 / 9, 2) if _within(value, _FAHRENHEIT) else None


def _glucose(value: float, country: str) -> float | None:
    """Read a bare value: decimals and small numbers are mmol/L."""
    if not _within(value, _GLUCOSE):
        return None
    low = _MMOL_AT_MOST_WHERE_USUAL if country in MMOL_COUNTRIES else _MMOL_AT_MOST
    decimals = not value.is_integer() and value <= _MMOL_WITH_DECIMALS_AT_MOST
    return value * _MGDL_PER_MMOL if value <= low or decimals else value
