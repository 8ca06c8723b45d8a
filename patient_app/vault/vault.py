"""The vault itself: creating, opening, writing, changing the passphrase, erasing."""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from patient_app.vault.admission import admit, current_state, note, require_current
from patient_app.vault.anchor import Anchor
from patient_app.vault.crypto import Keys, State, read_row
from patient_app.vault.database import FILE_NAME, Database
from patient_app.vault.errors import (
    VaultError,
    VaultExistsError,
    VaultMissingError,
    WrongPassphraseError,
)
from patient_app.vault.header import HEADER_FORMAT, Header, Lasting, Secret
from patient_app.vault.kdf import KEY_BYTES, KdfParameters
from patient_app.vault.outer import OuterKey, from_recovery, to_recovery
from patient_app.vault.providers import KeyProvider
from patient_app.vault.recovery import RecoveryCode, RecoverySlot
from patient_app.vault.transaction import Transaction, read_kind
from patient_app.vault.whole import (
    ALL_ROWS,
    header_digest,
    lay_down,
    put_state,
    read_header,
    rekey,
    shred,
)


class Vault:
    """An open vault; made by `create` or `open`. Threads may share it, they take turns."""

    def __init__(
        self, folder: Path, database: Database, header: Header, keys: Keys, secret: Secret
    ) -> None:
        self.folder = folder
        self._database = database
        self._header = header
        self._keys = keys
        self._provider = secret if isinstance(secret, KeyProvider) else None
        self._anchor = Anchor(header.vault)
        self._lock = threading.RLock()
        self._writing = False

    @classmethod
    def create(
        cls, folder: Path, passphrase: Lasting, *, kdf: KdfParameters | None = None
    ) -> Vault:
        """Make an empty vault.

        Args:
            folder: made if needed, readable by its owner only.
            passphrase: what will open it, or a `KeyProvider`.
            kdf: cost of a guess; smaller than the default in tests only.

        Raises:
            VaultExistsError: there is one already.
            BadInputError: the passphrase is empty.
            VaultKeyUnavailableError: the provider does not keep the key.
            VaultError: folder or anchor cannot be written.
        """
        path = folder / FILE_NAME
        if path.exists():
            raise VaultExistsError("There is a vault in this folder already.")
        vault, data_key = secrets.token_hex(16), secrets.token_bytes(KEY_BYTES)
        outer = OuterKey(vault)
        try:
            header = Header.wrap(
                vault, data_key, passphrase, kdf or KdfParameters(), outer.create()
            )
            keys = Keys(vault, data_key)
            state = State(1, 0, 0, header_digest(header), secrets.token_hex(32))
            lay_down(folder, header, keys, state)
        except BaseException as error:
            with contextlib.suppress(VaultError):
                outer.destroy()
            if isinstance(error, OSError):
                raise VaultError(
                    "The vault cannot be written.", remedy="Check the folder and the disk space."
                ) from None
            raise
        return cls(folder, Database(path), header, keys, passphrase)

    @classmethod
    def open(
        cls,
        folder: Path,
        passphrase: Secret,
        *,
        accept_restore: bool = False,
        recovery: str | None = None,
    ) -> Vault:
        """Open a vault after checking all of it.

        Args:
            folder: where it lies.
            passphrase: what it was made with, or its recovery code.
            accept_restore: the person says that this is a backup put back, or a vault moved here;
                it then counts as the newest.
            recovery: the recovery text, on a device that has no outer key of this vault; it is
                kept here then.

        Raises:
            VaultMissingError: there is none.
            VaultOuterKeyMissingError: it was moved here without its recovery text, or erased.
            BadInputError: the recovery text was mistyped.
            WrongPassphraseError: the passphrase does not fit.
            VaultDamagedError: any part of the file is not as the vault left it.
            VaultRolledBackError: it is older than this device has seen, or (as
                `VaultAnchorMissingError`) this device cannot tell.
            VaultKeyUnavailableError: the provider does not give its key.
            VaultBusyError: another process keeps it.
        """
        if not cls.exists(folder):
            raise VaultMissingError("There is no vault in this folder.")
        database = Database(folder / FILE_NAME)
        try:
            header = read_header(database)
            outer = _outer_key(header, recovery)
            keys = Keys(header.vault, header.unwrap(passphrase, outer))
            admit(database, keys, header, accept_restore=accept_restore)
            if outer is not None and recovery is not None:
                OuterKey(header.vault).keep(outer)
        except BaseException:
            database.close()
            raise
        vault = cls(folder, database, header, keys, passphrase)
        if header.format < HEADER_FORMAT and not isinstance(passphrase, RecoveryCode):
            vault.change_passphrase(passphrase, passphrase)
        return vault

    @staticmethod
    def exists(folder: Path) -> bool:
        """Say whether there is a vault's file in this folder."""
        return (folder / FILE_NAME).is_file()

    @property
    def id(self) -> str:
        """The vault's random id, 32 hexadecimal digits."""
        return self._header.vault

    @contextlib.contextmanager
    def write(self) -> Iterator[Transaction]:
        """Change the vault: all of the block's changes are kept, or none if it raises.

        Raises:
            VaultBusyError: another process keeps the vault.
            VaultReopenError: the passphrase was changed elsewhere.
            VaultError: the disk is full, the vault is closed, or the block is inside another.
        """
        with self._lock:
            if self._writing:
                raise VaultError("The vault is being written already.")
            self._writing = True
            try:
                with self._database.transaction():
                    tx = Transaction(self._database, self._keys, self._state())
                    try:
                        yield tx
                    finally:
                        tx.end()
                    if tx.changed:
                        state = replace(tx.state, counter=tx.state.counter + 1)
                        put_state(self._database, self._keys, state)
            finally:
                self._writing = False
            if tx.changed:
                note(self._anchor, state)

    def get(self, kind: str, id: str) -> Any:  # noqa: A002 - the vault's word for it
        """Return the value under kind and id, or None.

        Raises:
            VaultDamagedError: the row was changed since the vault was opened.
            VaultReopenError: the passphrase was changed elsewhere.
        """
        name = self._keys.row_name(kind, id)
        with self._reading():
            rows = self._database.execute(
                "SELECT version, sealed FROM rows WHERE name = ?", (name,)
            )
            return read_row(self._keys.open_row(name, *rows[0]))[2] if rows else None

    def items(self, kind: str) -> list[tuple[str, Any]]:
        """Return all ids and values of a kind, ordered by id; errors as in `get`."""
        with self._reading():
            return read_kind(self._database, self._keys, kind)

    def export(self) -> dict[str, Any]:
        """Return everything, decrypted, for the patient; errors as in `get`.

        Returns:
            ``{"vault", "exported", "kinds": {kind: {id: value}}}``.
        """
        kinds: dict[str, dict[str, Any]] = {}
        with self._reading():
            for row in self._database.stream(ALL_ROWS):
                kind, id_, value = read_row(self._keys.open_row(*row))
                kinds.setdefault(kind, {})[id_] = value
        return {"vault": self.id, "exported": datetime.now(UTC).isoformat(), "kinds": kinds}

    def verify(self) -> None:
        """Check the whole file again, as `open` does.

        Raises:
            VaultDamagedError: any part of it is not as the vault left it.
            VaultRolledBackError: it is older than this device has seen.
        """
        with self._lock:
            admit(self._database, self._keys, self._header)

    def backup(self, folder: Path) -> None:
        """Write a consistent copy, encrypted as it is, into another folder.

        Raises:
            VaultExistsError: there is a vault already.
            VaultError: it cannot be written.
        """
        target = folder / FILE_NAME
        if target.exists():
            raise VaultExistsError("There is a vault in this folder already.")
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o600))
        except OSError:
            raise VaultError("The backup cannot be written.") from None
        with self._lock:
            self._database.backup(target)

    def change_passphrase(self, old: Secret, new: Lasting) -> None:
        """Give the vault another passphrase (or provider) and another data key.

        Every row is encrypted anew, so an old copy with the old passphrase does not open what is
        written from now on. Other processes must open the vault again. A recovery code stays good,
        unless it is ``old``: then it is used up.

        Raises:
            WrongPassphraseError: ``old`` does not fit; nothing is changed.
            BadInputError: ``new`` is empty.
        """
        with self._lock:
            kept = None if isinstance(old, RecoveryCode) else self._header.recovery
            self._rekey(old, new, lambda key, _: kept.again(self.id, key) if kept else None)

    @property
    def has_recovery_code(self) -> bool:
        """Whether a recovery code opens the vault."""
        return self._header.recovery is not None

    def set_recovery_code(self, code: RecoveryCode | None, secret: Lasting | None = None) -> None:
        """Let a code open the vault beside the passphrase; or none any more.

        The first one is added as it is. One that takes another's place, or takes it away, comes
        with a new data key, so that the former code opens an old copy of the header for nothing.

        Args:
            code: the new one.
            secret: what opens the vault; may be left out for the first code.

        Raises:
            WrongPassphraseError: ``secret`` does not fit, or is missing; nothing is changed.
        """
        with self._lock:
            if secret is not None:
                self._rekey(
                    secret,
                    secret,
                    lambda key, outer: (
                        RecoverySlot.lay(self.id, key, code, outer) if code else None
                    ),
                )
                return
            if code is None or self.has_recovery_code:
                raise WrongPassphraseError("This takes the passphrase.")
            outer = OuterKey(self.id).read()
            slot = RecoverySlot.lay(self.id, self._keys.data_key, code, outer)
            header = self._header.with_recovery(slot)
            with self._database.transaction():
                state = self._put_header(header, self._keys, self._state())
            self._header = header
            note(self._anchor, state)

    def _rekey(
        self,
        old: Secret,
        new: Lasting,
        recovery: Callable[[bytes, bytes], RecoverySlot | None],
    ) -> None:
        """Encrypt all anew; ``recovery``: from data key and outer key to the code's slot."""
        with self._lock:
            before = self._header
            outer = OuterKey(before.vault)
            kept = outer.read() if before.needs_outer_key else outer.create()
            before.unwrap(old, kept)
            data_key = secrets.token_bytes(KEY_BYTES)
            header = Header.wrap(before.vault, data_key, new, before.kdf, kept)
            header = header.with_recovery(recovery(data_key, kept))
            keys = Keys(header.vault, data_key)
            with self._database.transaction():
                state = rekey(self._database, self._keys, keys, self._state())
                state = self._put_header(header, keys, state)
            self._header, self._keys = header, keys
            self._provider = new if isinstance(new, KeyProvider) else None
            note(self._anchor, state)
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            if isinstance(old, KeyProvider):
                old.erase(before.salt)

    def _put_header(self, header: Header, keys: Keys, state: State) -> State:
        """Write a header and the state that names it, in the caller's transaction."""
        state = replace(state, counter=state.counter + 1, header=header_digest(header))
        put_state(self._database, keys, state)
        self._database.execute("UPDATE header SET body = ?", (header.dump(),))
        return state

    def recovery_text(self) -> str:
        """The outer key written out, to open this vault or a backup of it on another device.

        Whoever has it and the passphrase opens a backup even after an erasure: it is for the
        person's own drawer.

        Raises:
            VaultOuterKeyMissingError: it is not on this device any more.
        """
        with self._lock:
            return to_recovery(OuterKey(self.id).read())

    def erase(self) -> None:
        """Destroy the keys, then the files, then the anchor. There is no way back.

        The outer key goes first: from then on no copy of the folder opens, here or in a backup.

        Raises:
            VaultError: the outer key could not be destroyed; nothing else was touched.
            VaultKeyUnavailableError: the key store did not erase its key; the files are gone.
        """
        with self._lock:
            OuterKey(self.id).destroy()
            with contextlib.suppress(VaultError), self._database.transaction():
                for table in ("header", "state", "rows"):
                    self._database.execute(f"DELETE FROM {table}")
            with contextlib.suppress(VaultError):
                self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._database.close()
            shred(self.folder)
            self._anchor.remove()
            if self._provider is not None:
                self._provider.erase(self._header.salt)

    @staticmethod
    def discard(folder: Path) -> None:
        """Erase a vault that cannot be opened any more; it needs no passphrase.

        A key in a key store stays behind; it opens nothing any more.

        Raises:
            VaultMissingError: there is none.
        """
        if not Vault.exists(folder):
            raise VaultMissingError("There is no vault in this folder.")
        with (
            contextlib.suppress(VaultError),
            contextlib.closing(Database(folder / FILE_NAME)) as db,
        ):
            vault = read_header(db).vault
            OuterKey(vault).destroy()
            Anchor(vault).remove()
        shred(folder)

    def _state(self) -> State:
        return current_state(self._database, self._keys, self._header)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """Take a turn, on one snapshot of the file; inside a write block, on that block's."""
        with self._lock:
            if self._writing:
                yield
                return
            with self._database.transaction("BEGIN"):
                require_current(self._database, self._header)
                yield

    def close(self) -> None:
        """Close the vault; closing twice is fine."""
        with self._lock:
            self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _outer_key(header: Header, recovery: str | None) -> bytes | None:
    """The outer key for a header: the device's own, else of the recovery text."""
    if not header.needs_outer_key:
        return None
    return OuterKey(header.vault).read() if recovery is None else from_recovery(recovery)
