"""What makes the software slow on purpose, made quick where tests are about something else.

Passwords cost next to nothing to hash, and nobody waits for the disk: no test cuts the power of
this process. What a process does once is done once in all tests of a worker, too: templates are
compiled when they are first shown, and routes are worked out when they are first asked. Processes
that a test starts are as slow, and as safe, as ever.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jinja2
import pytest
from argon2 import PasswordHasher
from jinja2.bccache import Bucket

from services.store import database
from tests.support.lazy_routes import lazily

tune_sqlite = database._tune_sqlite
"""What the product sets on every connection."""


class QuickHasher(PasswordHasher):
    """Argon2id with the least cost."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)


class Compiled(jinja2.BytecodeCache):
    """Templates that were compiled before; one whose text has changed is compiled again."""

    def __init__(self) -> None:
        self._held = dict[str, bytes]()

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill in what is held."""
        if bucket.key in self._held:
            bucket.bytecode_from_string(self._held[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Hold what was compiled."""
        self._held[bucket.key] = bucket.bytecode_to_string()


_compiled: defaultdict[tuple[str, ...], Compiled] = defaultdict(Compiled)
"""By the versioned addresses that stand in what is compiled."""


def _environment(**given: Any) -> jinja2.Environment:
    """The environment of `services.web.templating` with what was compiled before."""
    (addresses,) = given["extensions"]
    held = _compiled[tuple(one.base for one in addresses.known)]
    return jinja2.Environment(**given, bytecode_cache=held)  # noqa: S701 - the product chooses


def _tune(connection: Any, record: Any) -> None:
    tune_sqlite(connection, record)
    connection.execute("PRAGMA synchronous=OFF")


@contextmanager
def quick() -> Iterator[None]:
    """Quick passwords, disks, templates and routes while it is open."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("services.hospital.accounts.PasswordHasher", QuickHasher)
        patch.setattr("services.web.templating.Environment", _environment)
        patch.setattr(database, "_tune_sqlite", _tune)
        patch.setattr("os.fsync", lambda _descriptor: None)
        lazily(patch)
        yield
