"""What can go wrong at the portal, beside what accounts and desk refuse themselves."""

from __future__ import annotations

from compliance.errors import CaretierError, NotFoundError


class NotSignedInError(CaretierError):
    """There is no session, or it has run out; pages lead to the sign-in page."""

    kind = "not-signed-in"
    status = 401
    exit_code = 43
    remedy = "Sign in; text that was not saved is kept in the browser's tab."


class ForeignRequestError(CaretierError):
    """A change was asked for by another site; nothing was done."""

    kind = "foreign-request"
    status = 403
    exit_code = 44
    remedy = "Open the portal itself and try again."


class NoSuchPatientError(NotFoundError):
    """Nobody of this hospital's record has this id; nothing was opened."""

    kind = "no-such-patient"
    remedy = "Look the person up again; a number must be exactly as recorded."


class NoSuchResourceError(NotFoundError):
    """This person's record holds nothing such; whose it is otherwise, nobody is told."""

    kind = "no-such-resource"
    remedy = "Go back to the chart and open the entry from there."


class PlaceholderRefusedError(CaretierError):
    """A reply holds a placeholder that is not in the question; the device would refuse it.

    Attributes:
        found: the placeholders as they stand in the reply; they name no person.
    """

    kind = "placeholder-refused"
    status = 422
    exit_code = 45
    remedy = "Write each placeholder exactly as in the question, or leave it out."

    def __init__(self, message: str, *, found: tuple[str, ...]) -> None:
        super().__init__(message)
        self.found = found
