"""How questions to each part of the record are worded, beside what the reader makes of them."""

from __future__ import annotations

import re
from collections.abc import Callable

from services.consult.record import planned, words
from services.consult.record.asked import Asked, is_named, worded
from services.consult.record.kinds import Kind

LONG = 14
"""Words from which a test must be named as the person's own ("my A1c")."""


def _is_care_team(asked: Asked) -> bool:
    return asked.own and worded("care_team", asked.text)


def _is_visits(asked: Asked) -> bool:
    return asked.own and worded("last_visit", asked.text) and not asked.tests


def _is_goals(asked: Asked) -> bool:
    return asked.own and worded("goal", asked.text) and not asked.medicinal


def _is_appointments(asked: Asked) -> bool:
    if asked.vaccines or worded("not_appointment", asked.text):
        return False
    ahead = worded("when_day", asked.text) and not worded("past", asked.text)
    if ahead and planned.named(asked) and not (asked.tests or asked.procedures):
        return True
    return worded("appointment", asked.text) or (asked.own and worded("coming", asked.text))


def is_allergies(asked: Asked) -> bool:
    """Whether it is worded as one on allergies."""
    if asked.allergen and worded("asks_record", asked.text) and not asked.listed:
        return True
    if asked.own and worded("allergy", asked.text) and not worded("not_allergy", asked.text):
        return True
    if asked.medicinal or not worded("safety", asked.text):
        return False
    return any(is_named(a.name, asked.text) for a in asked.case.chart.allergies)


def _is_immunizations(asked: Asked) -> bool:
    if not worded("vaccine", asked.text) or worded("not_vaccine", asked.text):
        return False
    if asked.procedures:
        return False
    listing = worded("listing", asked.text) and re.search(r"shots?|vac|imm|inm", asked.text)
    return asked.own and bool(asked.vaccines or listing)


def _is_screening(asked: Asked) -> bool:
    named = set(asked.procedures) & set(words.data("facts/screening")["tests"])
    return asked.own and bool(named) and worded("due_screening", asked.text)


def _is_procedures(asked: Asked) -> bool:
    if worded("not_done", asked.text):
        return False
    listing = worded("procedure_list", asked.text)
    finding = bool(asked.procedures) and worded("findings", asked.text)
    return asked.own and (
        finding or (worded("done", asked.text) and bool(asked.procedures or listing))
    )


def is_medicines(asked: Asked) -> bool:
    """Whether it is worded as one on what is taken."""
    if worded("side", asked.text):
        return False
    if (
        not asked.medicines
        and worded("taken_for", asked.text)
        and not worded("may_take", asked.text)
    ):
        return asked.own
    if not asked.medicines and worded("list_medicines", asked.text):
        return asked.own and not worded("not_list", asked.text)
    general = worded("general_medicine", asked.text) and not worded("dose_asked", asked.text)
    if general or worded("after_taking", asked.text):
        return False
    return _is_of_class(asked) if not asked.medicines else _is_of_medicine(asked)


def _is_of_class(asked: Asked) -> bool:
    fits = bool(asked.classes) and asked.own and worded("class_list", asked.text)
    return fits and not worded("not_list", asked.text)


def _is_of_medicine(asked: Asked) -> bool:
    if asked.listed and worded("about_listed", asked.text):
        return True
    about = "why_medicine", "dose", "on_medicine", "history_medicine"
    return asked.own and any(worded(name, asked.text) for name in about)


def is_safety(asked: Asked) -> bool:
    """Whether it is worded as whether a medicine may be taken."""
    if not asked.medicinal or worded("side", asked.text):
        return False
    tests = "|".join(map(re.escape, asked.tests.values()))
    of_test = tests and re.search(rf"\b(is|are|was|were) (my|her|his) ({tests})\b", asked.text)
    return worded("safety", asked.text) and not of_test


def _is_conditions(asked: Asked) -> bool:
    if not asked.own or worded("diagnose_me", asked.text):
        return False
    if asked.tests and "tested" in asked.text.split():
        return False
    if worded("list_conditions", asked.text) or (asked.conditions and worded("stage", asked.text)):
        return True
    if not asked.conditions or worded("not_condition", asked.text):
        return False
    return worded("has_condition", asked.text) or worded("since_condition", asked.text)


def _named_as_own(asked: Asked) -> bool:
    tests = "|".join(map(re.escape, asked.tests.values()))
    own = r"\b(my|her|his|mi|mis|su|sus|last|latest)( \w+){0,3} "
    return bool(tests and re.search(f"{own}({tests})\\b", asked.text))


def _is_result(asked: Asked) -> bool:
    if not asked.own or worded("side", asked.text):
        return False
    if worded("general", asked.text) and not worded("own_result", asked.text):
        return False
    if asked.medicines and not asked.listed:
        return False
    if len(asked.text.split()) > LONG and not _named_as_own(asked):
        return False
    return bool(asked.tests) or worded("labs", asked.text)


# The first that fits decides; narrow kinds stand before wide ones.
RULES: tuple[tuple[Kind, Callable[[Asked], bool]], ...] = (
    (Kind.CARE_TEAM, _is_care_team),
    (Kind.GOALS, _is_goals),
    (Kind.APPOINTMENTS, _is_appointments),
    (Kind.ALLERGIES, is_allergies),
    (Kind.IMMUNIZATIONS, _is_immunizations),
    (Kind.SCREENING, _is_screening),
    (Kind.PROCEDURES, _is_procedures),
    (Kind.MEDICINES, is_medicines),
    (Kind.CONDITIONS, _is_conditions),
    (Kind.RESULT, _is_result),
    (Kind.VISITS, _is_visits),
)
"""The wordings of each part; narrow parts stand before wide ones."""
