"""What is attached to a resource: what of it can be shown, how, and whether it is what it claims.

Only plain text and two kinds of pictures are shown, told by their own bytes and not by what the
resource says of them. A PDF is given as a download alone. Everything else is named, not shown.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from services.hospital.chart.narrative import text_of

How = Literal["text", "image", "download", "not"]
Why = Literal["", "type", "size", "empty", "elsewhere", "hash", "encoding"]
MAX_BYTES = 5 * 1024 * 1024
MAX_TEXT_CHARS = 100_000
_PICTURES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
_BINARY = re.compile(r"Binary/([A-Za-z0-9\-.]{1,64})")
_TEXTS = ("text/plain", "text/html", "application/xhtml+xml", "text/markdown")


@dataclass(frozen=True)
class Attachment:
    """One attachment as the resource names it; ``binary`` is the id of a Binary that holds it."""

    number: int
    title: str
    kind: str
    data: str
    binary: str | None
    hash: str
    elsewhere: bool


@dataclass(frozen=True)
class Content:
    """What an attachment holds: how it is shown, or why not; ``checked`` by the hash it names."""

    how: How
    why: Why = ""
    kind: str = ""
    body: bytes = b""
    text: str = ""
    checked: bool = False


def attachments(resource: Mapping[str, Any]) -> Iterator[Attachment]:
    """Yield what is attached, in the order of the resource."""
    found = [(c.get("attachment") or {}) for c in _list(resource, "content")]
    found += _list(resource, "presentedForm")
    found += [
        p["contentAttachment"] for p in _list(resource, "payload") if "contentAttachment" in p
    ]
    for number, one in enumerate(found):
        url = str(one.get("url") or "")
        local = _BINARY.fullmatch(url)
        yield Attachment(
            number,
            str(one.get("title") or ""),
            str(one.get("contentType") or ""),
            str(one.get("data") or ""),
            local[1] if local else None,
            str(one.get("hash") or ""),
            bool(url) and not local and not one.get("data"),
        )


def _list(resource: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = resource.get(name)
    return [v for v in value if isinstance(v, Mapping)] if isinstance(value, list) else []


def content(one: Attachment, binary: Mapping[str, Any] | None = None) -> Content:
    """Read an attachment.

    Args:
        one: the attachment.
        binary: the Binary that holds it, where it is not held inline.
    """
    data = one.data or str((binary or {}).get("data") or "")
    if not data:
        return Content("not", "elsewhere" if one.elsewhere or one.binary else "empty")
    if len(data) > MAX_BYTES * 4 // 3 + 4:
        return Content("not", "size", one.kind)
    try:
        body = base64.b64decode(data, validate=True)
        claimed = base64.b64decode(one.hash, validate=True) if one.hash else b""
    except (binascii.Error, ValueError):
        return Content("not", "encoding", one.kind)
    # FHIR R4 fixes SHA-1 for Attachment.hash: it finds damage, it proves no origin.
    if claimed and hashlib.sha1(body, usedforsecurity=False).digest() != claimed:
        return Content("not", "hash", one.kind)
    return _shown(one.kind or str((binary or {}).get("contentType") or ""), body, bool(claimed))


def _shown(said: str, body: bytes, checked: bool) -> Content:
    kind = said.partition(";")[0].strip().lower()
    picture = next((name for start, name in _PICTURES.items() if body.startswith(start)), None)
    if picture and kind in {"image/png", "image/jpeg", "image/jpg"}:
        return Content("image", kind=picture, body=body, checked=checked)
    if kind == "application/pdf" and body.startswith(b"%PDF-"):
        return Content("download", kind="application/pdf", body=body, checked=checked)
    if kind in _TEXTS:
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError:
            return Content("not", "encoding", kind)
        said_plainly = text if kind in {"text/plain", "text/markdown"} else text_of(text)
        return Content("text", kind=kind, text=said_plainly[:MAX_TEXT_CHARS], checked=checked)
    return Content("not", "type", kind)
