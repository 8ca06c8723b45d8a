"""The update policy: a reviewed file that says when a round may start and what lets it out."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from compliance.errors import BadInputError
from compliance.yamltext import read_yaml
from services.bricks.manifest import BrickId
from services.learning.aggregate.rules import Rule, least

POLICY = Path(__file__).with_name("policy.yaml")
Cohort = Literal["simulator", "one-clinic", "tenth", "all"]
Share = Field(ge=0, le=1)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Start(_Part):
    """When a round is proposed; each field is a lower bound, ``drift`` None asks for none."""

    contributions: int = Field(ge=1)
    sites: int = Field(ge=1)
    signals: int = Field(ge=0)
    error_rate: float = Share
    drift: float | None = Field(default=None, gt=0, le=1)
    wait_days: float = Field(ge=0)


class Probe(_Part):
    """What a contribution does by itself, before it is put together with others.

    ``most`` contributions of a round are tried, chosen at random where more came.
    """

    suites: tuple[str, ...] = Field(min_length=1)
    worse_by: float = Share
    most: int = Field(default=16, ge=1, le=1000)


class Take(_Part):
    """What a contribution must keep to; ``epsilon`` None asks for no privacy budget."""

    rank: int = Field(ge=1, le=512)
    modules: tuple[str, ...] = Field(min_length=1)
    max_norm: float = Field(gt=0, allow_inf_nan=False)
    epsilon: float | None = Field(default=None, gt=0)
    probe: Probe | None = None


class Together(_Part):
    """How contributions are put together."""

    rule: Rule
    hostile: int = Field(ge=0)
    max_lost: float = Share


class Release(_Part):
    """What lets an update out; see the file for each field."""

    suites: tuple[str, ...] = Field(min_length=1)
    min_gain: float = Field(ge=0, le=1)
    protected: tuple[str, ...] = Field(min_length=1)
    worse_by: float = Share
    safety: tuple[str, ...] = Field(min_length=1)
    confidence: float = Field(gt=0.5, lt=1)
    samples: int = Field(ge=200, le=100_000)
    items: int = Field(ge=1)
    shadow: int = Field(ge=0)
    approvals: int = Field(ge=1)


class Rollout(_Part):
    """Cohorts in their order, how long each is watched, and what stops it; see the file."""

    cohorts: tuple[Cohort, ...] = Field(min_length=1)
    answers: int = Field(default=50, ge=1)
    silent: float = Field(default=0.5, ge=0, lt=1)
    patience_hours: float = Field(default=72, ge=0)
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    watch_minutes: float = Field(ge=0)
    overrides: float = Share
    abstentions: float = Share
    referrals: float = Share
    latency: float = Field(ge=1)
    canaries: int = Field(ge=0)


class Credit(_Part):
    """How what each contribution added is measured, and how many measurements it may take.

    It weighs nothing: see `services.learning.credit`.
    """

    method: Literal["auto", "leave-one-out", "shapley", "none"] = "auto"
    evaluations: int = Field(default=14, ge=1, le=1000)
    tolerance: float = Field(default=0.01, ge=0, lt=1)


class DomainPolicy(_Part):
    """The policy of one domain."""

    start: Start
    take: Take
    aggregate: Together
    release: Release
    rollout: Rollout
    credit: Credit = Credit()

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.start.sites > self.start.contributions:
            raise ValueError("start asks for more sites than contributions")
        if self.rollout.cohorts[-1] != "all":
            raise ValueError("the last cohort is not all")
        return self

    @property
    def enough(self) -> int:
        """Contributions that a round needs: what ``start`` asks for and what the rule needs."""
        return max(self.start.contributions, least(self.aggregate.rule, self.aggregate.hostile))


class Policy(_Part):
    """The whole file."""

    format: Literal["caretier-update-policy/1"]
    domains: dict[BrickId, DomainPolicy] = Field(min_length=1)
    digest: str = ""

    @classmethod
    def load(cls, path: Path = POLICY) -> Self:
        """Read a policy.

        Raises:
            BadInputError: naming the field that is wrong.
        """
        try:
            raw = path.read_bytes()
            held = cls.model_validate(read_yaml(raw))
        except (OSError, yaml.YAMLError) as error:
            raise BadInputError(f"The update policy {path.name} cannot be read.") from error
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise BadInputError(f"The update policy: {place}: {first['msg']}.") from None
        return held.model_copy(update={"digest": f"sha256:{hashlib.sha256(raw).hexdigest()}"})

    def of(self, domain: str) -> DomainPolicy:
        """The policy of a domain.

        Raises:
            BadInputError: the file has none for it, so nothing is learned there.
        """
        found = self.domains.get(domain)
        if found is None:
            raise BadInputError(f"The update policy has no domain {domain}: nothing is learned.")
        return found
