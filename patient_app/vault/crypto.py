"""What is done with the data key: names, rows, and the seal over the whole state."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import asdict, dataclass, replace
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from compliance.errors import BadInputError
from compliance.sealing.encoding import canonical_json
from patient_app.vault.errors import VaultDamagedError
from patient_app.vault.header import FORMAT, NONCE_BYTES

TAG_BYTES = 16
KIND_NAME_BYTES = 16
ID_NAME_BYTES = 16
ROW_STEP_BYTES = 128
"""Rows are padded to a multiple of this, so that lengths tell little."""

_SUM_MODULUS = 1 << 256


@dataclass(frozen=True)
class State:
    """What the whole vault is at one moment.

    Attributes:
        counter: grows by one with each transaction.
        rows: number of rows.
        total: keyed multiset hash over all rows, a sum modulo 2^256.
        header: SHA-256 of the header, hexadecimal.
        anchor_key: key of the anchor's MAC, hexadecimal; it outlives passphrase changes.
    """

    counter: int
    rows: int
    total: int
    header: str
    anchor_key: str

    def plus(self, element: int) -> State:
        """Return the state with one row more."""
        total = (self.total + element) % _SUM_MODULUS
        return replace(self, rows=self.rows + 1, total=total)

    def minus(self, element: int) -> State:
        """Return the state with one row less."""
        total = (self.total - element) % _SUM_MODULUS
        return replace(self, rows=self.rows - 1, total=total)


class Keys:
    """The keys derived from one data key of one vault.

    Attributes:
        data_key: itself.
    """

    def __init__(self, vault: str, data_key: bytes) -> None:
        self._vault, self.data_key = vault, data_key

        def derive(purpose: str) -> bytes:
            info = f"caretier/vault/{FORMAT}/{purpose}".encode()
            return HKDF(SHA256(), 32, salt=bytes.fromhex(vault), info=info).derive(data_key)

        self._names = derive("names")
        self._multiset = derive("multiset")
        self._rows = AESGCM(derive("rows"))
        self._state = AESGCM(derive("state"))

    def kind_name(self, kind: str) -> bytes:
        """Return the 16-byte name of a kind, the first half of its rows' names."""
        return self._mac(["kind", kind])[:KIND_NAME_BYTES]

    def row_name(self, kind: str, id_: str) -> bytes:
        """Return the 32-byte name of a row."""
        return self.kind_name(kind) + self._mac(["id", kind, id_])[:ID_NAME_BYTES]

    def _mac(self, parts: list[str]) -> bytes:
        return hmac.digest(self._names, canonical_json(parts), hashlib.sha256)

    def name_of(self, plain: bytes) -> bytes:
        """Return the name that a row's plaintext has under these keys."""
        kind, id_, _ = read_row(plain)
        return self.row_name(kind, id_)

    def seal_row(self, name: bytes, version: int, kind: str, id_: str, value: Any) -> bytes:
        """Encrypt one row: nonce, ciphertext, tag.

        Raises:
            BadInputError: the value is not JSON.
        """
        try:
            plain = canonical_json([kind, id_, value])
        except (TypeError, ValueError, RecursionError):
            raise BadInputError("The vault keeps JSON values only.") from None
        # Spaces after JSON are no part of it, so the padding needs no length of its own.
        plain = plain.ljust(-(-len(plain) // ROW_STEP_BYTES) * ROW_STEP_BYTES)
        return self.reseal_row(name, version, plain)

    def reseal_row(self, name: bytes, version: int, plain: bytes) -> bytes:
        """Encrypt a row's padded plaintext under a fresh nonce."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._rows.encrypt(nonce, plain, self._aad("row", name.hex(), version))

    def open_row(self, name: object, version: object, sealed: object) -> bytes:
        """Decrypt one row to its padded plaintext; takes whatever the file held.

        Raises:
            VaultDamagedError: it is not a row of this vault at this name and version.
        """
        if not (isinstance(name, bytes) and isinstance(version, int)):
            raise VaultDamagedError("A row of the vault is damaged.")
        return self._open(self._rows, sealed, self._aad("row", name.hex(), version))

    def element(self, name: object, version: object, sealed: object) -> int:
        """Return a row's element of the multiset hash.

        Raises:
            VaultDamagedError: the row is not of the right shape.
        """
        if not (isinstance(name, bytes) and isinstance(version, int)):
            raise VaultDamagedError("A row of the vault is damaged.")
        if not isinstance(sealed, bytes):
            raise VaultDamagedError("A row of the vault is damaged.")
        message = self._aad("element", name.hex(), version) + sealed[-TAG_BYTES:]
        return int.from_bytes(hmac.digest(self._multiset, message, hashlib.sha256), "big")

    def seal_state(self, state: State) -> bytes:
        """Encrypt the state: nonce, ciphertext, tag."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        plain = canonical_json(asdict(state) | {"total": f"{state.total:064x}"})
        return nonce + self._state.encrypt(nonce, plain, self._aad("state", "", 0))

    def open_state(self, sealed: object) -> State:
        """Decrypt the state.

        Raises:
            VaultDamagedError: it is not this vault's.
        """
        body = json.loads(self._open(self._state, sealed, self._aad("state", "", 0)))
        return State(**(body | {"total": int(body["total"], 16)}))

    def _open(self, cipher: AESGCM, sealed: object, aad: bytes) -> bytes:
        if not isinstance(sealed, bytes) or len(sealed) < NONCE_BYTES + TAG_BYTES:
            raise VaultDamagedError("A row of the vault is damaged.")
        try:
            return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], aad)
        except InvalidTag:
            raise VaultDamagedError("A row of the vault is damaged.") from None

    def _aad(self, purpose: str, name: str, version: int) -> bytes:
        return canonical_json(["caretier-vault", FORMAT, self._vault, purpose, name, version])


def read_row(plain: bytes) -> tuple[str, str, Any]:
    """Return kind, id and value of a row's plaintext."""
    kind, id_, value = json.loads(plain)
    return kind, id_, value
