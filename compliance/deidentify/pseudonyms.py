"""Keyed pseudonyms: the same through one study, and not to be joined with those of another.

Every pseudonym is HMAC-SHA256 under the key of one study, and that key is itself derived from a
root key and the study's name. Without the root key nobody can make a pseudonym from a name, test a
guess, or tell that two studies hold the same person. The same derived key moves dates
(``dateshift``) and chooses surrogates (``surrogates``), each under a purpose of its own.

    >>> key = StudyKey.from_root(bytes(32), "asthma-2026")
    >>> key.pseudonym("patient", "Patient/p01") == key.pseudonym("patient", "Patient/p01")
    True

Source: NIST SP 800-108 (key derivation with HMAC, the label first); ENISA, "Pseudonymisation
techniques and best practices" (2019), for keyed hashes over unkeyed ones.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import stat
import uuid
from pathlib import Path

from compliance.errors import BadInputError

ROOT_BYTES = 32
"""Fewest bytes of a root key."""
ENVIRONMENT = "CARETIER_STUDY_ROOT"
"""Environment variable with the root key, base64url."""
_PSEUDONYM_BYTES = 10  # 80 bits: 16 characters, and no collision among millions of people
_GROUP = 4
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class StudyKeyError(BadInputError):
    """The root key of pseudonyms is missing or cannot be used; its bytes are never quoted."""

    kind = "bad-study-key"
    remedy = "Give 32 random bytes as base64url, in a file that only you can read."


class StudyKey:
    """The key of one study. It has no readable form, so that it cannot get into a log."""

    def __init__(self, raw: bytes, study: str) -> None:
        self._raw = raw
        self.study = study

    def __repr__(self) -> str:
        return f"StudyKey({self.study!r})"

    def __reduce__(self) -> str:
        raise TypeError("A study's key is not to be written down.")

    @classmethod
    def from_root(cls, root: bytes, study: str) -> StudyKey:
        """Derive the key of ``study`` from a root key.

        Args:
            root: 32 secret bytes or more.
            study: its name, 1 to 100 characters.

        Raises:
            StudyKeyError: the root is too short, or the study has no name.
        """
        if len(root) < ROOT_BYTES:
            raise StudyKeyError(f"The root key has fewer than {ROOT_BYTES} bytes.")
        if not 1 <= len(study.strip()) <= 100:  # noqa: PLR2004 - said above
            raise StudyKeyError("A study needs a name of 1 to 100 characters.")
        return cls(_hmac(root, "caretier/study/v1", study.strip()), study.strip())

    @classmethod
    def from_file(cls, path: Path, study: str) -> StudyKey:
        """Read the root key (base64url) from a file that nobody else may read.

        Raises:
            StudyKeyError: others may read it, it cannot be read, or it is no key.
        """
        try:
            if os.name == "posix" and path.stat().st_mode & _OTHERS:
                raise StudyKeyError("Others may read the file of the root key.")
            text = path.read_text("ascii")
        except (OSError, UnicodeDecodeError):
            raise StudyKeyError("The file of the root key cannot be read.") from None
        return cls.from_root(_decoded(text), study)

    @classmethod
    def from_environment(cls, study: str) -> StudyKey:
        """Read the root key (base64url) from ``CARETIER_STUDY_ROOT``.

        Raises:
            StudyKeyError: it is not set, or no key.
        """
        text = os.environ.get(ENVIRONMENT)
        if not text:
            raise StudyKeyError(f"{ENVIRONMENT} is not set.")
        return cls.from_root(_decoded(text), study)

    def digest(self, purpose: str, *parts: str) -> bytes:
        """32 bytes that follow from the key, a purpose and the parts, and from nothing else."""
        return _hmac(self._raw, purpose, *parts)

    def number(self, below: int, purpose: str, *parts: str) -> int:
        """A number from 0 to ``below`` - 1; even to within 2**-64 of each other."""
        return int.from_bytes(self.digest(purpose, *parts)[:16], "big") % below

    def pseudonym(self, kind: str, identity: str) -> str:
        """The readable pseudonym of an identity, for example ``patient-q3fk-7t2m-x4ab-c5de``.

        Args:
            kind: what it is, in lower case; part of the pseudonym and of what is hashed.
            identity: its canonical form, for example ``Patient/p01``.

        Returns:
            At most 64 letters, digits and hyphens: a valid FHIR id.
        """
        raw = self.digest("pseudonym", kind, identity)[:_PSEUDONYM_BYTES]
        text = base64.b32encode(raw).decode("ascii").lower()
        groups = [text[i : i + _GROUP] for i in range(0, len(text), _GROUP)]
        return "-".join([kind, *groups])[:64]

    def matches(self, kind: str, identity: str, pseudonym: str) -> bool:
        """Whether ``pseudonym`` is that of ``identity``, in time that tells nothing of either."""
        mine = self.pseudonym(kind, identity)
        return hmac.compare_digest(mine.encode(), pseudonym.encode("utf-8", "surrogatepass"))

    def uuid(self, identity: str) -> str:
        """A pseudonym in the form of a UUID (version 8), for ``urn:uuid:`` names."""
        return _version_8(self.digest("uuid", identity)[:16])


def new_root_file(path: Path) -> None:
    """Write a new root key to ``path``, readable by its owner alone.

    Raises:
        StudyKeyError: the file exists: a key that is overwritten is lost for ever.
    """
    text = base64.urlsafe_b64encode(secrets.token_bytes(ROOT_BYTES))
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError:
        raise StudyKeyError("The file of the root key exists or cannot be made.") from None
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(text + b"\n")


def _version_8(raw: bytes) -> str:
    """16 bytes as a UUID of version 8, which RFC 9562 leaves to the application."""
    made = bytearray(raw)
    made[6] = made[6] & 0x0F | 0x80
    made[8] = made[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(made)))


def _decoded(text: str) -> bytes:
    """Bytes of a base64url text, with or without its padding."""
    bare = text.strip().rstrip("=")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise StudyKeyError("The root key is not base64url.") from None


def _hmac(key: bytes, *parts: str) -> bytes:
    """HMAC-SHA256 over the parts, each after its length, so that none runs into another."""
    message = b"".join(len(p := part.encode()).to_bytes(4, "big") + p for part in parts)
    return hmac.new(key, message, hashlib.sha256).digest()
