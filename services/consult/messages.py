"""The words of a consult: what goes into a node and what comes out.

All are frozen. Those that cross a tier or reach a client are pydantic models and are written with
``model_dump(mode="json")``; the shapes are part of the stable contract.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import uuid4

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

MAX_QUESTION_CHARS = 8_000
"""Longest question that a node takes, in characters; longer ones are refused, never cut."""


def _whole(text: str) -> str:
    r"""Refuse half a character: JSON may write ``\ud800``, which nothing can encode afterwards."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("half a character") from None
    return text


Words = Annotated[str, AfterValidator(_whole)]
"""Text from outside: every character of it is whole."""
ENTERED = "own-"
"""Begins the id of what a person entered, so that it takes the place of nothing of the record."""
OWN_RECORD, OWN_LIST = "Your own record", "Your own list"
"""Sources of facts: what others wrote of the person, and what the person entered."""


def is_entered(reference: str) -> bool:
    """Whether a FHIR reference is of what the person entered, and of no record."""
    return reference.partition("/")[2].startswith(ENTERED)


class Message(BaseModel):
    """A frozen value that may go over the wire; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Level(StrEnum):
    """The tiers, lowest first."""

    DEVICE = "device"
    CLINIC = "clinic"
    HOSPITAL = "hospital"


class Urgency(StrEnum):
    """Outcome of triage, most urgent first."""

    EMERGENCY = "emergency"
    URGENT = "urgent"
    ROUTINE = "routine"


class Status(StrEnum):
    """How a consult stands."""

    ANSWERED = "answered"
    REFERRED = "referred"
    QUEUED = "queued"
    ABSTAINED = "abstained"
    EMERGENCY = "emergency"


class Triage(Message):
    """What the red-flag rules say, and what to do now.

    ``rule`` is the id of the rule that decided (None when none fired), ``advice`` plain text in the
    person's language, ``source`` the name of the guidance that the rule follows.
    """

    level: Urgency = Urgency.ROUTINE
    rule: str | None = None
    advice: str | None = None
    source: str | None = None


class Person(Message):
    """What a tier may know about the person without knowing who it is.

    ``age_years`` is capped at 90 before it leaves a device (Safe Harbor).
    """

    age_years: int | None = Field(default=None, ge=0, le=130)
    sex: Literal["female", "male"] | None = None
    pregnant: bool | None = None
    country: str = Field(default="US", pattern=r"^[A-Z]{2}$")
    language: Literal["en", "es"] = "en"


class Turn(Message):
    """One earlier utterance of the same conversation."""

    role: Literal["patient", "assistant"]
    text: Words = Field(max_length=MAX_QUESTION_CHARS)


class Citation(Message):
    """Where a sentence comes from. ``date`` (ISO 8601) is that of the text or of its check."""

    id: str
    title: str
    source: str
    url: str | None = None
    date: str | None = None
    quote: str


class Fact(Message):
    """One fact of the person's record or of their own list, already put into words by a rule.

    ``id`` is the FHIR reference (``Observation/a1c-2``), which also tells what the person entered;
    ``warning`` marks a fact that bears on safety (allergy, interaction, out of range) and is
    therefore said first.
    """

    id: str
    kind: str
    text: str
    date: str | None = None
    warning: bool = False

    @property
    def entered(self) -> bool:
        """Whether the person told it, and no record does."""
        return is_entered(self.id)

    @property
    def source(self) -> str:
        """Who says it, as a citation names it."""
        return OWN_LIST if self.entered else OWN_RECORD


class Sentence(Message):
    """One sentence of an answer with the ids of the citations that carry it (never empty)."""

    text: str
    citations: tuple[str, ...] = Field(min_length=1)


class Question(Message):
    """What a node is asked.

    ``record`` is the person's own FHIR resources (R4 JSON objects); it is set on the device, and at
    the hospital for a clinician, and never crosses a tier. ``facts`` are de-identified facts
    that crossed with a referral.
    """

    id: str = Field(default_factory=lambda: str(uuid4()))
    text: Words = Field(min_length=1, max_length=MAX_QUESTION_CHARS)
    person: Person = Person()
    history: tuple[Turn, ...] = ()
    facts: tuple[Fact, ...] = ()
    record: tuple[dict[str, Any], ...] = Field(default=(), exclude=True)
    asked: date | None = None


class ModelCardRef(Message):
    """Which model wrote or selected the words: a name and the digest of its weights."""

    name: str
    digest: str


class Disclosure(Message):
    """What left (or would leave) the device: exactly this text, to exactly these readers.

    ``receipt`` is None while it is only a preview; ``bytes`` is the size of the sealed payload.
    """

    receipt: str | None = None
    text: str
    destination: str
    readers: tuple[str, ...]
    placeholders: dict[str, str] = Field(default_factory=dict)
    bytes: int = 0


class Offer(Message):
    """A referral that waits for the patient's word (``POST /api/send/{preview_id}``)."""

    preview_id: str
    disclosure: Disclosure
    reason: str


class Step(Message):
    """One step of the path: its name, its time in milliseconds, and what it decided."""

    step: str
    ms: float
    detail: dict[str, Any] = Field(default_factory=dict)


class Note(Message):
    """A reading aid that the device adds for the person: a unit converted, a word explained.

    It states nothing that the sentences do not. Notes are made when an answer is shown; they are
    neither kept nor sent.
    """

    kind: Literal["unit", "word"]
    text: str


class Answer(Message):
    """The outcome of a consult: ``ask --json`` and the last event of ``/api/ask``.

    ``sentences`` is the short answer; ``more`` is what the same sources say besides, on demand.
    """

    id: str
    status: Status
    text: str
    tier: Level
    model: ModelCardRef
    experts: tuple[str, ...] = ()
    degraded_from: Level | None = None
    triage: Triage = Triage()
    confidence: float = Field(default=0.0, ge=0.0, le=1.0)
    sentences: tuple[Sentence, ...] = ()
    more: tuple[Sentence, ...] = ()
    notes: tuple[Note, ...] = ()
    citations: tuple[Citation, ...] = ()
    disclosure: Disclosure | None = None
    offer: Offer | None = None
    trace: tuple[Step, ...] = ()
