"""What somebody asks the advisor for."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from services.advisor.hardware import Machine
from services.advisor.need import Language
from services.bricks.manifest import Level

PROMPT, ANSWER = 1024, 200
"""Tokens of a usual prompt (rules, question, sources) and of its answer."""
SHARE = 0.7
"""Of the memory, at most so much for a model with its context; the rest is for everything else."""


class Wish(BaseModel):
    """A need and its bounds; what is left out bounds nothing.

    Attributes:
        need: in words; it is used to find the domain, and neither kept nor sent anywhere.
        language: that answers are to be in; tier: that the model is to run on.
        context: tokens of prompt and answer together.
        contexts: requests that run at once.
        tokens_per_second: written, at least.
        seconds: for a usual prompt and its answer (PROMPT and ANSWER tokens), at most.
        memory: bytes, instead of what the machine has.
        research: take models, too, whose licence is for research alone.
        machine: that the model is to run on; by default the one that answers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    need: str | None = Field(default=None, min_length=1, max_length=2000)
    language: Language | None = None
    tier: Level | None = None
    context: int = Field(default=4096, ge=256, le=1_048_576)
    contexts: int = Field(default=1, ge=1, le=64)
    tokens_per_second: float | None = Field(default=None, gt=0, le=100_000)
    seconds: float | None = Field(default=None, gt=0, le=86_400)
    memory: int | None = Field(default=None, ge=1 << 26, le=1 << 46)
    research: bool = False
    machine: Machine | None = None
