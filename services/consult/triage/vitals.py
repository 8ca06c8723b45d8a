"""Numbers in a message that bear on urgency, read into one unit each.

Temperature in degrees Celsius, glucose in mg/dL, blood pressure in mmHg, pulse and breaths per
minute, oxygen saturation in percent, age in years, pregnancy in weeks, durations in minutes and
counted doses. A bare number counts only beside a word that says what it is, and only inside a
range in which the reading is possible.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

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
]
MMOL_COUNTRIES = frozenset({"GB", "IE", "CA", "AU", "NZ"})
"""Countries in which a glucose value without a unit is more likely in mmol/L."""

_MGDL_PER_MMOL = 18.0
_NUMBER_WORDS = {
    "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
    "nine": "9", "ten": "10", "eleven": "11", "twelve": "12", "fifteen": "15", "twenty": "20",
    "thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "seventy": "70", "eighty": "80",
    "ninety": "90", "hundred": "100", "dos": "2", "tres": "3", "cuatro": "4", "cinco": "5",
    "seis": "6", "siete": "7", "ocho": "8", "nueve": "9", "diez": "10", "doce": "12",
    "quince": "15", "veinte": "20", "treinta": "30", "cuarenta": "40", "cincuenta": "50",
    "sesenta": "60", "setenta": "70", "ochenta": "80", "noventa": "90",
}  # fmt: skip
_N = r"(\d{1,4}(?:\.\d{1,2})?)(?![\d.]*\d)"
_NEAR = r"(?: (?![.!?] )[^ ]{1,20}){0,5}? "
_YEARS = {"day": 1 / 365, "dia": 1 / 365, "week": 7 / 365, "wk": 7 / 365, "semana": 7 / 365}
_MONTH_STARTS = ("month", "mo", "mth", "mes")
_MINUTES = {
    "sec": 1 / 60, "seg": 1 / 60, "min": 1, "hour": 60, "hr": 60, "hora": 60, "day": 1440,
    "dia": 1440, "week": 10080, "wk": 10080, "semana": 10080, "month": 43200, "mes": 43200,
    "year": 525600, "yr": 525600, "ano": 525600,
}  # fmt: skip


@dataclass(frozen=True)
class Reading:
    """One value and the tokens (both included) that it was read from."""

    kind: Kind
    value: float
    start: int
    end: int


def _celsius(value: float, country: str) -> float | None:
    del country
    if 33.0 <= value <= 43.5:
        return value
    return round((value - 32) * 5 / 9, 2) if 91.0 <= value <= 110.0 else None


def _glucose(value: float, country: str) -> float | None:
    """Read a bare value: decimals and small numbers are mmol/L where that unit is in use."""
    low = 35.0 if country in MMOL_COUNTRIES else 25.0
    if value <= low or (value <= 40.0 and not value.is_integer()):
        return value * _MGDL_PER_MMOL if value >= 0.5 else None
    return value if value <= 1500 else None


def _between(low: float, high: float) -> Callable[[float, str], float | None]:
    return lambda value, _country: value if low <= value <= high else None


def _scaled(factor: float, low: float, high: float) -> Callable[[float, str], float | None]:
    return lambda value, _country: value * factor if low <= value <= high else None


_UNITS = (
    r"(?! (?:days?|hours?|hrs?|weeks?|months?|years?|minutes?|mins?|dias?|horas?|semanas?|mes(?:es)?"
    r"|anos?|mg|ml|mcg|units?|grams?|g|oz|times|veces|calories|tablets?|pills?|am|pm) )"
)
_TEMPERATURE = r"(?:fever|fevers|feverish|temp|temps|temperature|fiebre|temperatura|calentura|febril|thermometer|termometro)"
_GLUCOSE = r"(?:sugars?|glucose|glucosa|glucemia|azucar|bg|bgs|bsl|cgm|dexcom|libre|glucometer|glucometro)"
_OXYGEN = r"(?:sats?|saturation|oxygen|oximeter|ox|saturacion|oxigeno|saturando|satting|oximetro|satura)"
_PULSE = r"(?:heart rate|pulse|hr|heartbeat|heart is (?:beating|racing|going)|pulso|frecuencia cardiaca|pulsaciones|palpitaciones)"
_DRUGS = (
    r"(?:pills?|tablets?|tabs?|capsules?|caplets?|pastillas?|comprimidos?|tabletas?|capsulas?"
    r"|tylenols?|acetaminophen|paracetamols?|ibuprofens?|advils?|aspirins?|xanax|oxys?|percocets?"
    r"|sertralines?|zolofts?|benadryls?|ambiens?|valiums?|diazepam|tramadols?|codeine|melatonin"
    r"|gummies|units? of insulin|unidades de insulina|ibuprofenos?|aspirinas?|sleeping pills?)"
)
_SIMPLE: tuple[tuple[Kind, str, Callable[[float, str], float | None]], ...] = (
    ("temperature_c", rf"\b{_N} (?:° ?|degrees? |deg |grados )?(?:f|c|fahrenheit|celsius|centigrados)\b", _celsius),
    ("temperature_c", rf"\b{_N} (?:°|grados|degrees?)", _celsius),
    ("temperature_c", rf"\b{_TEMPERATURE}{_NEAR}{_N}{_UNITS}", _celsius),
    ("temperature_c", rf"\b{_N} (?:de )?{_TEMPERATURE}\b", _celsius),
    ("glucose_mgdl", rf"\b{_N} (?:mg / dl|mg per dl|mgdl)\b", _between(5, 2000)),
    ("glucose_mgdl", rf"\b{_N} (?:mmols?|mmol / l)\b", _scaled(_MGDL_PER_MMOL, 0.5, 80)),
    ("glucose_mgdl", rf"\b{_GLUCOSE}{_NEAR}{_N}(?! /){_UNITS}(?! (?:%|percent|mmols?|mg / dl))", _glucose),
    ("oxygen_percent", rf"\b{_OXYGEN}{_NEAR}{_N}{_UNITS}(?! (?:l|liters?|litres?|lpm|litros?))", _between(30, 100)),
    ("oxygen_percent", rf"\b{_N} (?:% |percent )?(?:\w+ )?(?:spo|oxygen saturation|sats?|oxygen)\b", _between(40, 100)),
    ("pulse", rf"\b{_PULSE}{_NEAR}{_N}{_UNITS}(?! /)", _between(15, 320)),
    ("pulse", rf"\b{_N} (?:bpm|beats (?:per|a) minute|latidos por minuto|lpm|pulsaciones)\b", _between(15, 320)),
    ("breaths", rf"\b{_N} (?:breaths|respiraciones)\b", _between(2, 140)),
    ("breaths", rf"\b(?:breathing|respiratory rate|respira\w*){_NEAR}{_N} (?:times|veces|breaths)\b", _between(2, 140)),
    ("gestation_weeks", rf"\b{_N}(?: \+ \d)? (?:weeks?|wks?|wk|w|semanas?)(?: [^ .!?]{{1,15}}){{0,3}}? (?:pregnant|pregnancy|preg|prego|gestation|gestational|embarazo|embarazada|gestacion)\b", _between(2, 43)),
    ("gestation_weeks", rf"\b(?:pregnant|pregnancy|preg|embarazada|embarazo|gestacion)(?: [^ .!?]{{1,15}}){{0,4}}? {_N}(?: \+ \d)? (?:weeks?|wks?|w|semanas?)\b(?! ago)", _between(2, 43)),
    ("gestation_weeks", rf"\b(?:i am|im|tengo|estoy de|estoy en la semana)(?: (?:only|just|about|now|solo|apenas))? {_N}(?: \+ \d)? (?:weeks?|wks?|w|semanas?)\b(?! (?:old|post|postpartum|sober|into|out|ago|clean|de posparto|sin))", _between(4, 43)),
    ("gestation_weeks", rf"\b(?:at|a las|con) {_N}(?: \+ \d)? (?:weeks?|wks?|semanas)\b(?! (?:old|post|postpartum|ago|of age|de edad|de vida))", _between(16, 43)),
    ("gestation_weeks", rf"\b(?:semana|week) {_N} (?:de |of )?(?:embarazo|gestacion|pregnancy|my pregnancy)\b", _between(2, 43)),
    ("gestation_weeks", rf"\b{_N} (?:months?|meses) (?:pregnant|de embarazo|embarazada|de gestacion)\b", _scaled(4.35, 1, 9)),
    ("gestation_weeks", rf"\bembarazada de {_N} meses\b", _scaled(4.35, 1, 9)),
    ("age_years", rf"\b{_N} (?:years?|yrs?|yr) (?:old|of age)\b", _between(0, 115)),
    ("age_years", rf"\b{_N} (?:yo|y o|y / o)\b", _between(1, 115)),
    ("age_years", r"\b(?:i am|he is|she is|aged|age|im|(?:mom|mum|mother|dad|father|husband|wife|grandma|grandpa|son|daughter|baby) is) (\d{1,3})(?= (?:and|with|,|\.|years?|f|m|male|female|but|now)|$)", _between(1, 115)),
    ("age_years", rf"\b{_N} anos\b(?! (?:con|desde|atras|tomando|de matrimonio|fumando|despues))", _between(0, 115)),
)  # fmt: skip
_COMPILED = tuple((kind, re.compile(pattern), convert) for kind, pattern, convert in _SIMPLE)
_SMALL_AGE = re.compile(
    rf"\b{_N} (days?|weeks?|wks?|months?|mos?|mths?|dias?|semanas?|mes(?:es)?)"
    r"(?: (?:old|of age|de (?:edad|vida|nacid[oa])|baby|infant|newborn|son|daughter|bebe)\b)"
)
_CHILD_OF = re.compile(
    rf"\b(?:bebe|hij[oa]|nin[oa]|nieto|nieta|sobrin[oa]|recien nacid[oa])(?: (?:tiene|de|solo)){{1,2}} {_N} "
    r"(dias?|semanas?|mes(?:es)?)\b(?! (?:con|de embarazo))"
)
_IS_SMALL = re.compile(
    rf"\b(?:baby|son|daughter|newborn|infant|he|she|grandson|granddaughter|nephew|niece)(?: [^ .,!?]{{1,12}})? is "
    rf"(?:only |just )?{_N} (days?|weeks?|wks?|months?|mos?)\b(?! (?:pregnant|into|post))"
)
_PRESSURE = re.compile(
    r"\b(?<!number is )(?<!room )(?<!number )(\d{2,3})(?: (?:/|over|sobre|con|por|on)) (\d{2,3})(?![\d.])(?! (?:mg|mcg|ml|/|vision|%))"
)
_SPANISH_PRESSURE = re.compile(
    r"\b(?:tension|presion)(?: [^ .!?]{1,15}){0,5}? (\d{2})(?: (?:/|con|y|sobre)) (\d{1,2})\b(?! \d)"
)
_DURATION = re.compile(
    r"\b(\d{1,4}(?:\.\d{1,2})?|an?|una?|couple) (?:of )?(sec|seg|min|hour|hr|hora|day|dia|week|wk|semana|month|mes|year|yr|ano)"
    r"(?:s|utes|utos|ute|uto|onds?|undos?|es)?\b"
    r"(?! (?:old|ago|of age|pregnant|de edad|de embarazo|de vida|atras|later|baby))"
)
_DOSES = re.compile(rf"\b{_N} (?!mg|mcg|ml|milligrams)(?:[^ .,!?\d]{{1,16}} ){{0,3}}?{_DRUGS}\b")
_STANDING_DOSE = re.compile(r" (?:[^ .!?]{1,15} ){0,4}?(?:daily|a day|per day|every day|a week|al dia|diarios?|each day|left|prescribed|in the bottle)\b")


class _Line:
    """The tokens as one line with digits for number words, and the way back to tokens."""

    def __init__(self, tokens: Sequence[str]) -> None:
        words = [_NUMBER_WORDS.get(t, t) for t in tokens]
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


def read_vitals(tokens: Sequence[str], country: str = "US") -> tuple[Reading, ...]:
    """Return every reading in ``tokens``, in order of place.

    Args:
        tokens: what :func:`~services.consult.triage.normalise.tokenise` returned.
        country: ISO 3166 code; decides the glucose unit of a bare value.
    """
    if not any(t[0].isdigit() or t in _NUMBER_WORDS or t in _ONE for t in tokens):
        return ()
    line = _Line(tokens)
    found = [
        *_simple(line, country), *_pressures(line), *_small_ages(line),
        *_durations(line), *_doses(line),
    ]  # fmt: skip
    return tuple(sorted(set(found), key=lambda r: (r.start, r.end, r.kind, r.value)))


_ONE = frozenset({"a", "an", "un", "una", "couple"})


def _simple(line: _Line, country: str) -> Iterator[Reading]:
    for kind, pattern, convert in _COMPILED:
        for found in pattern.finditer(line.text):
            value = convert(float(found.group(1)), country)
            if value is not None:
                yield line.reading(kind, value, found)


def _pressures(line: _Line) -> Iterator[Reading]:
    for pattern, factor in ((_PRESSURE, 1), (_SPANISH_PRESSURE, 10)):
        for found in pattern.finditer(line.text):
            upper, lower = (int(g) * factor for g in found.groups())
            if 50 <= upper <= 300 and 25 <= lower <= 200 and upper > lower:
                yield line.reading("systolic", upper, found)
                yield line.reading("diastolic", lower, found)


def _small_ages(line: _Line) -> Iterator[Reading]:
    for pattern in (_SMALL_AGE, _CHILD_OF, _IS_SMALL):
        for found in pattern.finditer(line.text):
            unit = found.group(2).rstrip("s")
            months = found.group(2).startswith(_MONTH_STARTS)
            years = 1 / 12 if months else _YEARS.get(unit, 7 / 365)
            yield line.reading("age_years", float(found.group(1)) * years, found)


def _durations(line: _Line) -> Iterator[Reading]:
    for found in _DURATION.finditer(line.text):
        amount = found.group(1)
        count = float(amount) if amount[0].isdigit() else 2.0 if amount == "couple" else 1.0
        yield line.reading("duration_minutes", count * _MINUTES[found.group(2)], found)


def _doses(line: _Line) -> Iterator[Reading]:
    for found in _DOSES.finditer(line.text):
        if not _STANDING_DOSE.match(line.text, found.end()):
            yield line.reading("doses", float(found.group(1)), found)
