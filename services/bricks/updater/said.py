"""What went wrong with a repository, in our words and with our errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tuf.api.exceptions import (
    BadVersionNumberError,
    DownloadError,
    DownloadHTTPError,
    DownloadLengthMismatchError,
    ExpiredMetadataError,
    LengthOrHashMismatchError,
    RepositoryError,
    SlowRetrievalError,
    UnsignedMetadataError,
)

from services.bricks.errors import BrickUntrustedError, RepositoryAwayError

_UNTRUSTED: dict[type[Exception], str] = {
    UnsignedMetadataError: "It is not signed by enough of the keys that are trusted.",
    ExpiredMetadataError: "It has expired: nobody renewed it, an old state is shown, or the clock"
    " here is wrong.",
    BadVersionNumberError: "It is older than what was seen before, or does not fit together.",
    LengthOrHashMismatchError: "A file is not what the signed metadata says.",
    DownloadLengthMismatchError: "A file is longer than it may be.",
}
_NOT_AUTHENTICATED, _FORBIDDEN = 401, 403


@contextmanager
def said(sentence: str) -> Iterator[None]:
    """Raise the errors of python-tuf as ours, behind a sentence that says what was wanted.

    Raises:
        BrickUntrustedError: what came does not hold.
        RepositoryAwayError: nothing came, too slowly, or it was refused.
    """
    try:
        yield
    except (RepositoryError, DownloadLengthMismatchError) as error:
        raise BrickUntrustedError(f"{sentence} {reason(error)}") from error
    except DownloadError as error:
        raise _away(sentence, error) from error


def reason(error: Exception) -> str:
    """One sentence on what does not hold."""
    for kind, told in _UNTRUSTED.items():
        if isinstance(error, kind):
            return told
    return "It cannot be read as signed metadata."


def _away(sentence: str, error: DownloadError) -> RepositoryAwayError:
    if isinstance(error, SlowRetrievalError):
        return RepositoryAwayError(f"{sentence} The repository gives it too slowly.")
    if not isinstance(error, DownloadHTTPError):
        return RepositoryAwayError(f"{sentence} The repository cannot be reached, or broke off.")
    remedy = None
    if error.status_code in {_NOT_AUTHENTICATED, _FORBIDDEN}:
        remedy = "This node is not let in: enrol it, or give the key of a program."
    return RepositoryAwayError(f"{sentence} It answered {error.status_code}.", remedy=remedy)
