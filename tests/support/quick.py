"""What makes the software slow on purpose, made quick where tests are about something else.

Passwords cost next to nothing to hash, and nobody waits for the disk: no test cuts the power of
this process. Processes that a test starts are as slow, and as safe, as ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from argon2 import PasswordHasher

from services.store import database

tune_sqlite = database._tune_sqlite
"""What the product sets on every connection."""


class QuickHasher(PasswordHasher):
    """Argon2id with the least cost."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)


def _tune(connection: Any, record: Any) -> None:
    tune_sqlite(connection, record)
    connection.execute("PRAGMA synchronous=OFF")


@contextmanager
def quick() -> Iterator[None]:
    """Quick passwords and disks while it is open."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("services.hospital.accounts.PasswordHasher", QuickHasher)
        patch.setattr(database, "_tune_sqlite", _tune)
        patch.setattr("os.fsync", lambda _descriptor: None)
        yield
