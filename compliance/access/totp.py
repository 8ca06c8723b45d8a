"""One-time codes by the clock (RFC 6238) and the codes that replace a lost device.

A code is good for its own thirty seconds and the ones on either side, and once: the counter of the
last code that was taken is kept, and nothing up to it is taken again.

Example:
    >>> from datetime import UTC, datetime
    >>> now = datetime(2026, 11, 25, tzinfo=UTC)
    >>> secret = new_secret()
    >>> matching(secret, code_at(secret, now), now, after=0) is not None
    True
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

PERIOD = 30
"""Seconds for which a code stands."""
DIGITS = 6
DRIFT = 1
"""Periods by which the two clocks may differ."""
SECRET_BYTES = 20
"""As RFC 4226 recommends for HMAC-SHA-1, which every authenticator understands."""
RECOVERY_CODES = 10
_RECOVERY_BYTES = 10


def new_secret() -> bytes:
    """A fresh secret."""
    return secrets.token_bytes(SECRET_BYTES)


def shown(secret: bytes) -> str:
    """The secret as a person types it: base32 in groups of four."""
    text = base64.b32encode(secret).decode().rstrip("=")
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def key_uri(secret: bytes, account: str, issuer: str) -> str:
    """The ``otpauth`` address that authenticators open."""
    label = quote(f"{issuer}:{account}", safe="")
    key = shown(secret).replace(" ", "")
    return f"otpauth://totp/{label}?secret={key}&issuer={quote(issuer, safe='')}"


def hotp(secret: bytes, counter: int, *, digits: int = DIGITS, algorithm: str = "sha1") -> str:
    """The code of a counter (RFC 4226)."""
    digest = hmac.digest(secret, counter.to_bytes(8, "big"), algorithm)
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def counter_at(now: datetime) -> int:
    """The counter of a moment."""
    return int(now.timestamp()) // PERIOD


def code_at(secret: bytes, now: datetime) -> str:
    """The code of a moment."""
    return hotp(secret, counter_at(now))


def matching(secret: bytes, code: str, now: datetime, *, after: int) -> int | None:
    """The counter whose code this is, or None.

    Args:
        secret: of the account.
        code: as typed; spaces do not matter.
        now: the present, with a zone.
        after: counter of the last code that was taken.
    """
    given = "".join(code.split()).encode()
    middle, found = counter_at(now), None
    for counter in range(middle - DRIFT, middle + DRIFT + 1):  # all of them, in equal time
        same = hmac.compare_digest(hotp(secret, max(counter, 0)).encode(), given)
        found = counter if same and counter > after and found is None else found
    return found


def new_recovery_codes() -> list[str]:
    """Fresh codes, each good once, for when the authenticator is lost."""
    return [_grouped(secrets.token_bytes(_RECOVERY_BYTES)) for _ in range(RECOVERY_CODES)]


def recovery_digest(code: str) -> str:
    """Under what a recovery code is kept: 80 random bits need no slow hash."""
    plain = "".join(c for c in code.lower() if c.isalnum())
    return hashlib.sha256(f"caretier/recovery/{plain}".encode()).hexdigest()


def spent(code: str, kept: Sequence[str]) -> list[str] | None:
    """What is left of the kept digests when this code is used; None when it is none of them."""
    digest = recovery_digest(code)
    left = [one for one in kept if not hmac.compare_digest(one, digest)]
    return left if len(left) < len(kept) else None


def _grouped(random: bytes) -> str:
    text = base64.b32encode(random).decode().lower()
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))
