"""What a rule of medicine safety warns of, in one word of the chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from services.consult.record.own import medicine, warned_of
from services.hospital.chart.view import rules

__all__ = ["medicine", "risk_of", "warned_of"]


def risk_of(rule: str) -> str | None:
    """The word of ``rules.yaml`` for a rule; None where none fits."""
    risks: Mapping[str, Sequence[str]] = rules()["risks"]
    fits = (risk for risk, listed in risks.items() if any(fnmatchcase(rule, p) for p in listed))
    return next(fits, None)
