"""A question taken apart: whose record it asks of, what it names, and how it is worded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from services.consult.reader import Reader
from services.consult.record import spelling, words
from services.consult.record.case import Case
from services.consult.record.chart import Chart
from services.engines.errors import EngineError


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
        holding: words for things of daily life that hold an allergen on record.
        meant: the reader's probabilities of the parts of a record that may be asked for.
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
    holding: tuple[str, ...] = ()
    meant: Mapping[str, float] = field(default_factory=dict)

    @property
    def other(self) -> bool:
        """Whether it is about somebody else; the record then has nothing to say."""
        return self.case.situation.other

    @property
    def medicinal(self) -> bool:
        """Whether a medicine or a class of medicines is named."""
        return bool(self.medicines or self.classes)

    @property
    def allergen(self) -> bool:
        """Whether it names what the record lists an allergy to, or a thing that holds it."""
        return bool(self.holding) or any(
            is_named(a.name, self.text) for a in self.case.chart.allergies if not a.none
        )


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
    procedures = words.procedure_phrases().find(text)
    vaccines = words.vaccine_phrases().find(text)
    entries = {**tests, **procedures, **vaccines}
    short = bool(entries) and _bare(text, entries)
    names = any(re.search(rf"\b{name}s?\b", text) for name in chart.known.names)
    tended = bool(chart.known.roles) or chart.known.minor
    proxied = worded("proxy", text) if tended else chart.known.elder and worded("parent", text)
    conditions = words.condition_phrases().find(text)
    return Asked(
        text=text,
        raw=question,
        own=worded("own", bare)
        or short
        or names
        or proxied
        or _points_at(text, chart, named, conditions),
        case=Case(chart, about, named, conditions),
        tests=tests,
        medicines=named,
        classes=classes,
        conditions=conditions,
        vaccines=vaccines,
        procedures=procedures,
        mentions=mentions,
        listed=frozenset(listed) if not about.other else frozenset(),
        holding=tuple(holds(text, chart)),
        meant=_meant(question),
    )


def _points_at(
    text: str, chart: Chart, medicines: Mapping[str, str], conditions: Mapping[str, str]
) -> bool:
    """Whether it says "the copd" or "the lithium" of what is on the record."""
    known = {key for c in chart.conditions for key in c.keys}
    taken = {generic for order in chart.medicines for generic in order.generics}
    phrases = [p for k, p in conditions.items() if k in known]
    phrases += [p for k, p in medicines.items() if k in taken]
    return any(
        re.search(rf"\b(the|el|la|los|las) {re.escape(phrase)}\b", text) for phrase in phrases
    )


def _meant(question: str) -> Mapping[str, float]:
    try:
        return Reader.load().read(question).record
    except EngineError:
        return {}  # the rules of wording stand alone


def _bare(text: str, tests: Mapping[str, str]) -> bool:
    """Whether the question does little more than name a test ("last A1c?")."""
    left = text
    for phrase in tests.values():
        left = left.replace(phrase, " ")
    return all(worded("bare_word", word) for word in left.split())


def _without(tests: dict[str, str], classes: Mapping[str, str]) -> dict[str, str]:
    """The tests that are not just words of a class of medicines ("blood pressure pills")."""
    said = {word for phrase in classes.values() for word in phrase.split()} | {"blood"}
    if not classes:
        return tests
    return {key: phrase for key, phrase in tests.items() if not set(phrase.split()) <= said}


def _medicines(
    text: str, mentions: tuple[tuple[str, tuple[str, ...]], ...], tests: Mapping[str, str]
) -> dict[str, str]:
    named: dict[str, str] = {}
    for phrase, keys in mentions:
        for key in keys:
            named.setdefault(key, phrase)
    if not worded("safety", text) and worded("vaccine_record", text):
        named = {k: p for k, p in named.items() if "live_vaccine" not in words.classes_of(k)}
    if not worded("take", text):
        said = " ".join(tests.values())
        named = {key: phrase for key, phrase in named.items() if phrase not in said}
    return named


def is_named(name: str, text: str) -> bool:
    """Whether a question (folded) names what an entry of the record is called."""
    stems = [word.rstrip("s") for word in words.fold(name).split() if len(word) > 3]  # noqa: PLR2004  # not "and"
    return any(re.search(rf"\b{re.escape(stem)}(s|es)?\b", text) for stem in stems)


def holds(text: str, chart: Chart) -> list[str]:
    """Return the things named in ``text`` (folded) that hold an allergen of the record."""
    table = words.data("allergens")["groups"]
    recorded = " ".join(words.fold(a.name) for a in chart.allergies if not a.none)
    return [
        name
        for group in table.values()
        if any(re.search(rf"\b{stem}", recorded) for stem in group["recorded"])
        for name in sorted(group["names"], key=len, reverse=True)
        if re.search(rf"\b{re.escape(words.fold(name))}\b", text)
    ]
