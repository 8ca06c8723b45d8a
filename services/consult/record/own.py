"""The medicine-safety rules, asked of a record and not of a question."""

from __future__ import annotations

from services.consult.record import words
from services.consult.record.case import Case
from services.consult.record.chart import Chart
from services.consult.record.safety import (
    Subject,
    Warned,
    warnings,
    warnings_without_interactions,
)
from services.consult.record.situation import Situation

_OWN = Situation(
    other=False, child=False, ages=None, pregnant=False, breastfeeding=False, possessive=False
)
"""Nobody asked anything: the record speaks for its own person."""


def medicine(name: str, called: str) -> Subject:
    """A medicine by its generic name."""
    return Subject(name, words.classes_of(name), called)


def warned_of(subject: Subject, chart: Chart, language: str) -> list[Warned]:
    """Everything that the rules say of one medicine in this record, each once.

    Warnings about a patient's question leave out a rule that another one covers; here both count.
    """
    case = Case(chart, _OWN)
    found = [
        *warnings(subject, case, language),
        *warnings_without_interactions(subject, case, language),
    ]
    return list({warned.fact.id: warned for warned in found}.values())
