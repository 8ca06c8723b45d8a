"""What can go wrong on the device, besides the vault's own errors."""

from __future__ import annotations

from compliance.errors import CaretierError


class LockedError(CaretierError):
    """The record is locked."""

    kind = "locked"
    status = 401
    exit_code = 50
    remedy = "Unlock the record with its passphrase."


class NotLinkedError(CaretierError):
    """This device is not enrolled at a clinic, so nothing can be referred."""

    kind = "not-linked"
    status = 409
    exit_code = 51
    remedy = "Ask the clinic for a one-time code: `caretier device enrol CODE`."


class OtherPersonError(CaretierError):
    """The file holds another person's record; nothing was imported."""

    kind = "other-person"
    status = 409
    exit_code = 52
    remedy = "Each person has a record of their own on this device: bring it in there."


class TooManyTriesError(CaretierError):
    """Too many wrong passphrases in a short time."""

    kind = "too-many-tries"
    status = 429
    exit_code = 53
    remedy = "Wait a minute and try again."


class SignalSentError(CaretierError):
    """What was said of an answer has left the device, so it cannot be said otherwise any more."""

    kind = "signal-sent"
    status = 409
    exit_code = 89
    remedy = "To have it deleted, withdraw your consent for learning in the settings."


class ForeignRequestError(CaretierError):
    """A form came from another site, or without the token of its session; nothing was done."""

    kind = "foreign-request"
    status = 403
    exit_code = 44
    remedy = "Open the page on this device and try again."
