"""From a passphrase to a key: Argon2id, slow on purpose."""

from __future__ import annotations

import unicodedata

from argon2.low_level import Type, hash_secret_raw
from pydantic import BaseModel, ConfigDict, Field

from compliance.errors import BadInputError

KEY_BYTES = 32
SALT_BYTES = 16


class KdfParameters(BaseModel):
    """How much work a guess costs.

    The default is the second recommended option of RFC 9106 (above OWASP's minimum): 64 MiB, three
    passes, four lanes. The upper bounds keep a changed file from asking for all memory.

    Attributes:
        memory_kib: memory, KiB.
        passes: number of passes.
        lanes: number of lanes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    memory_kib: int = Field(default=64 * 1024, ge=64, le=1024 * 1024)
    passes: int = Field(default=3, ge=1, le=16)
    lanes: int = Field(default=4, ge=1, le=8)

    def derive(self, passphrase: str, salt: bytes) -> bytes:
        """Return the 32-byte key of a passphrase.

        The passphrase is taken in Unicode form NFC, so that one keyboard's é is another's.

        Raises:
            BadInputError: the passphrase is empty or not valid Unicode.
        """
        try:
            secret = unicodedata.normalize("NFC", passphrase).encode("utf-8")
        except UnicodeEncodeError:
            raise BadInputError("The passphrase is not valid text.") from None
        if not secret:
            raise BadInputError("The passphrase is empty.")
        return hash_secret_raw(
            secret,
            salt,
            time_cost=self.passes,
            memory_cost=self.memory_kib,
            parallelism=self.lanes,
            hash_len=KEY_BYTES,
            type=Type.ID,
        )
