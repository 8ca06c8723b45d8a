"""What can be wrong with a brick."""

from __future__ import annotations

from compliance.errors import CaretierError


class BrickError(CaretierError):
    """A brick cannot be used; the message names the file and the rule that it breaks."""

    kind = "brick-invalid"
    status = 422
    exit_code = 20
    remedy = "Mend the file that the message names, or leave the pack out."


class BrickUnknownError(CaretierError):
    """There is no brick of this name and version here."""

    kind = "brick-unknown"
    status = 404
    exit_code = 3
    remedy = "`caretier bricks list` shows what is here."


class BrickDamagedError(BrickError):
    """A file of a brick is missing or is not what its digest says; it is not used."""

    kind = "brick-damaged"
    status = 500
    remedy = "Fetch it again: `caretier bricks pull ID`."


class BrickNotWrittenError(BrickError):
    """The disk took no more; what was there before is there still."""

    kind = "brick-not-written"
    status = 507
    exit_code = 26
    remedy = "Free space on the disk, or make the folder writable, and do it again."


class BrickUntrustedError(BrickError):
    """A repository's metadata or a file from it does not hold; what was installed stays in use."""

    kind = "brick-untrusted"
    status = 502
    exit_code = 21
    remedy = "Nothing was changed. Try again; if it persists, ask who runs the repository."


class BrickRevokedError(BrickError):
    """The publisher took this version back; it is not used."""

    kind = "brick-revoked"
    status = 410
    exit_code = 22
    remedy = "Use a later version: `caretier bricks pull ID`."


class RepositoryAwayError(BrickError):
    """The repository gives no answer; what was installed stays in use."""

    kind = "brick-repository-away"
    status = 503
    exit_code = 23
    remedy = "Try again; a download goes on where it stopped."
