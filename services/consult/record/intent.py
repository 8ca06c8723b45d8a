"""What a question asks of the record: whose it is, what it names, and which kind it is.

The rules are deliberately narrow. A question that could also be a general one ("what is a normal
A1c?"), a decision about treatment ("should I stop my metformin?") or about somebody else is not
answered from the record; at most its facts go along as material.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from services.consult.record import mishap, spelling, words
from services.consult.record.case import Case
from services.consult.record.chart import Chart
from services.consult.record.kinds import Kind

LONG = 14
"""Words from which a test must be named as the person's own ("my A1c")."""


@lru_cache(maxsize=128)
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
        text: the question, folded, with slips of spelling mended.
        raw: the question as typed.
        own: it is worded as one about the person of the record.
        case: whom it is about, with the record and what the question itself states.
        tests, medicines, classes, conditions, vaccines, procedures: keys named, each with the words
            used.
        mentions: the phrases for medicines, each with its ingredients.
        listed: ingredients named that are on the person's list.
    """

    text: str
    raw: str
    own: bool
    case: Case
    tests: Mapping[str, str] = field(default_factory=dict)
    medicines: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, str] = field(default_factory=dict)
    conditions: Mapping[str, str] = field(default_factory=dict)
    vaccines: Mapping[str, str] = field(default_factory=dict)
    procedures: Mapping[str, str] = field(default_factory=dict)
    mentions: tuple[tuple[str, tuple[str, ...]], ...] = ()
    listed: frozenset[str] = frozenset()

    @property
    def other(self) -> bool:
        """Whether it is about somebody else; the record then has nothing to say."""
        return self.case.situation.other

    @property
    def medicinal(self) -> bool:
        """Whether a medicine or a class of medicines is named."""
        return bool(self.medicines or self.classes)

    def kind(self) -> Kind | None:
        """The part of the record that answers the question by itself, or None."""
        if mishap.is_mishap(self.text):
            return Kind.MISHAP
        if self.medicinal and worded("treatment", self.text):
            return None
        if _is_safety(self) and (self.other or self.case.situation.child):
            return Kind.SAFETY
        if self.other or worded("treatment", self.text):
            return None
        if worded("second_question", self.text) and not self.listed:
            return None
        return next((kind for kind, fits in _KINDS if fits(self)), None)


def understand(question: str, chart: Chart) -> Asked:
    """Take a question apart; ``chart`` decides whether "my child" is the person of the record."""
    from services.consult.record.situation import situation

    text = spelling.read(words.fold(question))
    about = situation(text, chart.known)
    mentions = tuple(words.medicine_phrases().mentions(text))
    classes = words.class_phrases().find(text)
    tests = _without(words.test_phrases().find(text), classes)
    named = _medicines(text, mentions, tests)
    listed = {g for order in chart.medicines for g in order.generics} & set(named)
    bare = _pattern("courtesy").sub(" ", text)
    short = bool(tests) and _bare(text, tests)
    names = any(re.search(rf"\b{name}s?\b", text) for name in chart.known.names)
    proxied = bool(chart.known.roles) or chart.known.minor
    conditions = words.condition_phrases().find(text)
    return Asked(
        text=text,
        raw=question,
        own=worded("own", bare) or short or names or (proxied and worded("proxy", text)),
        case=Case(chart, about, named, conditions),
        tests=tests,
        medicines=named,
        classes=classes,
        conditions=conditions,
        vaccines=words.vaccine_phrases().find(text),
        procedures=words.procedure_phrases().find(text),
        mentions=mentions,
        listed=frozenset(listed) if not about.other else frozenset(),
    )


def _bare(text: str, tests: Mapping[str, str]) -> bool:
    """Whether the question does little more than name a test ("last A1c?")."""
    left = text
    for phrase in tests.values():
        left = left.replace(phrase, " ")
    return all(worded("bare_word", word) for word in left.split())


def _without(tests: dict[str, str], classes: Mapping[str, str]) -> dict[str, str]:
    """The tests that are not just words of a class of medicines ("blood pressure pills")."""
    said = " ".join(classes.values())
    return {key: phrase for key, phrase in tests.items() if phrase not in said}


def _medicines(
    text: str, mentions: tuple[tuple[str, tuple[str, ...]], ...], tests: Mapping[str, str]
) -> dict[str, str]:
    named: dict[str, str] = {}
    for phrase, keys in mentions:
        for key in keys:
            named.setdefault(key, phrase)
    if not worded("safety", text):
        named = {k: p for k, p in named.items() if "live_vaccine" not in words.classes_of(k)}
    if not worded("take", text):
        said = " ".join(tests.values())
        named = {key: phrase for key, phrase in named.items() if phrase not in said}
    return named


def _is_care_team(asked: Asked) -> bool:
    return asked.own and worded("care_team", asked.text)


def _is_visits(asked: Asked) -> bool:
    return asked.own and worded("last_visit", asked.text) and not asked.tests


def _is_goals(asked: Asked) -> bool:
    return asked.own and worded("goal", asked.text) and not asked.medicinal


def _is_appointments(asked: Asked) -> bool:
    if asked.vaccines or worded("not_appointment", asked.text):
        return False
    return worded("appointment", asked.text) or (asked.own and worded("coming", asked.text))


def _is_allergies(asked: Asked) -> bool:
    if asked.own and worded("allergy", asked.text) and not worded("not_allergy", asked.text):
        return True
    if asked.medicinal or not worded("safety", asked.text):
        return False
    return any(is_named(a.name, asked.text) for a in asked.case.chart.allergies)


def is_named(name: str, text: str) -> bool:
    """Whether a question (folded) names what an entry of the record is called."""
    stems = [word.rstrip("s") for word in words.fold(name).split() if len(word) > 3]  # noqa: PLR2004  # not "and"
    return any(re.search(rf"\b{re.escape(stem)}(s|es)?\b", text) for stem in stems)


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


def _is_medicines(asked: Asked) -> bool:
    if worded("side", asked.text):
        return False
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


def _is_safety(asked: Asked) -> bool:
    if not asked.medicinal or worded("side", asked.text):
        return False
    tests = "|".join(map(re.escape, asked.tests.values()))
    of_test = tests and re.search(rf"\b(is|are|was|were) (my|her|his) ({tests})\b", asked.text)
    return worded("safety", asked.text) and not of_test


def _is_conditions(asked: Asked) -> bool:
    if not asked.own or worded("diagnose_me", asked.text):
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
_KINDS: tuple[tuple[Kind, Callable[[Asked], bool]], ...] = (
    (Kind.CARE_TEAM, _is_care_team),
    (Kind.GOALS, _is_goals),
    (Kind.APPOINTMENTS, _is_appointments),
    (Kind.ALLERGIES, _is_allergies),
    (Kind.IMMUNIZATIONS, _is_immunizations),
    (Kind.SCREENING, _is_screening),
    (Kind.PROCEDURES, _is_procedures),
    (Kind.MEDICINES, _is_medicines),
    (Kind.SAFETY, _is_safety),
    (Kind.CONDITIONS, _is_conditions),
    (Kind.RESULT, _is_result),
    (Kind.VISITS, _is_visits),
)
