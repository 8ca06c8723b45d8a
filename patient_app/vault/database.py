"""The vault's SQLite file: statements and their errors, nothing of what the rows mean."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from patient_app.vault.errors import VaultBusyError, VaultDamagedError, VaultError

FILE_NAME = "vault.sqlite3"
SIDE_FILES = ("", "-wal", "-shm", "-journal")
"""What SQLite appends to the name of the file for those that it keeps beside it."""

BUSY_SECONDS = 30.0

_SCHEMA = (
    "CREATE TABLE header (id INTEGER PRIMARY KEY CHECK (id = 1), body BLOB NOT NULL)",
    "CREATE TABLE state (id INTEGER PRIMARY KEY CHECK (id = 1), sealed BLOB NOT NULL)",
    """CREATE TABLE rows (
        name BLOB PRIMARY KEY, version INTEGER NOT NULL, sealed BLOB NOT NULL
    ) WITHOUT ROWID""",
)
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


class Database:
    """One connection; used by one thread at a time, which the vault sees to.

    Args:
        path: the file.
        new: make it, with its tables; otherwise it must exist.

    Raises:
        VaultDamagedError: it is not a vault's file.
        VaultBusyError: another process holds it.
    """

    def __init__(self, path: Path, *, new: bool = False) -> None:
        mode = "rwc" if new else "rw"
        with _mapped():
            self._connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode={mode}",
                uri=True,
                timeout=BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
        try:
            self._prepare(new=new)
        except BaseException:
            self.close()
            raise

    def _prepare(self, *, new: bool) -> None:
        for pragma in (
            "trusted_schema=OFF",
            "cell_size_check=ON",
            "temp_store=MEMORY",
            "secure_delete=ON",
            "synchronous=FULL",
            "journal_mode=WAL",
        ):
            self.execute(f"PRAGMA {pragma}")
        for statement in _SCHEMA if new else ():
            self.execute(statement)

    def execute(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Run one statement and return all its rows.

        Raises:
            VaultBusyError: another process holds the file.
            VaultDamagedError: the file is broken.
            VaultError: the disk is full or fails.
        """
        with _mapped():
            return self._connection.execute(sql, values).fetchall()

    def stream(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """Run one query and give its rows one by one; errors as in `execute`."""
        with _mapped():
            yield from self._connection.execute(sql)

    @contextlib.contextmanager
    def transaction(self, begin: str = "BEGIN IMMEDIATE") -> Iterator[None]:
        """Commit what happens inside, or undo all of it if it raises.

        Raises:
            VaultError: there is a transaction already; errors as in `execute`.
        """
        if self._in_transaction():
            raise VaultError("The vault is being written already.")
        self.execute(begin)
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(VaultError):
                if self._in_transaction():
                    self.execute("ROLLBACK")
            raise

    def _in_transaction(self) -> bool:
        with _mapped():
            return self._connection.in_transaction

    def check(self) -> None:
        """Check the file's structure.

        Raises:
            VaultDamagedError: it is broken.
        """
        if self.execute("PRAGMA quick_check(1)") != [("ok",)]:
            raise VaultDamagedError("The vault's file is damaged.")

    def backup(self, target: Path) -> None:
        """Copy a consistent state of the file to ``target``; errors as in `execute`."""
        with _mapped(), contextlib.closing(sqlite3.connect(target)) as copy:
            self._connection.backup(copy)

    def close(self) -> None:
        """Close the connection; closing twice is fine."""
        with _mapped():
            self._connection.close()


@contextlib.contextmanager
def _mapped() -> Iterator[None]:
    """Turn SQLite's errors into the vault's; their texts could quote what the file holds."""
    try:
        yield
    except sqlite3.Error as error:
        raise _translate(error) from None
    except (UnicodeDecodeError, OverflowError, MemoryError):
        raise VaultDamagedError("The vault's file is damaged.") from None


def _translate(error: sqlite3.Error) -> VaultError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _BUSY:
        return VaultBusyError("Another process is using the vault.")
    if code in _FULL:
        return VaultError(
            "The vault cannot be written.", remedy="Free disk space; nothing was changed."
        )
    if isinstance(error, sqlite3.ProgrammingError):
        return VaultError("The vault is closed.")
    return VaultDamagedError("The vault's file is damaged.")
