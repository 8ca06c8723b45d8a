"""The way back from surrogates and pseudonyms: a map that only the study's key opens.

Surrogates are chosen by a keyed hash and cannot be turned round, so whoever exports keeps this map,
sealed (AES-256-GCM under a key derived from the study's, the study's name bound to it). It stays
where the root key is; dates need no map, the key alone gives each patient's shift.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from compliance.deidentify.pseudonyms import StudyKey, StudyKeyError

_VERSION = b"\x01"
_NONCE_BYTES = 12


class ReversalMap:
    """What each surrogate or pseudonym stands for; one surrogate can stand for several."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._originals: dict[str, set[str]] = {}
        for replacement, original in pairs:
            self._originals.setdefault(replacement, set()).add(original)

    def __len__(self) -> int:
        return len(self._originals)

    def __repr__(self) -> str:
        return f"ReversalMap({len(self)} entries)"

    def originals(self, replacement: str) -> tuple[str, ...]:
        """What ``replacement`` stands for, sorted; empty when it was never given out."""
        return tuple(sorted(self._originals.get(replacement, ())))

    def merged(self, other: ReversalMap) -> ReversalMap:
        """This map and another of the same study, in one."""
        return ReversalMap((*self.pairs(), *other.pairs()))

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Every replacement with every original, sorted."""
        for replacement in sorted(self._originals):
            for original in self.originals(replacement):
                yield replacement, original

    def seal(self, key: StudyKey) -> bytes:
        """The map as bytes that only ``key`` opens."""
        plain = json.dumps(
            {r: sorted(o) for r, o in sorted(self._originals.items())}, ensure_ascii=False
        ).encode()
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + nonce + _cipher(key).encrypt(nonce, plain, _bound(key, _VERSION))

    @classmethod
    def unseal(cls, sealed: bytes, key: StudyKey) -> ReversalMap:
        """Open what ``seal`` made.

        Raises:
            StudyKeyError: it was changed, or is of another study.
        """
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        bound = _bound(key, sealed[:1])
        try:
            raw: Mapping[str, Any] = json.loads(_cipher(key).decrypt(nonce, body, bound))
        except (InvalidTag, ValueError):
            raise StudyKeyError("The map of surrogates does not open with this key.") from None
        return cls((replacement, o) for replacement, many in raw.items() for o in many)


def _cipher(key: StudyKey) -> AESGCM:
    return AESGCM(key.digest("reversal-map"))


def _bound(key: StudyKey, version: bytes) -> bytes:
    return b"caretier/reversal\x00" + version + key.study.encode()
