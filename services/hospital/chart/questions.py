"""What a clinician asks of a chart: which tests, medicines or problems, and what of them.

Every word of a question has to be understood. One that is not in the tables, a name of somebody
else, or two kinds of things at once, and there is no answer: half a question is never guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.consult.record import words
from services.hospital.chart.times import EVER, Time, when
from services.hospital.chart.wording import Subject, Tables, read, tables

MAX_CHARS = 300
"""Longest question, in characters."""
_PURPOSE = re.compile(
    r"\b(?:for|against|para|contra) (?:(?:the|her|his|their|la|el|los|las|su|sus) )?(?P<what>.+)$"
)
_TAKING = frozenset(
    """on taking takes take given gets get getting use uses using anything something toma tomando
    tomar usa algo tratamiento treatment meds medicines medicine medication medications drugs
    medicamento medicamentos medicacion farmacos""".split()
)


@dataclass(frozen=True)
class Asked:
    """A question taken apart.

    Attributes:
        subject: which kind of thing it is about; None where it names none, or two kinds.
        names: what it names of that kind, keys of the tables.
        said: the phrase of each key, as it stands in the question.
        intents: what is asked of it; ``visit``: what is of the last visit's day.
        time: when it is about, and how many of the newest are asked for.
        against: what an allergy is asked for that is asked about.
        unknown: words that were not understood, as typed without accents.
        slips: words that were read as others.
    """

    subject: Subject | None
    names: tuple[str, ...] = ()
    said: Mapping[str, str] = field(default_factory=dict)
    intents: frozenset[str] = frozenset()
    time: Time = EVER
    against: tuple[str, ...] = ()
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
    time, left = when(text)
    if purpose := _purpose(left, held, mine):
        past = {"past"} & set(held.intents.find(left))
        intents = frozenset(past or {"active"})
        return Asked("treatment", tuple(purpose), purpose, intents, time, (), tuple(unknown), slips)
    found, left, against = _subjects(left, held)
    at_visit, found = _at_visit(found, held.intents.find(left))
    left = _without(left, (phrase for phrase, _ in held.polite.mentions(left)))
    mentioned = held.intents.mentions(left)
    left = _without(left, (phrase for phrase, _ in mentioned))
    unknown += [w for w in left.split() if w not in held.filler | mine]
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
        time,
        against,
        tuple(dict.fromkeys(unknown)),
        slips,
    )


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
        fits = fits | {"value", "all"}
    if subject == "topic" and set(names) == {"allergies"}:
        fits = fits | {"severity"}
    wrong = [phrase for phrase, keys in mentioned if not fits & set(keys)]
    if time.count and subject not in {"tests", "vaccines"}:
        wrong.append(str(time.count))
    return wrong


def _purpose(text: str, held: Tables, mine: frozenset[str]) -> dict[str, str]:
    """What medicines are asked for ("is he on anything for gout"), by key; else nothing."""
    asked = _PURPOSE.search(text)
    if not asked or not _TAKING & set(text[: asked.start()].split()):
        return {}
    before = _without(text[: asked.start()], (p for p, _ in held.intents.mentions(text)))
    if any(w not in held.filler | _TAKING | mine for w in before.split()):
        return {}
    ill = held.names["conditions"].find(asked["what"])
    served = held.purposes.find(asked["what"])
    longer = {said for said in served.values() for one in ill.values() if f" {said} " in f" {one} "}
    found = ill | {key: p for key, p in served.items() if p in ill.values() or p not in longer}
    left = _without(asked["what"], found.values())
    return {} if any(word not in held.filler | mine for word in left.split()) else found


def _subjects(
    text: str, held: Tables
) -> tuple[dict[Subject, dict[str, str]], str, tuple[str, ...]]:
    """What a folded question names, by kind, what is left of it, and allergies to what it asks for.

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
        of = {**found.get("medicines", {}), **found.get("classes", {})}
        return {"topic": {"allergies": topic["allergies"]}}, left, tuple(of)  # all are told
    narrowed = set(topic) & {"medicines", "vaccines", "procedures", "problems", "allergies"}
    if len(found) > 1 and topic and narrowed == set(topic) and _narrows(topic, found):
        found.pop("topic")  # "heart medicines", "flu vaccine": the other word says which
    return found, left, ()


def _narrows(topic: Mapping[str, str], found: Mapping[Subject, Mapping[str, str]]) -> bool:
    fits = {"medicines": {"medicines", "classes"}, "vaccines": {"vaccines"}}
    fits |= {"procedures": {"procedures"}, "problems": {"conditions"}}
    others = {kind for kind in found if kind != "topic"}
    return all(others <= fits.get(name, set()) for name in topic)


def _without(text: str, phrases: Iterable[str]) -> str:
    for phrase in phrases:
        text = re.sub(rf"\b{re.escape(phrase)}\b", " ", text, count=1)
    return " ".join(text.split())
