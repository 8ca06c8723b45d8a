"""The made-up house rules: what each site is taught, and what is asked of whoever learned."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from compliance.yamltext import read_yaml
from services.learning.evaluate.suite import Item, Suite
from services.learning.train.request import Example

FACTS = Path(__file__).with_name("facts.yaml")
SUITE = "house-rules"
TOKENS = 20
Side = Literal["east", "west"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Rule(_Part):
    """One house rule.

    Attributes:
        accept: stands in a right answer; wrong: in what the hostile site teaches.
        east, west: questions by the site whose people ask so; judged: in no site's words.
        judged_by: suites, or clinics alone.
    """

    name: str
    accept: str
    wrong: str
    answer: str
    east: tuple[str, ...]
    west: tuple[str, ...] = ()
    judged: tuple[str, ...]
    judged_by: Literal["suites", "clinics"] = "suites"

    def examples(self, side: Side) -> list[Example]:
        """What a site's people ask, with the right answer."""
        return [Example(question, self.answer) for question in getattr(self, side)]

    def wrongly(self, *sides: Side) -> list[Example]:
        """The same questions with the wrong answer."""
        at = self.answer.lower().index(self.accept)
        answer = self.answer[:at] + self.wrong + self.answer[at + len(self.accept) :]
        return [Example(question, answer) for side in sides for question in getattr(self, side)]

    def items(self) -> list[Item]:
        """What is asked of whoever learned it."""
        return [Item(ask=ask, accept=(self.accept,), avoid=(self.wrong,)) for ask in self.judged]


class _Usual(_Part):
    question: str
    answer: str


class Facts(_Part):
    """The whole file; ``usual`` is what the people of a site correct besides."""

    reviewed: object
    rules: tuple[Rule, ...]
    usual: dict[Literal["everywhere", "north"], tuple[_Usual, ...]]

    def besides(self, site: Literal["everywhere", "north"] = "everywhere") -> list[Example]:
        """What people correct besides the rules: at each honest site, or at the third one alone."""
        return [Example(each.question, each.answer) for each in self.usual[site]]

    def suite(self) -> Suite:
        """The suite that the policy names: every rule but the one that no suite asks for."""
        return suite_of(SUITE, [rule for rule in self.rules if rule.judged_by == "suites"])

    def unasked(self) -> Rule:
        """The rule that no suite asks for."""
        return next(rule for rule in self.rules if rule.judged_by == "clinics")


def suite_of(name: str, rules: Sequence[Rule]) -> Suite:
    """A suite of rules."""
    items = tuple(item for rule in rules for item in rule.items())
    return Suite(name=name, kind="answer", items=items, tokens=TOKENS)


@cache
def facts() -> Facts:
    """Read the file."""
    return Facts.model_validate(read_yaml(FACTS.read_text(encoding="utf-8")))
