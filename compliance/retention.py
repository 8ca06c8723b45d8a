"""Retention: one reviewed file says how long what is kept, and every tier deletes by it.

Workflow. ``Schedule.load()`` reads ``retention.yaml`` (or a hospital's own file of the same shape).
A tier gives, for each of its rules that has a duration, the function that deletes; `Sweeper` calls
them with the moment before which things are too old, and with what is under legal hold. A rule
without its function, or a function without its rule, is refused when the tier starts: what nobody
deletes must not look as if it were.

Example:
    >>> schedule = Schedule.load()
    >>> schedule.rule("hospital.referral").keep
    datetime.timedelta(days=365)
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from compliance.errors import CaretierError
from compliance.yamltext import read_yaml

DEFAULT = Path(__file__).with_name("retention.yaml")
Tier = Literal["device", "clinic", "hospital"]
Deleter = Callable[[datetime, frozenset[str]], int]
"""Deletes what is older than a moment and not held (subjects ``kind:id``); returns how many."""
_LOG = logging.getLogger("caretier.retention")


class RetentionError(CaretierError):
    """The retention schedule cannot be used as it is; nothing was deleted."""

    kind = "retention-schedule"
    status = 500
    exit_code = 8
    remedy = "Correct the retention file; `compliance/retention.yaml` shows its shape."


class Rule(BaseModel):
    """How long one thing is kept.

    Attributes:
        id: ``tier.thing``.
        tier: where it lies.
        what: it is.
        where: exactly it lies.
        after: what the time runs from.
        keep: for how long; None where no program deletes it by age.
        hold: whether a legal hold keeps it longer.
        why: it is kept so long.
        decides: whose decision that is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_min_length=1)

    id: str = Field(pattern=r"^(device|clinic|hospital)\.[a-z-]{2,40}$")
    tier: Tier
    what: str
    where: str
    after: str
    keep: timedelta | None = Field(ge=timedelta(0))
    hold: bool
    why: str
    decides: str

    @model_validator(mode="after")
    def _in_its_tier(self) -> Self:
        if not self.id.startswith(f"{self.tier}."):
            raise ValueError("an id begins with its tier")
        return self


class Schedule(BaseModel):
    """All rules, with when and by whom they were reviewed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str = Field(min_length=1)
    reviewed: date
    reviewer: str = Field(min_length=1)
    rules: tuple[Rule, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        if len({rule.id for rule in self.rules}) != len(self.rules):
            raise ValueError("a rule stands there twice")
        return self

    @classmethod
    def load(cls, path: Path = DEFAULT) -> Self:
        """Read a schedule.

        Raises:
            RetentionError: it cannot be read, or is not whole.
        """
        try:
            return cls.model_validate(read_yaml(path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError):
            raise RetentionError("The retention schedule cannot be read.") from None

    def rule(self, id_: str) -> Rule:
        """One rule.

        Raises:
            RetentionError: there is none with this id.
        """
        found = next((rule for rule in self.rules if rule.id == id_), None)
        if found is None:
            raise RetentionError("The retention schedule lacks a rule.")
        return found

    def of(self, tier: Tier) -> tuple[Rule, ...]:
        """The rules of a tier."""
        return tuple(rule for rule in self.rules if rule.tier == tier)


class Sweeper:
    """Deletes at one tier what is over.

    Args:
        schedule: says what is.
        tier: of this node.
        deleters: by rule id.
        holds: subjects under legal hold now (``referral:id``, ``patient:id``).

    Raises:
        RetentionError: a rule with a duration has no deleter, or a deleter no such rule.
    """

    def __init__(
        self,
        schedule: Schedule,
        tier: Tier,
        deleters: Mapping[str, Deleter],
        holds: Callable[[], frozenset[str]] = frozenset,
    ) -> None:
        timed = {rule.id: rule for rule in schedule.of(tier) if rule.keep is not None}
        if set(timed) != set(deleters):
            raise RetentionError("Retention rules and what deletes by them do not match.")
        self._rules, self._deleters, self._holds = timed, dict(deleters), holds

    def sweep(self, now: datetime) -> dict[str, int]:
        """Delete what is over; returns how many by rule.

        One that fails does not hold up the others; it is left out of the result and logged.
        """
        held, counts = self._holds(), dict[str, int]()
        for id_, rule in self._rules.items():
            before = now - (rule.keep or timedelta(0))
            try:
                counts[id_] = self._deleters[id_](before, held if rule.hold else frozenset())
            except Exception as error:  # noqa: BLE001 - the next hour tries again
                _LOG.error("retention %s: %s", id_, type(error).__name__)
        return counts
