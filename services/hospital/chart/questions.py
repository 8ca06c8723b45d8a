"""What a clinician asks of a chart: which tests, medicines or problems, and what of them.

Every word of a question has to be understood. One that is not in the tables, a name of somebody
else, or two kinds of things at once, and there is no answer: half a question is never guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.consult.record import words
from services.hospital.chart.wording import Subject, Tables, read, tables

MAX_CHARS = 300
"""Longest question, in characters."""
_YEAR = re.compile(r"(?:19|20)\d\d")
_SO_MANY = re.compile(
    r"\b(?:last|latest|past|recent|previous|ultim[oa]s) (?P<count>[1-9]\d?)"
    r"(?: (?P<unit>days?|weeks?|months?|years?|yrs?|dias?|semanas?|mes(?:es)?|anos?))?\b"
)
_MONTHS = {"month": 1, "months": 1, "mes": 1, "meses": 1, "year": 12, "years": 12, "ano": 12}
_MONTHS |= {"anos": 12, "yr": 12, "yrs": 12}
_DAYS = {"day": 1, "days": 1, "dia": 1, "dias": 1, "week": 7, "weeks": 7, "semana": 7}
_DAYS |= {"semanas": 7}
_TIMES = re.compile(r"\bx ?(?P<count>[1-9])\b")


@dataclass(frozen=True)
class Time:
    """How far back a question goes, in months and days, and how many of the newest it asks for."""

    count: int | None = None
    months: int = 0
    days: int = 0


EVER = Time()
"""A question that names no such time."""


@dataclass(frozen=True)
class Asked:
    """A question taken apart.

    Attributes:
        subject: which kind of thing it is about; None where it names none, or two kinds.
        names: what it names of that kind, keys of the tables.
        said: the phrase of each key, as it stands in the question.
        intents: what is asked of it; ``visit``: what is of the last visit's day.
        year: the year it is about; with ``onward`` from its beginning on.
        onward: whether the year is where the time begins.
        time: how far back it goes, and how many of the newest are asked for.
        unknown: words that were not understood, as typed without accents.
        slips: words that were read as others.
    """

    subject: Subject | None
    names: tuple[str, ...] = ()
    said: Mapping[str, str] = field(default_factory=dict)
    intents: frozenset[str] = frozenset()
    year: str | None = None
    onward: bool = False
    time: Time = EVER
    unknown: tuple[str, ...] = ()
    slips: Mapping[str, str] = field(default_factory=dict)

    @property
    def understood(self) -> bool:
        """Whether every word was, and one kind of thing is meant."""
        return self.subject is not None and not self.unknown


def understand(
    question: str, names: Iterable[str] = (), allergens: frozenset[str] = frozenset()
) -> Asked:
    """Take a question apart.

    Args:
        question: as typed, in English or Spanish.
        names: of the person of the chart; they may stand in the question.
        allergens: words of what the person is allergic to; asked after allergies, all are told.
    """
    held = tables()
    mine = frozenset(part for name in names for part in words.fold(name).split())
    text, slips = read(question[:MAX_CHARS], mine | allergens)
    unknown = [phrase for phrase, _ in held.refused.mentions(text)]
    time, left = _when(text)
    found, left = _subjects(left, held)
    at_visit, found = _at_visit(found, held.intents.find(left))
    left = _without(left, (phrase for phrase, _ in held.polite.mentions(left)))
    mentioned = held.intents.mentions(left)
    left = _without(left, (phrase for phrase, _ in mentioned))
    years = _YEAR.findall(left)
    year = years[0] if years else None
    unknown += [w for w in left.split() if w not in held.filler | mine and w != year]
    if len(found) > 1:
        unknown += [phrase for said in found.values() for phrase in said.values()]
    subject = next(iter(found)) if len(found) == 1 else None
    if subject == "topic" and set(found["topic"]) == {"allergies"}:
        unknown = [word for word in unknown if word not in allergens]
    if subject:
        unknown += _misfits(subject, found[subject], mentioned, time)
    return Asked(
        subject,
        tuple(found[subject]) if subject else (),
        found[subject] if subject else {},
        frozenset({key for _, keys in mentioned for key in keys} | at_visit),
        year,
        year is not None and bool(re.search(rf"\b(since|desde) {year}\b", text)),
        time,
        tuple(dict.fromkeys(unknown)),
        slips,
    )


def _when(text: str) -> tuple[Time, str]:
    """The time that a folded question names by a number, and the question without it."""
    found = _SO_MANY.search(text) or _TIMES.search(text)
    if not found:
        return Time(), text
    number, unit = int(found["count"]), found.groupdict().get("unit")
    left = " ".join((text[: found.start()] + " " + text[found.end() :]).split())
    if unit:
        return Time(months=number * _MONTHS.get(unit, 0), days=number * _DAYS.get(unit, 0)), left
    return Time(count=number), left


def _at_visit(
    found: dict[Subject, dict[str, str]], intents: Mapping[str, str]
) -> tuple[set[str], dict[Subject, dict[str, str]]]:
    """Whether results of the last visit are asked for; if so, the visit is no second thing."""
    if set(found) == {"tests", "topic"} and set(found["topic"]) == {"visits"} and "last" in intents:
        return {"visit"}, {"tests": found["tests"]}
    return set(), found


def _misfits(
    subject: Subject,
    names: Mapping[str, str],
    mentioned: Iterable[tuple[str, tuple[str, ...]]],
    time: Time,
) -> list[str]:
    """What is asked that cannot be asked of such a thing."""
    fits = tables().fits[subject]
    if subject == "topic" and set(names) <= {"abnormal", "labs"}:
        fits = fits | {"value"}
    wrong = [phrase for phrase, keys in mentioned if not fits & set(keys)]
    if time.count and subject not in {"tests", "vaccines"}:
        wrong.append(str(time.count))
    return wrong


def _subjects(text: str, held: Tables) -> tuple[dict[Subject, dict[str, str]], str]:
    """What a folded question names, by kind, and what is left of it.

    The longest phrase wins over all tables; of the same phrase the first table.
    """
    ill = held.illnesses if held.given.isdisjoint(text.split()) else frozenset()
    mentions = [
        (phrase, rank, kind, keys)
        for rank, (kind, table) in enumerate(held.names.items())
        for phrase, keys in table.mentions(text)
        if kind != "vaccines" or phrase not in ill
    ]
    found: dict[Subject, dict[str, str]] = {}
    left = text
    for phrase, _, kind, keys in sorted(mentions, key=lambda m: (-len(m[0].split()), m[1])):
        if re.search(rf"\b{phrase}\b", left):
            left = _without(left, [phrase])
            for key in keys:
                found.setdefault(kind, {}).setdefault(key, phrase)
    topic = found.get("topic", {})
    others = {*found} - {"topic"} | {*topic}
    if "allergies" in topic and others <= {"allergies", "medicines", "classes"}:
        return {"topic": {"allergies": topic["allergies"]}}, left  # all allergies are told
    narrowed = set(topic) & {"medicines", "vaccines", "procedures", "problems", "allergies"}
    if len(found) > 1 and topic and narrowed == set(topic) and _narrows(topic, found):
        found.pop("topic")  # "heart medicines", "flu vaccine": the other word says which
    return found, left


def _narrows(topic: Mapping[str, str], found: Mapping[Subject, Mapping[str, str]]) -> bool:
    fits = {"medicines": {"medicines", "classes"}, "vaccines": {"vaccines"}}
    fits |= {"procedures": {"procedures"}, "problems": {"conditions"}}
    others = {kind for kind in found if kind != "topic"}
    return all(others <= fits.get(name, set()) for name in topic)


def _without(text: str, phrases: Iterable[str]) -> str:
    for phrase in phrases:
        text = re.sub(rf"\b{re.escape(phrase)}\b", " ", text, count=1)
    return " ".join(text.split())
