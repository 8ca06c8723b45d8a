"""What can be wrong with a rollout."""

from __future__ import annotations

from compliance.errors import CaretierError
from services.learning.errors import RoundBlockedError


class RolloutOverError(CaretierError):
    """A release is not in the state in which this could be done with it."""

    kind = "rollout-over"
    status = 409
    exit_code = 93
    remedy = "`caretier rounds rollout` shows how far each release is."


class NoChannelError(RoundBlockedError):
    """Cohorts cannot be told apart: nobody may sign the channels of the repository here."""

    kind = "no-channel"
    exit_code = 94
    remedy = "Make the role and its key: `caretier bricks repository channels --make`; then retry."
