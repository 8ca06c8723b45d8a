"""The root of every error that Caretier raises on purpose.

An error says what happened and what to do about it, carries a stable ``kind`` that becomes the
``type`` of an RFC 9457 problem document and, on the command line, an exit code. It never carries
protected data: its text goes to logs.
"""

from __future__ import annotations

from typing import ClassVar


class CaretierError(Exception):
    """Something failed in a way that a person can act on.

    Attributes:
        kind: stable slug, for example ``vault-locked``; ``urn:caretier:problem:<kind>`` on the
            wire.
        status: HTTP status of the problem document.
        exit_code: exit status of the command line.
        remedy: what the person can do, one sentence, safe to show.
        retry_after: seconds after which it may work, where that is known (``Retry-After``).
    """

    kind: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1
    remedy: ClassVar[str] = "Try again; if it persists, run `caretier doctor`."
    retry_after: int | None = None

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.advice = remedy or self.remedy


class BadInputError(CaretierError):
    """The caller sent something that cannot be used; nothing was changed."""

    kind = "bad-input"
    status = 422
    exit_code = 2
    remedy = "Correct the input and send it again."


class NotFoundError(CaretierError):
    """No such thing, or not for this caller: the two look alike on purpose."""

    kind = "not-found"
    status = 404
    exit_code = 3
    remedy = "Check the id."


class DisclosureRefusedError(CaretierError):
    """Nothing left: a step that protects the patient failed or said no."""

    kind = "disclosure-refused"
    status = 409
    exit_code = 4
    remedy = "Nothing was sent. The question is kept; correct the cause and send it again."
