"""Witnesses: a node tells its peers how far its trail goes, and they write that down.

Whoever owns a node's disk and key can write its trail anew, anchor included. What they cannot do is
take back what a peer has seen. So every call between tiers carries a `SignedHead`: the trail (the
hash of its first record), how many records it has, and the hash of the last, signed by the node.
The peer notes it in a `WitnessBook`; `verify_data` holds trails against the books that it is given.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from compliance.audit.errors import AuditError
from compliance.audit.files import append_synced
from compliance.sealing import IdentityKey, IdentityPublic, SealingError
from compliance.sealing.encoding import Moment, canonical_json, from_text, to_text
from compliance.sealing.identity import signed_bytes

PURPOSE = "caretier/audit-head/v1"
BOOK = "witnessed.jsonl"
"""Name of a node's book, in the folder of its state."""
EVERY = timedelta(hours=1)
STEP = 64
"""A peer's head is written down after so long or so many more records; a contradiction, always."""
MAX_TEXT = 2048
"""Longest header that is looked at, in characters."""

Conflict = Literal["went-back", "forked", "began-anew"]
_Hash = Field(pattern=r"^[0-9a-f]{64}$")


class Head(BaseModel):
    """How far a trail goes.

    Attributes:
        node: name of the node, as in the trail's anchor.
        trail: hash of the first record, which no other trail has.
        count: how many records there are, at least one.
        head: hash of the last record.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    node: str = Field(max_length=200)
    trail: str = _Hash
    count: int = Field(ge=1)
    head: str = _Hash


class SignedHead(Head):
    """A head with when it was taken and who says so.

    Attributes:
        taken: UTC.
        identity: public identity key of the node, base64url.
        signature: Ed25519 over the canonical JSON of the rest, base64url.
    """

    taken: Moment
    identity: str = Field(max_length=64)
    signature: str = Field(default="", max_length=128)

    @classmethod
    def sign(cls, head: Head, key: IdentityKey, now: datetime) -> SignedHead:
        """Sign a head with the identity of its node."""
        made = cls(**head.model_dump(), taken=now, identity=key.public.to_text())
        signature = to_text(key.sign(made._signed()))
        return made.model_copy(update={"signature": signature})

    def _signed(self) -> bytes:
        body = canonical_json(self.model_dump(mode="json", exclude={"signature"}))
        return signed_bytes(PURPOSE, body)

    @property
    def fingerprint(self) -> str:
        """Of the identity that signed; only after `verify`."""
        return IdentityPublic.from_text(self.identity).fingerprint

    def verify(self, fingerprint: str | None = None) -> None:
        """Return if the signature is good and, where given, that of this node.

        Raises:
            SealingError: it is not.
        """
        identity = IdentityPublic.from_text(self.identity)
        if fingerprint is not None and identity.fingerprint != fingerprint:
            raise SealingError("This is another node's head.", reason="wrong-identity")
        try:
            signature = from_text(self.signature)
        except ValueError:
            raise SealingError("The signature is unreadable.", reason="bad-signature") from None
        identity.verify(signature, self._signed())

    def to_header(self) -> str:
        """Return it as the text of an HTTP header."""
        return to_text(self.model_dump_json().encode())

    @classmethod
    def from_header(cls, text: str, fingerprint: str) -> SignedHead:
        """Read and verify a header of the node with this fingerprint.

        Raises:
            SealingError: it is not such a header, or of another node.
        """
        try:
            head = cls.model_validate_json(from_text(text[:MAX_TEXT]))
        except (ValueError, ValidationError):
            raise SealingError("This is no head of a trail.", reason="malformed") from None
        head.verify(fingerprint)
        return head


def conflict(before: Head, after: Head) -> Conflict | None:
    """Say what is wrong when a node first told ``before`` and later ``after``, or None."""
    if after.trail != before.trail:
        return "began-anew"
    if after.count < before.count:
        return "went-back"
    if after.count == before.count and after.head != before.head:
        return "forked"
    return None


class WitnessBook:
    """What peers told about their trails, a signed line each; only ever appended to.

    Args:
        path: the file, see `BOOK`.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()
        self._last: dict[str, SignedHead] = {h.fingerprint: h for h in read_book(path)}
        self._noted = dict(self._last)

    def note(self, head: SignedHead) -> Conflict | None:
        """Write a verified head down; returns what it contradicts.

        A head that was taken before the last one is late, not wrong, and left out.

        Raises:
            AuditError: the book cannot be written.
        """
        node = head.fingerprint
        with self._lock:
            last = self._last.get(node)
            if last is not None and head.taken <= last.taken:
                return None
            found = conflict(last, head) if last else None
            if last is None or found or _is_far(self._noted[node], head):
                try:
                    append_synced(self._path, head.model_dump_json().encode() + b"\n")
                except OSError:
                    raise AuditError("What a peer's trail holds cannot be noted.") from None
                self._noted[node] = head
            self._last[node] = head
            return found


def _is_far(noted: SignedHead, head: SignedHead) -> bool:
    return head.taken - noted.taken >= EVERY or head.count - noted.count >= STEP


def read_book(path: Path) -> Iterator[SignedHead]:
    """Go through the heads of a book whose signature is good; others are left out."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            try:
                head = SignedHead.model_validate_json(line)
                head.verify()
            except (ValidationError, SealingError):
                continue
            yield head
