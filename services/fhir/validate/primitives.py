"""What a value of each primitive type of R4 may look like in JSON.

    rule_broken("date", "2023-02-30")   # "is not a day of the calendar (date)"

Source: HL7 FHIR R4, http://hl7.org/fhir/R4/datatypes.html, and json.html for the JSON types.
"""

from __future__ import annotations

import binascii
import math
import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

MAX_CHARS = 1 << 20
"""Longest string, markdown, uri or code, in characters: R4 allows 1 MB."""
Check = Callable[[Any], str | None]
"""Returns the rule that a value breaks, or None."""

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]").search
_SPACE = re.compile(r"\s").search
_CODE = re.compile(r"\S+(?:\s\S+)*").fullmatch
_CURRENCY = re.compile(r"[A-Z]{3}").fullmatch
_MIME_TYPE = re.compile(r"[\w.+\-]+/[\w.+\-*]+(?:\s*;\s*\S.*)?", re.ASCII).fullmatch
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}").fullmatch
_OID = re.compile(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+").fullmatch
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch
_DAY = r"(?P<year>(?!0000)[0-9]{4})(?:-(?P<month>0[1-9]|1[0-2])(?:-(?P<day>0[1-9]|[12]\d|3[01])"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]{1,9})?"
_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_DATE = re.compile(f"{_DAY})?)?", re.ASCII).fullmatch
_DATE_TIME = re.compile(f"{_DAY}(?:T{_CLOCK}{_ZONE})?)?)?", re.ASCII).fullmatch
_INSTANT = re.compile(f"{_DAY}T{_CLOCK}{_ZONE}))", re.ASCII).fullmatch
_TIME = re.compile(_CLOCK, re.ASCII).fullmatch
_LAST_SURE_DAY = 28


def _text(value: Any) -> str | None:
    if type(value) is not str:
        return "must be a string"
    if not value:
        return "must not be empty (ele-1)"
    if _FORBIDDEN(value):
        return "holds control characters"
    return "is longer than 1 MB" if len(value) > MAX_CHARS else None


def _formed(name: str, form: Callable[[str], Any]) -> Check:
    def check(value: Any) -> str | None:
        if fault := _text(value):
            return fault
        return None if form(value) else f"does not have the form of its type ({name})"

    return check


def _dated(name: str, form: Callable[[str], re.Match[str] | None]) -> Check:
    def check(value: Any) -> str | None:
        if type(value) is not str:
            return "must be a string"
        if not (match := form(value)):
            return f"does not have the form of its type ({name})"
        day = match["day"]
        if day and int(day) > _LAST_SURE_DAY:
            last = monthrange(int(match["year"]), int(match["month"]))[1]
            return None if int(day) <= last else f"is not a day of the calendar ({name})"
        return None

    return check


def _whole(name: str, low: int) -> Check:
    def check(value: Any) -> str | None:
        if type(value) is not int:
            return "must be a whole number"
        return None if low <= value < 1 << 31 else f"is out of the range of its type ({name})"

    return check


def _boolean(value: Any) -> str | None:
    return None if type(value) is bool else "must be true or false"


def _decimal(value: Any) -> str | None:
    if type(value) is int or (type(value) in {float, Decimal} and math.isfinite(value)):
        return None
    return "must be a number"


def _base64(value: Any) -> str | None:
    if type(value) is not str:
        return "must be a string"
    try:
        if binascii.a2b_base64("".join(value.split()), strict_mode=True):
            return None
    except ValueError:
        pass
    return "does not have the form of its type (base64Binary)"


def _unspaced(text: str) -> bool:
    return not _SPACE(text)


CHECKS: Mapping[str, Check] = {
    "MIME type": _formed("MIME type", _MIME_TYPE),
    "base64Binary": _base64,
    "boolean": _boolean,
    "canonical": _formed("canonical", _unspaced),
    "code": _formed("code", _CODE),
    "currency": _formed("currency", _CURRENCY),
    "date": _dated("date", _DATE),
    "dateTime": _dated("dateTime", _DATE_TIME),
    "decimal": _decimal,
    "id": _formed("id", _ID),
    "instant": _dated("instant", _INSTANT),
    "integer": _whole("integer", -(1 << 31)),
    "markdown": _text,
    "oid": _formed("oid", _OID),
    "positiveInt": _whole("positiveInt", 1),
    "string": _text,
    "time": _formed("time", _TIME),
    "unsignedInt": _whole("unsignedInt", 0),
    "uri": _formed("uri", _unspaced),
    "url": _formed("url", _unspaced),
    "uuid": _formed("uuid", _UUID),
    "xhtml": _formed("xhtml", bool),
}
"""The check of each primitive type; ``xhtml`` is looked at further by `narrative`.

Of codes whose lists are open, "currency" (ISO 4217) and "MIME type" (BCP 13), the form is checked.
"""


def rule_broken(kind: str, value: Any) -> str | None:
    """Return the rule of primitive type ``kind`` that ``value`` breaks, or None."""
    return CHECKS[kind](value)
