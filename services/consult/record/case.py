"""A case: the record, whom the question means, and what the question itself says of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from services.consult.record import words
from services.consult.record.chart import Chart
from services.consult.record.reading import Condition, Item, Medicine
from services.consult.record.situation import Situation
from services.consult.record.tables import Rule
from services.consult.record.wording import say

STATED = "Question/asked"
"""Reference of what the question states and no record shows."""


@dataclass(frozen=True)
class Case:
    """What the safety rules are held against.

    Attributes:
        chart: the record of the person that it speaks for.
        situation: whom the question is about.
        stated: medicines that the question names, with the words used.
        conditions: conditions that the question names, with the words used.
    """

    chart: Chart
    situation: Situation
    stated: Mapping[str, str] = field(default_factory=dict)
    conditions: Mapping[str, str] = field(default_factory=dict)

    @property
    def own(self) -> bool:
        """Whether the record speaks for whom the question is about."""
        return not self.situation.other

    def takes(self, medicine: str | None) -> bool:
        """Whether the person's list has an ingredient."""
        return self.own and any(medicine in m.generics for m in self.chart.active_medicines)

    def medicines(self, terms: set[str], but_not: str | None) -> list[Item]:
        """Medicines of the list, then of the question, that are of ``terms``."""
        listed = self.chart.active_medicines if self.own else []
        found: list[Item] = [
            m for m in listed if (m.classes | set(m.generics)) & terms and but_not not in m.generics
        ]
        return found or [
            _stated(name, phrase)
            for name, phrase in self.stated.items()
            if name != but_not and (words.classes_of(name) | {name}) & terms
        ]

    def opening(self, items: Sequence[Item], have: str, language: str) -> str:
        """Say where ``have`` comes from: the record, what the person entered, or the question."""
        if items[0].ref == STATED:
            return say("you-mention", language, have=have)
        mixed = len({item.entered for item in items}) > 1
        return say("both-have" if mixed else "record-lists", language, items[0], have=have)

    def matches(self, rule: Rule, language: str) -> Iterator[tuple[Item, str]]:
        """Yield at most one entry that makes ``rule`` fire, and the sentence that names it."""
        if rule.having:
            yield from self._conditions(set(rule.having), language)
        elif rule.state:
            yield from self._states(rule.state, language)
        elif rule.number:
            yield from self._numbers(rule, language)
        elif self._age_fits(rule):
            reference = self.chart.patient_ref if self.own else STATED
            yield Item(reference, "age", None), ""

    def _conditions(self, keys: set[str], language: str) -> Iterator[tuple[Item, str]]:
        from services.consult.record.safety import condition_name

        known = [c for c in self.chart.conditions if c.active and not c.unconfirmed]
        found: list[Condition] = [c for c in known if c.keys & keys] if self.own else []
        if found:
            yield (
                found[0],
                self.opening(found[:1], condition_name(found[0], language), language),
            )
            return
        for key, phrase in self.conditions.items():
            if key in keys:
                item = Item(STATED, phrase, None)
                yield item, self.opening([item], phrase, language)
                return

    def _states(self, state: str, language: str) -> Iterator[tuple[Item, str]]:
        if state == "pregnant" and self.own and self.chart.person.pregnant:
            item = Item(self.chart.pregnancy_ref, "pregnancy", None)
            yield item, say("is-pregnant", language)
        elif getattr(self.situation, state):
            key = f"mention-{state}"
            yield Item(STATED, state, None), say(key, language)

    def _numbers(self, rule: Rule, language: str) -> Iterator[tuple[Item, str]]:
        result = self.chart.fresh_number(str(rule.number)) if self.own else None
        if result is None or result.number is None:
            return
        low = rule.at_least if rule.at_least is not None else float("-inf")
        high = rule.below if rule.below is not None else float("inf")
        floor = rule.above if rule.above is not None else float("-inf")
        if low <= result.number < high and result.number > floor:
            name = words.data("tests")["tests"][rule.number][language]
            yield result, say("last-number", language, name=name, value=result.value)

    def _age_fits(self, rule: Rule) -> bool:
        months = self.chart.age_months if self.own else None
        ages = self.situation.ages
        if limit := rule.child_below:
            if self.own and months is not None:
                return months < limit
            return self.situation.child and ages is not None and ages.may_be_below(limit)
        if rule.age_over is None:
            return False
        known = months if months is not None else (ages.low if ages else None)
        return known is not None and known >= 12 * (rule.age_over + 1)


def _stated(name: str, phrase: str) -> Medicine:
    """A medicine that the question names and the record does not list."""
    return Medicine(
        ref=STATED,
        name=phrase,
        day=None,
        generics=(name,),
        classes=words.classes_of(name),
        active=True,
        on_hold=False,
        dose=None,
        reasons=(),
    )
