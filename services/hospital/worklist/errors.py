"""What can go wrong with who holds a referral."""

from __future__ import annotations

from compliance.errors import CaretierError


class TakenError(CaretierError):
    """Somebody else holds this referral; nothing was changed."""

    kind = "taken-already"
    status = 409
    exit_code = 42
    remedy = "Speak with who holds it, or open the referral and take it over there."


class NobodyToTakeError(CaretierError):
    """A referral is handed over to another clinician whose account is in use; this is none."""

    kind = "nobody-to-take"
    status = 422
    exit_code = 2
    remedy = "Choose a colleague from the list."


class CannotWaitError(CaretierError):
    """An emergency is never snoozed; nothing was changed."""

    kind = "cannot-wait"
    status = 409
    exit_code = 2
    remedy = "Answer it now, or hand it over."


class SnoozeTimeError(CaretierError):
    """A referral is snoozed until a later moment within two weeks, and with a reason."""

    kind = "snooze-time"
    status = 422
    exit_code = 2
    remedy = "Choose a moment that is still to come, and say why it can wait."


class CannotUndoError(CaretierError):
    """This can no longer be undone: time has passed, or somebody went on with the referral."""

    kind = "cannot-undo"
    status = 409
    exit_code = 42
    remedy = "Look at the referral, and change it as it should be now."
