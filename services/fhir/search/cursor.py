"""Where a page begins: a sealed text that a client sends back as it came.

A cursor holds the whole query, so it goes with no other; the place where the page before ended; and
how far the store had come when the first page was read. It is encrypted: a search that was sent by
POST, to keep a person's data out of addresses, stays out of the link to its next page. It says
nothing of who asked. What may be seen is decided anew on every page.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.fhir.search.controls import Pair
from services.fhir.search.errors import FhirCursorError

PAGE = "_page"
"""Parameter that a cursor comes in."""
MAX_AGE_S = 24 * 3600
"""How long a cursor holds, in seconds."""
_NONCE_BYTES = 12
_PURPOSE = b"caretier search cursor 1"


@dataclass(frozen=True)
class Cursor:
    """A place in the result of one query.

    Attributes:
        kind: resource type.
        pairs: names and values of the query.
        last: sort values and id of the last match before this page.
        bound: place in the store's writes up to which the order of the first page holds.
        late: whether what was written after ``bound`` is shown already.
    """

    kind: str
    pairs: tuple[Pair, ...]
    last: tuple[Any, ...]
    bound: int
    late: bool = False


def seal(cursor: Cursor, key: bytes) -> str:
    """Return the text of a cursor; ``key`` is 32 bytes."""
    fields = [cursor.kind, cursor.pairs, cursor.last, cursor.bound, cursor.late, int(time.time())]
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = nonce + AESGCM(key).encrypt(nonce, json.dumps(fields).encode(), _PURPOSE)
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def unseal(text: str, key: bytes) -> Cursor:
    """Return the cursor of a text.

    Raises:
        FhirCursorError: it was not made by this server, was changed, or is too old.
    """
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
        opened = AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _PURPOSE)
    except (InvalidTag, ValueError, binascii.Error):
        raise FhirCursorError("the link to this page was not made by this server") from None
    kind, pairs, last, bound, late, made = json.loads(opened)
    if time.time() - made > MAX_AGE_S:
        raise FhirCursorError("the link to this page is too old", gone=True)
    return Cursor(kind, tuple((n, v) for n, v in pairs), tuple(last), bound, late)
