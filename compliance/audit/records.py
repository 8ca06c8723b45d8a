"""One line of the trail, the anchor, and the hashes and MACs that bind them."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import asdict, dataclass
from typing import Any

from compliance.sealing.encoding import canonical_json

GENESIS = "0" * 64
"""``prev`` of the first record."""


@dataclass(frozen=True)
class AuditRecord:
    """One record: position, hash of the one before, time (ISO 8601, UTC), event, hash and MAC."""

    seq: int
    prev: str
    time: str
    event: dict[str, Any]
    hash: str
    mac: str

    @classmethod
    def make(
        cls, *, seq: int, prev: str, time: str, event: dict[str, Any], key: bytes
    ) -> AuditRecord:
        """Hash and MAC an event at its place in the chain.

        Raises:
            ValueError: the event holds NaN or broken text.
            TypeError: the event is not JSON.
        """
        return cls.chain(seq=seq, prev=prev, time=time, event=event, key=key)[0]

    @classmethod
    def chain(
        cls,
        *,
        seq: int,
        prev: str,
        time: str,
        event: dict[str, Any],
        key: bytes,
        encoded: bytes | None = None,
    ) -> tuple[AuditRecord, bytes]:
        """Return the record as `make` does, and its line.

        Args:
            seq: its position.
            prev: hash of the record before it.
            time: ISO 8601, UTC.
            event: what is recorded.
            key: the node's key.
            encoded: canonical JSON of the event, where it is there already; the event is the
                largest part by far and is written out once only.
        """
        body = encoded if encoded is not None else canonical_json(event)
        rest = f',"prev":"{prev}","seq":{seq},"time":"{time}"}}'.encode()
        digest = hashlib.sha256(b'{"event":' + body + rest).hexdigest()
        mac = _mac(key, "record", digest.encode())
        proof = f',"hash":"{digest}","mac":"{mac}"'.encode()
        line = b'{"event":' + body + proof + rest + b"\n"
        return cls(seq, prev, time, event, digest, mac), line

    @classmethod
    def parse(cls, line: bytes) -> AuditRecord:
        """Read a line of the trail, without its newline.

        Raises:
            ValueError: it is not a record, or not in its canonical spelling.
        """
        try:
            record = cls(**json.loads(line))
            canonical = isinstance(record.event, dict) and canonical_json(asdict(record)) == line
        except (TypeError, RecursionError):
            canonical = False
        if not canonical:
            raise ValueError("not a record")
        return record

    def line(self) -> bytes:
        """Return the line to append, with its newline."""
        return canonical_json(asdict(self)) + b"\n"

    def flaw(self, *, seq: int, prev: str, key: bytes | None) -> str | None:
        """Say what is wrong with this record at this place, or None.

        Args:
            seq: the position at which it stands.
            prev: the hash of the record before it.
            key: the node's key; None leaves the MAC unchecked.
        """
        if self.seq != seq:
            return "wrong-sequence"
        if self.prev != prev:
            return "broken-chain"
        if self.hash != _hash(self.seq, self.prev, self.time, self.event):
            return "wrong-hash"
        if key is not None and not _same(self.mac, _mac(key, "record", self.hash.encode())):
            return "wrong-mac"
        return None


@dataclass(frozen=True)
class Anchor:
    """How far the trail goes: node, number of records, bytes, and the hash of the last record."""

    node: str
    count: int
    size: int
    head: str

    def dump(self, key: bytes) -> bytes:
        """Return the anchor file's content, with its MAC."""
        body = asdict(self)
        return canonical_json(body | {"mac": _mac(key, "anchor", canonical_json(body))}) + b"\n"

    @classmethod
    def parse(cls, data: bytes, key: bytes | None) -> Anchor:
        """Read an anchor file.

        Args:
            data: its content.
            key: the node's key; None leaves the MAC unchecked.

        Raises:
            ValueError: it is not an anchor, or its MAC is wrong.
        """
        try:
            body = json.loads(data)
            mac = body.pop("mac")
            anchor = cls(**body)
            expected = canonical_json(body)
            typed = isinstance(anchor.count, int) and isinstance(anchor.size, int)
        except (TypeError, AttributeError, KeyError, RecursionError):
            raise ValueError("not an anchor") from None
        if not typed or not isinstance(anchor.head, str):
            raise ValueError("not an anchor")
        if key is not None and not _same(mac, _mac(key, "anchor", expected)):
            raise ValueError("the anchor's MAC is wrong")
        return anchor


def _hash(seq: int, prev: str, time: str, event: dict[str, Any]) -> str:
    body = {"seq": seq, "prev": prev, "time": time, "event": event}
    return hashlib.sha256(canonical_json(body)).hexdigest()


def _mac(key: bytes, purpose: str, data: bytes) -> str:
    message = b"caretier/audit/v1\x00" + purpose.encode() + b"\x00" + data
    return hmac.digest(key, message, hashlib.sha256).hex()


def _same(given: Any, expected: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode(), expected.encode())
