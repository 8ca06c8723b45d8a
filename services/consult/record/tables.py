"""The rules of ``data/facts``, read once; unknown fields and dangling keys are refused."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from services.consult.record import words

RULE_FILES = ("conditions", "interactions", "states")
"""Files of rules, in the order in which their warnings are said."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Text(_Entry):
    """The same sentence in both languages."""

    en: str
    es: str

    def within(self, language: str) -> str:
        """In ``language`` ("en" or "es")."""
        return self.es if language == "es" else self.en


class Source(_Entry):
    """Where a rule comes from; ``checked`` is the day of comparison with it, None for never."""

    name: str
    url: str
    checked: str | None


class Rule(_Entry):
    """A warning about a medicine in question.

    It fires when the medicine is one of ``asked`` (ingredients or classes) and the person takes one
    of ``taken``, has a condition of ``having``, is in ``state``, has a ``number`` within bounds, or
    is of the age. ``both``: holds the other way round too. ``owned`` False: not for a medicine of
    the person's own list.
    """

    id: str
    asked: tuple[str, ...]
    taken: tuple[str, ...] = ()
    both: bool = False
    having: tuple[str, ...] = ()
    state: Literal["pregnant", "breastfeeding"] | None = None
    number: str | None = None
    below: float | None = None
    above: float | None = None
    at_least: float | None = None
    age_over: int | None = None
    age_below: int | None = None
    months_below: int | None = None
    owned: bool = True
    text: Text
    source: str

    @property
    def grave(self) -> bool:
        """Whether the rule says not to, rather than to ask first."""
        words_of_danger = ("do not", "never", "must not", "should not take", "life-threatening")
        return any(part in self.text.en.lower() for part in words_of_danger)

    @property
    def child_below(self) -> int | None:
        """Age in months below which the rule fires, of a rule for children."""
        return self.months_below or (12 * self.age_below if self.age_below else None)


@lru_cache(maxsize=1)
def sources() -> Mapping[str, Source]:
    """The sources by key."""
    return {k: Source(**v) for k, v in words.data("facts/sources").items()}


@lru_cache(maxsize=1)
def rules() -> tuple[Rule, ...]:
    """All rules.

    Raises:
        pydantic.ValidationError: a rule has an unknown or missing field.
        KeyError: a rule names an effect, an action or a source that does not exist.
    """
    made = tuple(_rule(entry) for name in RULE_FILES for entry in words.data(f"facts/{name}"))
    for rule in made:
        sources()[rule.source]
    return made


def _rule(entry: Mapping[str, Any]) -> Rule:
    given = dict(entry)
    effects = words.data("facts/effects")
    said = effects["effects"][given.pop("effect")] if "effect" in given else None
    told = effects["actions"][given.pop("do", "none")]
    parts = {language: (said or given)[language] for language in ("en", "es")}
    given.pop("en", None)
    given.pop("es", None)
    text = {language: f"{part} {told[language]}".strip() for language, part in parts.items()}
    if "from" in given:
        given["at_least"] = given.pop("from")
    return Rule(text=Text(**text), **given)
