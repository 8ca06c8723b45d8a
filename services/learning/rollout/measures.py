"""What a node counts while a release is in use: numbers alone, nothing of a person."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from compliance.errors import BadInputError
from services.bricks.manifest import BrickId

MOST = 100_000
"""Answers in one window at most: what is beyond is no count of a clinic's."""
AHEAD, BEHIND = timedelta(days=1), timedelta(days=30)
"""How far a node's clock may be off, or its report late."""


class Measures(BaseModel):
    """Counts of one window of time.

    Attributes:
        answers: questions that came to an end: answered, abstained from, or referred.
        overrides: of them, those whose answer somebody put right.
        abstentions: those that were not answered here.
        referrals: those that went to the tier above.
        latency_p50_ms: the median time to an answer, in milliseconds; None where there was none.
        canaries: canary questions that were asked; canaries_failed: those answered wrongly.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    answers: int = Field(default=0, ge=0, le=MOST)
    overrides: int = Field(default=0, ge=0)
    abstentions: int = Field(default=0, ge=0)
    referrals: int = Field(default=0, ge=0)
    latency_p50_ms: float | None = Field(default=None, ge=0, le=3_600_000, allow_inf_nan=False)
    canaries: int = Field(default=0, ge=0, le=MOST)
    canaries_failed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if max(self.overrides, self.abstentions, self.referrals) > self.answers:
            raise ValueError("more of one kind than there were answers")
        if self.canaries_failed > self.canaries:
            raise ValueError("more canaries failed than were asked")
        return self


class Report(BaseModel):
    """The measures of one window, and which version of a brick was in use all through it.

    Attributes:
        version: 0 for none.
        since: when the window began by the node's clock; it tells windows apart, so that the same
            report may be sent twice. Nothing is judged by it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    brick: BrickId
    version: int = Field(ge=0, le=999_999_999)
    since: AwareDatetime
    measures: Measures


def check_clock(since: datetime, now: datetime) -> None:
    """See that a window begins near enough to now.

    Raises:
        BadInputError: the node's clock is wrong, or it was away for too long.
    """
    if now - BEHIND <= since <= now + AHEAD:
        return
    raise BadInputError(
        f"A report is dated {since:%Y-%m-%d}, and here it is {now:%Y-%m-%d}.",
        remedy="Set the clock of the node that reports.",
    )
