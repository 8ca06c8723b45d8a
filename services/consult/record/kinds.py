"""The parts of a record that a question can be about."""

from __future__ import annotations

from enum import StrEnum

ADULT_AGE = 18
"""Age in years from which a person is an adult."""


class Kind(StrEnum):
    """What part of the record a question is about."""

    RESULT = "result"
    CONDITIONS = "conditions"
    MEDICINES = "medicines"
    ALLERGIES = "allergies"
    IMMUNIZATIONS = "immunizations"
    PROCEDURES = "procedures"
    SCREENING = "screening"
    APPOINTMENTS = "appointments"
    VISITS = "visits"
    GOALS = "goals"
    CARE_TEAM = "care-team"
    SAFETY = "medicine-safety"
    MISHAP = "dose-by-mistake"
    DECISION = "decision"
