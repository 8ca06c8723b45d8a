"""The vault as a whole: laying it down, its sealed state, checking and re-encrypting every row."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from patient_app.vault.anchor import Anchor
from patient_app.vault.crypto import Keys, State
from patient_app.vault.database import FILE_NAME, SIDE_FILES, Database
from patient_app.vault.errors import VaultDamagedError, VaultExistsError
from patient_app.vault.header import Header

ALL_ROWS = "SELECT name, version, sealed FROM rows"


def header_digest(header: Header) -> str:
    """Return the hexadecimal SHA-256 by which the state names its header."""
    return hashlib.sha256(header.dump()).hexdigest()


def lay_down(folder: Path, header: Header, keys: Keys, state: State) -> None:
    """Write a new, empty vault: under a draft name first, so that there is never half a vault.

    Raises:
        VaultExistsError: another process was quicker.
        OSError: folder or anchor cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = folder / f".{FILE_NAME}.{secrets.token_hex(8)}"
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with contextlib.closing(Database(draft, new=True)) as database, database.transaction():
            database.execute("INSERT INTO header (id, body) VALUES (1, ?)", (header.dump(),))
            put_state(database, keys, state)
        Anchor(header.vault).advance(state.counter, state.anchor_key, force=True)
        os.link(draft, folder / FILE_NAME)
    except FileExistsError:
        raise VaultExistsError("There is a vault in this folder already.") from None
    finally:
        for suffix in SIDE_FILES:
            draft.with_name(draft.name + suffix).unlink(missing_ok=True)
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def read_header(database: Database) -> Header:
    """Read the header.

    Raises:
        VaultDamagedError: there is none, or it is damaged.
        VaultError: it is of a later format.
    """
    rows = database.execute("SELECT body FROM header")
    if len(rows) != 1:
        raise VaultDamagedError("The vault has no header.")
    return Header.parse(rows[0][0])


def read_state(database: Database, keys: Keys, header: Header) -> State:
    """Read and authenticate the sealed state.

    Raises:
        VaultDamagedError: it is missing, not this vault's, or of another header.
    """
    rows = database.execute("SELECT sealed FROM state")
    if len(rows) != 1:
        raise VaultDamagedError("The vault has no state.")
    state = keys.open_state(rows[0][0])
    if state.header != header_digest(header):
        raise VaultDamagedError("The vault's header was exchanged.")
    return state


def put_state(database: Database, keys: Keys, state: State) -> None:
    """Seal the state into its row, inside the caller's transaction."""
    database.execute(
        "INSERT INTO state (id, sealed) VALUES (1, ?)"
        " ON CONFLICT (id) DO UPDATE SET sealed = excluded.sealed",
        (keys.seal_state(state),),
    )


def check_rows(database: Database, keys: Keys, state: State) -> None:
    """Decrypt every row, and compare number and multiset hash with the state.

    Raises:
        VaultDamagedError: a row was changed, added, removed, exchanged or rolled back.
    """
    found = replace(state, rows=0, total=0)
    for row in database.stream(ALL_ROWS):
        keys.open_row(*row)
        found = found.plus(keys.element(*row))
    if found != state:
        raise VaultDamagedError("Rows of the vault are missing, old or foreign.")


def rekey(database: Database, old: Keys, new: Keys, state: State) -> State:
    """Encrypt every row anew, inside the caller's transaction; return the new state.

    Raises:
        VaultDamagedError: the rows are not those of ``state``.
    """
    check_rows(database, old, state)
    fresh = replace(state, rows=0, total=0)
    for name, row in list(_renamed(database, old, new)):
        fresh = fresh.plus(new.element(*row))
        database.execute("DELETE FROM rows WHERE name = ?", (name,))
        database.execute("INSERT INTO rows (name, version, sealed) VALUES (?, ?, ?)", row)
    return fresh


def _renamed(
    database: Database, old: Keys, new: Keys
) -> Iterator[tuple[bytes, tuple[bytes, int, bytes]]]:
    """Give each row's old name, and the row under the new keys."""
    for name, version, sealed in database.stream(ALL_ROWS):
        plain = old.open_row(name, version, sealed)
        fresh = new.name_of(plain)
        yield name, (fresh, version, new.reseal_row(fresh, version, plain))


def shred(folder: Path) -> None:
    """Overwrite and remove the vault's files.

    Overwriting means little on flash memory, which writes elsewhere; that the keys are gone does.
    """
    for suffix in SIDE_FILES:
        path = folder / (FILE_NAME + suffix)
        with contextlib.suppress(OSError):
            with path.open("r+b") as file:
                file.write(secrets.token_bytes(path.stat().st_size))
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
