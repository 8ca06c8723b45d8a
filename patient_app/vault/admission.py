"""Whether a vault may be used: whole, of these keys, and not older than the anchor says."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import replace

from patient_app.vault.anchor import Anchor
from patient_app.vault.crypto import Keys, State
from patient_app.vault.database import Database
from patient_app.vault.errors import VaultError, VaultReopenError, VaultRolledBackError
from patient_app.vault.header import Header
from patient_app.vault.whole import check_rows, put_state, read_state

_log = logging.getLogger(__name__)


def admit(database: Database, keys: Keys, header: Header, *, accept_restore: bool = False) -> None:
    """Return if the whole vault is as it was left, and the newest that this device has seen.

    Args:
        database: the vault's file.
        keys: of its data key.
        header: as it was read.
        accept_restore: take an older or unknown state, and make it the newest.

    Raises:
        VaultDamagedError: any part of the file is not as the vault left it.
        VaultRolledBackError: it is older than the anchor says, or there is no anchor to trust.
    """
    anchor = Anchor(header.vault)
    noted = anchor.read()
    with database.transaction("BEGIN"):
        database.check()
        state = current_state(database, keys, header)
        check_rows(database, keys, state)
    if accept_restore:
        _accept(database, keys, header, noted)
        return
    seen = anchor.counter(noted, state.anchor_key)
    if state.counter < seen:
        raise VaultRolledBackError("The vault is older than the one that was here last.")
    if state.counter > seen:
        note(anchor, state)


def _accept(database: Database, keys: Keys, header: Header, noted: bytes | None) -> None:
    """Make this state the newest there is, newer than the one it takes the place of."""
    anchor, seen = Anchor(header.vault), 0
    with database.transaction():
        state = current_state(database, keys, header)
        with contextlib.suppress(VaultRolledBackError):
            seen = anchor.counter(noted, state.anchor_key)
        state = replace(state, counter=max(state.counter, seen) + 1)
        put_state(database, keys, state)
    try:
        anchor.advance(state.counter, state.anchor_key, force=True)
    except OSError:
        raise VaultError("This device cannot note how new the vault is.") from None


def note(anchor: Anchor, state: State) -> None:
    """Note the newest state; a note that is behind is harmless and made good later."""
    try:
        anchor.advance(state.counter, state.anchor_key)
    except OSError as error:
        _log.warning("the vault's anchor was not written: errno %s", error.errno)


def current_state(database: Database, keys: Keys, header: Header) -> State:
    """Return the state as it is in the caller's transaction.

    Raises:
        VaultReopenError: ``header`` is no longer the vault's.
        VaultDamagedError: the state is missing or not genuine.
    """
    require_current(database, header)
    return read_state(database, keys, header)


def require_current(database: Database, header: Header) -> None:
    """Refuse to go on with keys that another process has replaced: rows would seem missing.

    Raises:
        VaultReopenError: ``header`` is no longer the vault's.
    """
    if database.execute("SELECT body FROM header") != [(header.dump(),)]:
        raise VaultReopenError("The passphrase was changed, or the vault erased, elsewhere.")
