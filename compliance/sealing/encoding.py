"""The two encodings that everything signed shares: base64url text and canonical JSON."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime


def to_text(data: bytes) -> str:
    """Encode bytes as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def from_text(text: str) -> bytes:
    """Decode base64url without padding.

    Only the one text that `to_text` gives for these bytes is taken, so that a signature or a key
    has one spelling.

    Raises:
        ValueError: the text is not base64url, or not the canonical spelling.
    """
    try:
        data = base64.b64decode(
            text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True
        )
    except (UnicodeEncodeError, binascii.Error):
        raise ValueError("not base64url") from None
    if to_text(data) != text:
        raise ValueError("not the canonical base64url spelling")
    return data


def canonical_json(value: Any) -> bytes:
    """Write a JSON value in its one signed form: sorted keys, no spaces, UTF-8, no NaN.

    Raises:
        ValueError: the value holds NaN, an infinity or text that is not valid Unicode.
        TypeError: the value is not JSON.
    """
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode("utf-8")


def _to_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""A time with a zone, kept in UTC, so that one moment has one signed spelling."""
