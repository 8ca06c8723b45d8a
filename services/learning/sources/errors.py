"""What can be wrong with a source, with what it gave, or with a change made of it."""

from __future__ import annotations

from compliance.errors import CaretierError


class SourceRefusedError(CaretierError):
    """What a source gave is not taken; what was there before stays.

    Attributes:
        reason: the rule, a stable slug, like ``licence-changed``.
    """

    kind = "source-refused"
    status = 422
    exit_code = 95
    remedy = "Look at the source, and review its entry in the list of sources."

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason


class SourceAwayError(CaretierError):
    """A source gives no usable answer now; what was there before stays.

    Attributes:
        wait: seconds after which it wants to be asked again, where it said so.
    """

    kind = "source-away"
    status = 502
    exit_code = 96
    remedy = "It is asked again by itself; `caretier rounds sources list` says when."

    def __init__(self, message: str, *, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


class ChangeBlockedError(CaretierError):
    """This cannot be done with a change as it stands."""

    kind = "change-blocked"
    status = 409
    exit_code = 97
    remedy = "`caretier rounds sources show` tells what each criterion needs and has."
