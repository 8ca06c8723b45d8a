"""What a rule file may say, and how a rule is held against a message.

A condition is the name of a concept, or a mapping with exactly one key:

    all: [..]        every one
    any: [..]        at least one
    near: [a, b]     these concepts in one sentence
    none: [..]       not one of these concepts is present
    vital: {temperature_c: {min: 38}}
    age: {max: 0.25} in years, as told in the text, else the person's own
    sex: female      as known or told; unknown counts as yes
    pregnant: true   as known or told
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.consult.messages import Person, Urgency
from services.consult.triage.modality import Status
from services.consult.triage.vitals import Kind, Reading

Language = Literal["en", "es"]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Strict):
    """Public guidance that a rule follows."""

    name: str = Field(min_length=3)
    url: str = Field(pattern=r"^https://")


class Bounds(_Strict):
    """An inclusive range; at least one end."""

    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _has_an_end(self) -> Bounds:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        return self

    def holds(self, value: float) -> bool:
        """Whether ``value`` is inside."""
        return (self.min is None or value >= self.min) and (self.max is None or value <= self.max)


class Condition(_Strict):
    """One node of a rule's logic; exactly one field is set."""

    concept: str | None = None
    all: tuple[Condition, ...] | None = None
    any: tuple[Condition, ...] | None = None
    near: tuple[str, ...] | None = None
    none: tuple[str, ...] | None = None
    vital: dict[Kind, Bounds] | None = None
    age: Bounds | None = None
    sex: Literal["female", "male"] | None = None
    pregnant: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, value: object) -> object:
        return {"concept": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _exactly_one(self) -> Condition:
        if len(self.model_fields_set) != 1:
            raise ValueError("a condition has exactly one of its keys")
        return self

    def concepts(self) -> set[str]:
        """Every concept that the condition names."""
        named = {*(self.near or ()), *(self.none or ())}
        if self.concept:
            named.add(self.concept)
        for child in (*(self.all or ()), *(self.any or ())):
            named |= child.concepts()
        return named


class Rule(_Strict):
    """One red flag: when it fires, how urgent it is, what to do, and who says so.

    ``rank`` orders rules of one level (lower speaks first). ``sure`` marks an emergency that is
    one by these words alone; any other waits for the second look not to rule it out, unless a
    measured value speaks for it (see `services.consult.triage.triager`). ``accept`` names statuses
    besides *present* that count for this rule (a stroke sign that has passed is still one).
    """

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    level: Urgency
    rank: int = 50
    sure: bool = False
    source: Source
    when: Condition
    accept: tuple[Literal["past", "question", "supposed", "elsewhere"], ...] = ()
    advice: dict[Language, Annotated[str, Field(min_length=20)]]

    @model_validator(mode="after")
    def _speaks_both(self) -> Rule:
        if set(self.advice) != {"en", "es"}:
            raise ValueError("advice is needed in en and es")
        return self

    @property
    def accepted(self) -> frozenset[Status]:
        """The statuses that count as being there."""
        return frozenset({Status.PRESENT, *(Status[name.upper()] for name in self.accept)})


@dataclass(frozen=True)
class Evidence:
    """Words that speak for a rule: what they mean, how they are said, and where."""

    name: str
    words: str
    status: Status
    sentence: int


@dataclass(frozen=True)
class Case:
    """All that is known of one message and person, ready for the rules."""

    hits: Mapping[str, tuple[Evidence, ...]]
    readings: tuple[tuple[Reading, Evidence], ...]
    person: Person
    about_other: bool
    everything: bool = field(default=False)
    accepted: frozenset[Status] = frozenset({Status.PRESENT})

    def said(self, concept: str) -> tuple[Evidence, ...]:
        """Evidence of ``concept`` whose status counts."""
        found = self.hits.get(concept, ())
        return tuple(e for e in found if self.everything or e.status in self.accepted)

    def values(self, kind: Kind) -> tuple[tuple[float, Evidence], ...]:
        """Readings of ``kind`` whose status counts."""
        return tuple(
            (r.value, e)
            for r, e in self.readings
            if r.kind == kind and (self.everything or e.status in self.accepted)
        )

    def ages(self) -> tuple[float, ...]:
        """Ages told in the text; else the person's own, unless another person is spoken of."""
        told = tuple(r.value for r, _ in self.readings if r.kind == "age_years")
        if told or self.about_other or self.person.age_years is None:
            return told
        return (float(self.person.age_years),)


def clue(condition: Condition) -> frozenset[str] | None:
    """Concepts of which at least one is said wherever a condition holds; None: it needs no word.

    Most rules name words that a message lacks, and need not be held against it.
    """
    if condition.concept is not None:
        return frozenset({condition.concept})
    if condition.near is not None:
        return frozenset(condition.near[:1])
    if condition.all is not None:
        needed = [found for child in condition.all if (found := clue(child)) is not None]
        return min(needed, key=len, default=None)
    if condition.any is not None:
        either = [clue(child) for child in condition.any]
        return None if None in either else frozenset().union(*(found or () for found in either))
    return None


Proof = tuple[Evidence, ...] | None
"""The evidence that satisfies a condition; None when it does not hold."""


def hold(condition: Condition, case: Case) -> Proof:
    """Return the evidence for ``condition``, or None when it does not hold."""
    name = next(iter(condition.model_fields_set))
    return _CHECKS[name](condition, case)


def _concept(condition: Condition, case: Case) -> Proof:
    return case.said(condition.concept or "")[:1] or None


def _all(condition: Condition, case: Case) -> Proof:
    proofs: list[Evidence] = []
    for child in condition.all or ():
        proof = hold(child, case)
        if proof is None:
            return None
        proofs.extend(proof)
    return tuple(proofs)


def _any(condition: Condition, case: Case) -> Proof:
    proofs = (hold(child, case) for child in condition.any or ())
    return next((p for p in proofs if p is not None), None)


def _near(condition: Condition, case: Case) -> Proof:
    found = [case.said(name) for name in condition.near or ()]
    shared = set.intersection(*({e.sentence for e in said} for said in found))
    if not shared:
        return None
    first = min(shared)
    return tuple(next(e for e in said if e.sentence == first) for said in found)


def _none(condition: Condition, case: Case) -> Proof:
    return None if any(case.said(name) for name in condition.none or ()) else ()


def _vital(condition: Condition, case: Case) -> Proof:
    for kind, bounds in (condition.vital or {}).items():
        for value, evidence in case.values(kind):
            if bounds.holds(value):
                return (evidence,)
    return None


def _age(condition: Condition, case: Case) -> Proof:
    bounds = condition.age
    return () if bounds and any(bounds.holds(age) for age in case.ages()) else None


def _sex(condition: Condition, case: Case) -> Proof:
    known = None if case.about_other else case.person.sex
    return () if known in (None, condition.sex) else None


def _pregnant(condition: Condition, case: Case) -> Proof:
    told = bool(case.said("pregnant")) or any(r.kind == "gestation_weeks" for r, _ in case.readings)
    known = bool(case.person.pregnant) and not case.about_other
    return () if (told or known) == condition.pregnant else None


_CHECKS: dict[str, Callable[[Condition, Case], Proof]] = {
    "concept": _concept,
    "all": _all,
    "any": _any,
    "near": _near,
    "none": _none,
    "vital": _vital,
    "age": _age,
    "sex": _sex,
    "pregnant": _pregnant,
}
