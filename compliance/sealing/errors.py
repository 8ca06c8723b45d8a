"""What sealing, keys and bundles refuse."""

from __future__ import annotations

from typing import ClassVar, Literal

from compliance.errors import CaretierError

SealingReason = Literal[
    "bad-key",
    "bad-signature",
    "expired",
    "malformed",
    "not-opened",
    "not-yet-valid",
    "too-large",
    "bad-padding",
    "replayed",
    "unknown-key",
    "unknown-version",
    "wrong-identity",
]


class SealingError(CaretierError):
    """Something could not be sealed, opened, or trusted; nothing of the content is told.

    Attributes:
        reason: stable slug for logs and tests, never shown to the sender of a sealed message.
    """

    kind: ClassVar[str] = "sealing-failed"
    status: ClassVar[int] = 422
    exit_code: ClassVar[int] = 6
    remedy: ClassVar[str] = "Fetch the other side's current keys, and send it again."

    def __init__(self, message: str, *, reason: SealingReason, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.reason: SealingReason = reason
