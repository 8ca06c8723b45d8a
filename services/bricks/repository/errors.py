"""What can go wrong with a repository at the publisher's side."""

from __future__ import annotations

from services.bricks.errors import BrickError


class RepositoryKeyError(BrickError):
    """Too few keys of a role are at hand, or one cannot be opened; nothing was published."""

    kind = "repository-key"
    status = 403
    exit_code = 24
    remedy = "Give the folders that hold the keys (--keys), and the right passphrase."


class RepositoryBusyError(BrickError):
    """Somebody else is changing the repository."""

    kind = "repository-busy"
    status = 409
    exit_code = 25
    remedy = "Wait until it is done, then do it again."
