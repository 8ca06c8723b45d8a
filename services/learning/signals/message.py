"""A person's signal as it crosses to another tier: de-identified, and sealed to that tier."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from services.bricks.manifest import BrickId

GENERAL = "general"
"""Domain of what a person asks."""
MAX_CHARS = 40_000
"""Of one text; an answer is the longest."""
MAX_NOTE_CHARS = 2_000


def _whole(text: str) -> str:
    """Refuse half a character, which nothing can encode afterwards."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("half a character") from None
    return text


Words = Annotated[str, AfterValidator(_whole)]


class SentSignal(BaseModel):
    """What a person said of an answer.

    Attributes:
        message: says that this is a signal and no question.
        signal: its id; that of the envelope that it came in.
        verdict: ``up``, ``down``, or ``wrong`` with a note of why.
        domain: of the update policy.
        question, answer, note: masked, with the placeholders of one conversation.
        consent: id of the person's consent for learning; ends: when that runs out, None for never.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    message: Literal["signal"] = "signal"
    signal: str = Field(pattern=r"^[0-9a-f-]{36}$")
    verdict: Literal["up", "down", "wrong"]
    domain: BrickId = GENERAL
    question: Words = Field(min_length=1, max_length=MAX_CHARS)
    answer: Words = Field(max_length=MAX_CHARS)
    note: Words = Field(default="", max_length=4 * MAX_NOTE_CHARS)
    consent: str = Field(min_length=1, max_length=200)
    purpose: Literal["learning"] = "learning"
    ends: AwareDatetime | None = None

    def over(self, now: datetime) -> bool:
        """Whether the consent has run out."""
        return self.ends is not None and self.ends <= now


def signal_in(text: str) -> SentSignal | None:
    """The signal that a sealed text holds, None where it holds something else."""
    try:
        return SentSignal.model_validate_json(text)
    except ValidationError:
        return None
