"""What can go wrong at the hospital."""

from __future__ import annotations

from compliance.errors import CaretierError


class SignInError(CaretierError):
    """User name or password is wrong, or the account is locked or disabled."""

    kind = "sign-in-failed"
    status = 401
    exit_code = 40
    remedy = "Check both; after five failures wait five minutes, or ask an operator."


class NotAllowedError(CaretierError):
    """The role or the key does not allow this."""

    kind = "not-allowed"
    status = 403
    exit_code = 41
    remedy = "Ask an operator for the role or the scope."


class StaleDraftError(CaretierError):
    """Somebody else saved or signed this referral in the meantime."""

    kind = "stale-draft"
    status = 409
    exit_code = 42
    remedy = "Your text is kept on the page: copy it, reload, and look at what changed."


class NoRelationError(CaretierError):
    """You do not treat this patient by the record; in an emergency the portal opens the chart."""

    kind = "no-treatment-relation"
    status = 403
    exit_code = 47
    remedy = "In an emergency open the chart in the portal and say why; it will be reviewed."


class UnreadableError(CaretierError):
    """A text was sealed with a key that is not here any more, or was changed."""

    kind = "unreadable"
    status = 410
    exit_code = 48
    remedy = "Its key may have been destroyed by an erasure; otherwise put the key folder back."


class ProviderError(CaretierError):
    """The identity provider does not answer, or is not set up as it should be."""

    kind = "identity-provider"
    status = 502
    exit_code = 49
    remedy = "Try again; if it persists, ask an operator to check the identity provider."


class HeldError(CaretierError):
    """A legal hold keeps this; nothing was erased."""

    kind = "legal-hold"
    status = 409
    exit_code = 39
    remedy = "Ask the privacy officer whether the hold can be lifted."


class AccountRefusedError(CaretierError):
    """This change of an account is not made; ``reason`` says why in a word.

    Attributes:
        reason: ``own``, ``last``, ``provider``, ``name``, ``role`` or ``why``.
    """

    kind = "account-refused"
    status = 409
    exit_code = 58
    remedy = "Nothing was changed. Another administrator may do it."

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class CodeOverError(CaretierError):
    """A code for choosing a password is wrong, used, or too old."""

    kind = "code-over"
    status = 401
    exit_code = 59
    remedy = "Ask an administrator for a new code."


class StaleProofError(CaretierError):
    """Accounts are changed only by somebody who proved a short while ago who they are."""

    kind = "stale-proof"
    status = 403
    exit_code = 90
    remedy = "Say again who you are, then do it once more."
