"""Kidney function from creatinine, where the laboratory gave no newer eGFR.

CKD-EPI 2021 creatinine equation (Inker et al., N Engl J Med 2021;385:1737-1749), for adults.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.consult.record import units
from services.consult.record.chart import FRESH_DAYS, Chart
from services.consult.record.reading import Result

ADULT = 18
UMOL_PER_MG = 88.42
"""Micromoles per litre in one milligram per decilitre of creatinine."""
EGFR_LOINC = "98979-8"
_FEMALE, _MALE = (0.7, -0.241, 1.012), (0.9, -0.302, 1.0)


@dataclass(frozen=True)
class Estimate:
    """An Observation that was computed, and the creatinine that it was computed from."""

    resource: dict[str, Any]
    ref: str
    source: str


def egfr(creatinine: float, age: int, sex: str) -> float:
    """Estimated filtration rate in mL/min/1.73 m2.

    Args:
        creatinine: in serum or plasma, mg/dL, above zero.
        age: in years, an adult's.
        sex: ``female`` or ``male``.
    """
    kappa, alpha, factor = _FEMALE if sex == "female" else _MALE
    ratio = creatinine / kappa
    low: float = min(ratio, 1.0) ** alpha
    high: float = max(ratio, 1.0) ** -1.2
    return float(142 * low * high * 0.9938**age * factor)


def estimated(chart: Chart) -> Estimate | None:
    """The eGFR of the newest creatinine, where that is newer than any eGFR of the record."""
    newest = next(iter(chart.latest("creatinine")), None)
    known = next(iter(chart.latest("egfr")), None)
    age, sex = chart.person.age_years, chart.person.sex
    if newest is None or not chart.within(newest.day, FRESH_DAYS) or age is None or sex is None:
        return None
    if known is not None and (known.day or "") >= (newest.day or ""):
        return None
    amount = _mg_per_dl(newest)
    if amount is None or amount <= 0 or age < ADULT:
        return None
    resource = {
        "resourceType": "Observation",
        "id": "estimated-egfr",
        "status": "final",
        "code": {"coding": [{"code": EGFR_LOINC}], "text": "eGFR estimated from creatinine"},
        "effectiveDateTime": newest.day,
        "valueQuantity": {
            "value": round(egfr(amount, age, sex)),
            "unit": "mL/min/1.73m2",
        },
    }
    return Estimate(resource, "Observation/estimated-egfr", newest.ref)


def _mg_per_dl(result: Result) -> float | None:
    unit = units.plain(result.unit)
    if result.number is None:
        return None
    if unit == "mg/dl":
        return result.number
    return result.number / UMOL_PER_MG if unit == "umol/l" else None
