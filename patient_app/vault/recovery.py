"""The recovery code: a second way to the data key, for a person who forgot the passphrase.

The code opens a private key in the header, and to its public half each data key is sealed. So a new
passphrase, which means a new data key, leaves the paper in the drawer good without anybody typing
it; and who has an old copy of the header and the passphrase of then has no way to the new key.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import BaseModel, ConfigDict

from compliance.errors import BadInputError
from compliance.sealing import SealingError, SealingKey, SealingPublic, seal, unseal
from compliance.sealing.encoding import canonical_json, from_text, to_text
from patient_app.vault.errors import VaultDamagedError, WrongPassphraseError
from patient_app.vault.kdf import KEY_BYTES

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Of a code: 32 signs, none of which is taken for another in handwriting."""
SECRET_CHARS = 26
"""Random signs of a code, 130 bits."""
CHECK_CHARS = 4
"""Signs after them that show a slip of the pen."""
GROUP = 5
NONCE_BYTES = 12
_ALIKE = str.maketrans("OIL", "011")


@dataclass(frozen=True)
class RecoveryCode:
    """A code as it is kept on paper; made by `new` or `read`.

    Attributes:
        text: its 30 signs, without hyphens.
    """

    text: str = field(repr=False)

    @classmethod
    def new(cls) -> Self:
        """Make a code from the system's randomness."""
        secret = "".join(secrets.choice(ALPHABET) for _ in range(SECRET_CHARS))
        return cls(secret + _check(secret))

    @classmethod
    def read(cls, typed: str) -> Self:
        """Read a code that was typed; case, spaces, hyphens and O for 0 do not matter.

        Raises:
            BadInputError: it is none, or was mistyped.
        """
        text = cleaned(typed)
        secret, check = text[:SECRET_CHARS], text[SECRET_CHARS:]
        if not set(text) <= set(ALPHABET) or check != _check(secret):
            raise BadInputError(
                "The recovery code was mistyped.",
                remedy="Compare it with your paper, group by group.",
            )
        return cls(text)

    @property
    def groups(self) -> tuple[str, ...]:
        """The six groups of five signs that it is written in."""
        return tuple(self.text[at : at + GROUP] for at in range(0, len(self.text), GROUP))

    def key(self, vault: str, outer: bytes) -> bytes:
        """The key under which the slot's private key lies; it takes the outer key too."""
        told = self.text[:SECRET_CHARS].encode("ascii") + outer
        info = b"caretier/vault/3/recovery"
        return HKDF(SHA256(), KEY_BYTES, salt=bytes.fromhex(vault), info=info).derive(told)


def cleaned(typed: str) -> str:
    """What was typed, as a code is written: in capitals, without hyphens, O as 0."""
    return re.sub(r"[\s\-\u2010-\u2015]", "", typed).upper().translate(_ALIKE)


def _check(secret: str) -> str:
    digest = hashlib.sha256(b"caretier/vault/recovery-code" + secret.encode()).digest()
    return "".join(ALPHABET[byte % len(ALPHABET)] for byte in digest[:CHECK_CHARS])


class RecoverySlot(BaseModel):
    """The header's second way to the data key.

    Attributes:
        public: of the slot's sealing key, base64url.
        private: nonce and AES-256-GCM of its private half under the code's key, base64url.
        sealed: the data key, sealed to ``public``, base64url.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    public: str
    private: str
    sealed: str

    @classmethod
    def lay(cls, vault: str, data_key: bytes, code: RecoveryCode, outer: bytes) -> Self:
        """Make a slot for a code; the code itself is kept nowhere."""
        key, nonce = SealingKey.generate(), secrets.token_bytes(NONCE_BYTES)
        public = key.public.to_text()
        cipher = AESGCM(code.key(vault, outer))
        private = nonce + cipher.encrypt(nonce, key.to_bytes(), _context(vault, public))
        slot = cls(public=public, private=to_text(private), sealed="")
        return slot.again(vault, data_key)

    def again(self, vault: str, data_key: bytes) -> Self:
        """The same slot for another data key; it takes no code."""
        public = SealingPublic.from_text(self.public)
        sealed = seal(data_key, public, context=_context(vault, self.public))
        return self.model_copy(update={"sealed": to_text(sealed)})

    def unwrap(self, vault: str, code: RecoveryCode, outer: bytes) -> bytes:
        """Return the data key.

        Raises:
            WrongPassphraseError: it is another code, or the slot is another vault's.
            VaultDamagedError: the slot is unreadable.
        """
        context = _context(vault, self.public)
        try:
            private, sealed = from_text(self.private), from_text(self.sealed)
        except ValueError:
            raise VaultDamagedError("The vault's header is damaged.") from None
        cipher = AESGCM(code.key(vault, outer))
        try:
            raw = cipher.decrypt(private[:NONCE_BYTES], private[NONCE_BYTES:], context)
            return unseal(sealed, SealingKey.from_bytes(raw), context=context)
        except (InvalidTag, ValueError, SealingError):
            raise WrongPassphraseError("This does not open the vault.") from None


def _context(vault: str, public: str) -> bytes:
    return b"caretier/vault/recovery\x00" + canonical_json([vault, public])
