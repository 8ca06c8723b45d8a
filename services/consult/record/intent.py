"""What a question asks of the record: whose it is, what it names, and which kind it is.

The rules are deliberately narrow. A question that could also be a general one ("what is a normal
A1c?"), a decision about treatment ("should I stop my metformin?") or about somebody else is not
answered from the record; at most its facts go along as material.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from services.consult.messages import Person
from services.consult.record import words


class Kind(StrEnum):
    """What part of the record a question is about."""

    RESULT = "result"
    CONDITIONS = "conditions"
    MEDICINES = "medicines"
    ALLERGIES = "allergies"
    IMMUNIZATIONS = "immunizations"
    PROCEDURES = "procedures"
    APPOINTMENTS = "appointments"
    CARE_TEAM = "care-team"
    SAFETY = "medicine-safety"


SHORT = 2
"""Words of a question that only names a test ("A1c?")."""
ADULT_AGE = 18
"""Age in years from which "my child" is somebody else than the person of the record."""


@lru_cache(maxsize=64)
def _pattern(name: str) -> re.Pattern[str]:
    table = words.data("intents")
    alternatives = "|".join(f"(?:{pattern})" for pattern in table["patterns"][name])
    for word, pattern in table["words"].items():
        alternatives = alternatives.replace(f"<{word}>", pattern)
    return re.compile(alternatives)


def worded(name: str, text: str) -> bool:
    """Whether ``text`` (folded) is worded as the patterns ``name`` of ``intents.yaml`` say."""
    return bool(_pattern(name).search(text))


@dataclass(frozen=True)
class Asked:
    """A question, taken apart.

    Attributes:
        text: the question, folded.
        raw: the question as typed.
        own: it is about the person of the record.
        other: it is about somebody else; the record then has nothing to say.
        tests, medicines, classes, conditions, vaccines, procedures: keys named, each with the words
            used.
    """

    text: str
    raw: str
    own: bool
    other: bool
    tests: Mapping[str, str] = field(default_factory=dict)
    medicines: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, str] = field(default_factory=dict)
    conditions: Mapping[str, str] = field(default_factory=dict)
    vaccines: Mapping[str, str] = field(default_factory=dict)
    procedures: Mapping[str, str] = field(default_factory=dict)

    @property
    def medicinal(self) -> bool:
        """Whether a medicine or a class of medicines is named."""
        return bool(self.medicines or self.classes)

    def kind(self) -> Kind | None:
        """The part of the record that answers the question by itself, or None."""
        if self.other or not self.own or worded("treatment", self.text):
            return None
        if worded("second_question", self.text):
            return None
        return next((kind for kind, fits in _KINDS if fits(self)), None)


def understand(question: str, person: Person) -> Asked:
    """Take a question apart; ``person`` decides whether "my child" is the person of the record."""
    text = words.fold(question)
    bare = _pattern("courtesy").sub(" ", text)
    minor = person.age_years is not None and person.age_years < ADULT_AGE
    child = worded("child", text)
    unborn = bool(person.pregnant) and bool(re.search(r"\b(baby|bebe)\b", text))
    elsewhere = worded("other", text) or (child and not minor and not unborn)
    tests = words.test_phrases().find(text)
    named = words.medicine_phrases().find(text)
    if not worded("take", text):
        said = " ".join(tests.values())
        named = {key: phrase for key, phrase in named.items() if phrase not in said}
    return Asked(
        text=text,
        raw=question,
        own=worded("own", bare) or child or (bool(tests) and len(text.split()) <= SHORT),
        other=elsewhere and not worded("self_acts", text),
        tests=tests,
        medicines=named,
        classes=words.class_phrases().find(text),
        conditions=words.condition_phrases().find(text),
        vaccines=words.vaccine_phrases().find(text),
        procedures=words.procedure_phrases().find(text),
    )


def _is_allergies(asked: Asked) -> bool:
    return worded("allergy", asked.text) and not worded("not_allergy", asked.text)


def _is_immunizations(asked: Asked) -> bool:
    if not worded("vaccine", asked.text) or worded("not_vaccine", asked.text):
        return False
    return bool(asked.vaccines) or bool(
        worded("listing", asked.text) and re.search(r"shots?|vac|imm|inm", asked.text)
    )


def _is_appointments(asked: Asked) -> bool:
    return worded("appointment", asked.text) and not worded("not_appointment", asked.text)


def _is_care_team(asked: Asked) -> bool:
    return worded("care_team", asked.text)


def _is_safety(asked: Asked) -> bool:
    return asked.medicinal and worded("safety", asked.text) and not worded("side", asked.text)


def _is_medicines(asked: Asked) -> bool:
    if worded("side", asked.text):
        return False
    if not asked.medicinal and worded("list_medicines", asked.text):
        return not worded("not_list", asked.text)
    about = "why_medicine", "dose", "on_medicine"
    return bool(asked.medicines) and any(worded(name, asked.text) for name in about)


def _is_procedures(asked: Asked) -> bool:
    if worded("not_done", asked.text):
        return False
    listing = re.search(
        r"\b(procedures?|surger(y|ies)|operations?|cirugias?|operaciones)\b", asked.text
    )
    return worded("done", asked.text) and bool(asked.procedures or listing)


def _is_conditions(asked: Asked) -> bool:
    if worded("list_conditions", asked.text):
        return True
    if not asked.conditions or worded("not_condition", asked.text):
        return False
    return bool(worded("has_condition", asked.text) or worded("since_condition", asked.text))


def _is_result(asked: Asked) -> bool:
    if worded("general", asked.text) or worded("side", asked.text):
        return False
    return bool(asked.tests) or worded("labs", asked.text)


# The first that fits decides; narrow kinds stand before wide ones.
_KINDS = (
    (Kind.CARE_TEAM, _is_care_team),
    (Kind.APPOINTMENTS, _is_appointments),
    (Kind.ALLERGIES, _is_allergies),
    (Kind.IMMUNIZATIONS, _is_immunizations),
    (Kind.PROCEDURES, _is_procedures),
    (Kind.MEDICINES, _is_medicines),
    (Kind.SAFETY, _is_safety),
    (Kind.CONDITIONS, _is_conditions),
    (Kind.RESULT, _is_result),
)
