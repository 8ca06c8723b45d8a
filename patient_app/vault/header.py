"""The vault's header: how its data key is wrapped. The only part that is not encrypted."""

from __future__ import annotations

import hashlib
import secrets
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from compliance.errors import BadInputError
from compliance.sealing.encoding import canonical_json, from_text, to_text
from patient_app.vault.errors import VaultDamagedError, VaultError, WrongPassphraseError
from patient_app.vault.kdf import KEY_BYTES, SALT_BYTES, KdfParameters
from patient_app.vault.providers import KeyProvider
from patient_app.vault.recovery import RecoveryCode, RecoverySlot

FORMAT = 1
"""Of rows and state."""
HEADER_FORMAT = 3
"""Of the header. Format 1 was wrapped without an outer key, 2 has no place for a recovery code; the
vault gets a new header when it is opened."""
NONCE_BYTES = 12

Lasting = str | KeyProvider
"""What a vault is given to be opened by: a passphrase, or who keeps its key."""
Secret = Lasting | RecoveryCode
"""What opens a vault: what it was given, or its recovery code."""


class Header(BaseModel):
    """How to get at the data key.

    Attributes:
        format: version of the header.
        vault: random id of the vault, 32 hexadecimal digits.
        method: whether a passphrase or a key provider wraps the data key.
        kdf: Argon2id parameters; kept for a provider too, for a later passphrase.
        salt: for Argon2id, base64url; also the name of the provider's key.
        wrapped: nonce and AES-256-GCM of the data key under the wrapping key, base64url.
        recovery: the way of the recovery code to the data key; None where there is no code.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: int
    vault: str = Field(pattern=r"^[0-9a-f]{32}$")
    method: Literal["passphrase", "provider"]
    kdf: KdfParameters
    salt: str
    wrapped: str = ""
    recovery: RecoverySlot | None = None

    @classmethod
    def wrap(
        cls, vault: str, data_key: bytes, secret: Lasting, kdf: KdfParameters, outer: bytes
    ) -> Header:
        """Wrap a data key under a fresh salt; a provider is given a fresh wrapping key to keep.

        Args:
            vault: id.
            data_key: to be wrapped.
            secret: passphrase or provider.
            kdf: cost of a guess.
            outer: the key outside the folder, see `patient_app.vault.outer`.

        Raises:
            BadInputError: the passphrase is empty.
            VaultKeyUnavailableError: the provider does not keep the key.
        """
        header = cls(
            format=HEADER_FORMAT,
            vault=vault,
            method="passphrase" if isinstance(secret, str) else "provider",
            kdf=kdf,
            salt=to_text(secrets.token_bytes(SALT_BYTES)),
        )
        if isinstance(secret, str):
            wrapping = kdf.derive(secret, from_text(header.salt))
        else:
            wrapping = secrets.token_bytes(KEY_BYTES)
            secret.store(header.salt, wrapping)
        nonce = secrets.token_bytes(NONCE_BYTES)
        wrapped = nonce + AESGCM(header._joined(wrapping, outer)).encrypt(
            nonce, data_key, header._aad()
        )
        return header.model_copy(update={"wrapped": to_text(wrapped)})

    def unwrap(self, secret: Secret, outer: bytes | None) -> bytes:
        """Return the data key.

        Args:
            secret: passphrase, provider or recovery code.
            outer: the key outside the folder; None for a header of format 1, which has none.

        Raises:
            WrongPassphraseError: the secret does not fit.
            VaultDamagedError: the wrapped key is unreadable.
            VaultKeyUnavailableError: the provider does not give its key.
        """
        if isinstance(secret, RecoveryCode):
            return self._recovered(secret, outer or b"")
        try:
            salt, wrapped = from_text(self.salt), from_text(self.wrapped)
        except ValueError:
            raise VaultDamagedError("The vault's header is damaged.") from None
        try:
            wrapping = self._wrapping_key(secret, salt)
            if self.needs_outer_key:
                wrapping = self._joined(wrapping, outer or b"")
            key = AESGCM(wrapping).decrypt(
                wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], self._aad()
            )
        except (InvalidTag, ValueError, BadInputError):
            raise WrongPassphraseError("This does not open the vault.") from None
        return key

    @property
    def needs_outer_key(self) -> bool:
        """Whether the data key is wrapped under an outer key as well."""
        return self.format > 1

    def with_recovery(self, recovery: RecoverySlot | None) -> Header:
        """The same header with another way for a recovery code, or with none."""
        return self.model_copy(update={"recovery": recovery})

    def _recovered(self, code: RecoveryCode, outer: bytes) -> bytes:
        if self.recovery is None:
            raise WrongPassphraseError("This vault is opened in another way.")
        return self.recovery.unwrap(self.vault, code, outer)

    def _joined(self, wrapping: bytes, outer: bytes) -> bytes:
        """The key under which the data key is wrapped, of both halves; neither suffices."""
        info = f"caretier/vault/{self.format}/wrapping".encode()
        salt = bytes.fromhex(self.vault)
        return HKDF(SHA256(), KEY_BYTES, salt=salt, info=info).derive(wrapping + outer)

    def _wrapping_key(self, secret: Lasting, salt: bytes) -> bytes:
        if isinstance(secret, str) != (self.method == "passphrase"):
            raise WrongPassphraseError("This vault is opened in another way.")
        if isinstance(secret, str):
            return self.kdf.derive(secret, salt)
        return secret.fetch(self.salt)

    def _aad(self) -> bytes:
        return b"caretier/vault/header\x00" + canonical_json(
            self.model_dump(mode="json", exclude={"wrapped", "recovery"})
        )

    def dump(self) -> bytes:
        """Return the header's bytes: SHA-256, then canonical JSON.

        The checksum is no protection; it tells accidental damage from a wrong passphrase.
        """
        body = canonical_json(self.model_dump(mode="json", exclude_none=True))
        return hashlib.sha256(body).digest() + body

    @classmethod
    def parse(cls, data: object) -> Header:
        """Read what `dump` wrote.

        Raises:
            VaultDamagedError: it is not a header.
            VaultError: it is one of a later format.
        """
        if not isinstance(data, bytes) or hashlib.sha256(data[32:]).digest() != data[:32]:
            raise VaultDamagedError("The vault's header is damaged.")
        try:
            header = cls.model_validate_json(data[32:])
        except ValidationError:
            raise VaultDamagedError("The vault's header is not one of this format.") from None
        if not 1 <= header.format <= HEADER_FORMAT:
            raise VaultError(
                "This vault was made by a later version of Caretier.", remedy="Update Caretier."
            )
        return header
