"""What travels between tiers."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field, ValidationError

from compliance.receipt import Receipt
from compliance.sealing.encoding import canonical_json
from services.consult.messages import (
    MAX_QUESTION_CHARS,
    Answer,
    Fact,
    Level,
    Message,
    Person,
    Turn,
    Urgency,
    Words,
)
from services.exchange.errors import ReferralRefusedError

MAX_SEALED_CHARS = 12 << 20
"""Largest sealed text that a node takes, in characters of base64url."""


class ParcelState(StrEnum):
    """Where a referral stands, as the tier below sees it."""

    RECEIVED = "received"
    RELAYED = "relayed"
    ANSWERED = "answered"
    REFUSED = "refused"


class ReferredQuestion(Message):
    """The de-identified question: everything that another tier learns about the person.

    ``learning`` is the id of a consent under which the hospital may learn from the question and its
    reply; None where the person gave none.
    """

    referral: str
    text: Words = Field(max_length=4 * MAX_QUESTION_CHARS)  # placeholders are longer than names
    person: Person
    history: tuple[Turn, ...] = ()
    facts: tuple[Fact, ...] = ()
    urgency: Urgency = Urgency.ROUTINE
    reason: str = Field(default="not-covered", pattern=r"^[a-z-]{1,40}$")
    reply_to: str = Field(
        max_length=4096, description="public sealing key of the device, base64url"
    )
    learning: str | None = Field(default=None, min_length=1, max_length=200)


class SealedRequest(Message):
    """What is sealed: the question as the exact JSON text that the receipt covers, and its salt."""

    salt: str
    question: str


class Envelope(Message):
    """A referral on its way.

    ``sealed`` is base64url, sealed to ``key_id`` of the tier ``destination``; ``device`` is the
    public identity whose fingerprint and signature stand on the receipt.
    """

    id: str = Field(pattern=r"^[0-9a-f-]{36}$")
    destination: Literal[Level.CLINIC, Level.HOSPITAL]
    key_id: str = Field(pattern=r"^[0-9a-f]{16}$")
    device: str = Field(max_length=64)
    receipt: Receipt
    sealed: str = Field(max_length=MAX_SEALED_CHARS)

    def context(self) -> bytes:
        """What the seal is bound to besides its content."""
        return seal_context(self.id, self.destination, self.receipt.id)


class SignedReply(Message):
    """What is sealed to the device: the answer as JSON text, signed by the tier that gave it."""

    referral: str
    by: Level
    answer: str
    signature: str

    def answer_model(self) -> Answer:
        """The answer; raises ReferralRefusedError when it is none."""
        try:
            return Answer.model_validate_json(self.answer)
        except ValidationError:
            raise ReferralRefusedError("The reply holds no answer.") from None


class Parcel(Message):
    """The state of a referral and, once answered, its sealed reply (base64url)."""

    id: str
    state: ParcelState
    reply: str | None = None


class EnrolRequest(Message):
    """A one-time code and the keys of the node that enrols (a KeyBundle as JSON object)."""

    code: str = Field(min_length=8, max_length=200)
    bundle: dict[str, object]


class EnrolReply(Message):
    """Keys of the parent and of every tier above it that the new node may seal to."""

    node: str
    parent: dict[str, object]
    above: tuple[dict[str, object], ...] = ()


def seal_context(referral: str, destination: str, receipt: str) -> bytes:
    """Bytes that a sealed question is bound to, so that it cannot be moved to another envelope."""
    return b"caretier/referral/v1" + canonical_json(
        {"referral": referral, "destination": destination, "receipt": receipt}
    )


def reply_context(referral: str) -> bytes:
    """Bytes that a sealed reply is bound to."""
    return b"caretier/reply/v1" + canonical_json({"referral": referral})
