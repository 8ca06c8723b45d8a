"""JSON text that keeps what came: ``1.50`` stays ``1.50``, keys stay in order.

    >>> dumps(loads_exact('{"value": 1.50}'))
    '{"value":1.50}'

FHIR gives meaning to the digits of a decimal (1.50 is more precise than 1.5), and Python's own
``json`` loses them. The store therefore keeps the text itself; these helpers serve callers who
need to read and write it without loss. `loads_strict` reads what others sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from json.decoder import scanstring  # type: ignore[attr-defined]  # typeshed leaves it out
from typing import Any

MAX_DEPTH = 100
"""Deepest nesting of objects and arrays that is read; no resource of R4 comes near it."""
MAX_DIGITS = 40
"""Most characters of a number; R4 has integers of 32 bits and decimals of about 18 digits."""
_ODD = re.compile(r"\\u(?:[dD][89a-fA-F]|0000)")
_SPACE = re.compile(r"[ \t\r\n]*")


class JsonError(ValueError):
    """The text is not JSON as it is taken here; the message says what is wrong with it."""


def _refuse_constant(name: str) -> Any:
    raise JsonError(f"{name} is not JSON")


def loads(text: str | bytes) -> Any:
    """Parse ``text`` with floats for decimals; raise ValueError for anything that is not JSON."""
    return json.loads(text, parse_constant=_refuse_constant)


def loads_exact(text: str | bytes) -> Any:
    """Parse ``text`` with `decimal.Decimal` for decimals, so that no digit is lost."""
    return json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)


def loads_strict(text: str | bytes, *, exact: bool = False) -> Any:
    """Parse what somebody else sent; what two readers could understand differently is refused.

    Args:
        text: JSON in UTF-8.
        exact: Decimals for decimals, as `loads_exact`.

    Raises:
        JsonError: it is no JSON or no UTF-8, names a key twice, is nested deeper than `MAX_DEPTH`,
            or holds a number longer than `MAX_DIGITS`, NUL or half a surrogate pair.
    """
    try:
        text = text.decode("utf-8") if isinstance(text, bytes) else text
        value = json.loads(
            text,
            object_pairs_hook=_once,
            parse_int=_integer,
            parse_float=_decimal if exact else _float,
            parse_constant=_refuse_constant,
        )
    except UnicodeDecodeError:
        raise JsonError("is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise JsonError(f"is not JSON (line {error.lineno}, column {error.colno})") from None
    except RecursionError:
        raise JsonError(f"is nested deeper than {MAX_DEPTH} levels") from None
    if text.count("{") + text.count("[") > MAX_DEPTH and _too_deep(value):
        raise JsonError(f"is nested deeper than {MAX_DEPTH} levels")
    if _ODD.search(text) or "\0" in text:
        _require_text(value)
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise JsonError("names a key twice in one object")
    return found


def _short(digits: str) -> str:
    if len(digits) > MAX_DIGITS:
        raise JsonError(f"holds a number of more than {MAX_DIGITS} characters")
    return digits


def _integer(digits: str) -> int:
    return int(_short(digits))


def _float(digits: str) -> float:
    found = float(_short(digits))
    if found in {float("inf"), float("-inf")}:
        raise JsonError("holds a number that is too large")
    return found


def _decimal(digits: str) -> Decimal:
    _float(digits)
    return Decimal(digits)


def _inner(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _too_deep(value: Any) -> bool:
    level, depth = [value], 0
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        if depth > MAX_DEPTH:
            return True
        level = [item for outer in level for item in _inner(outer)]
    return False


def _require_text(value: Any) -> None:
    """Raise JsonError for texts that no database and no other reader takes."""
    try:
        written = json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise JsonError("holds half a surrogate pair") from None
    except TypeError:  # exact decimals
        written = dumps(value).encode("utf-8")
    if re.search(rb"(?<!\\)(?:\\\\)*\\u0000", written):
        raise JsonError("holds the character NUL")


def dumps(value: Any) -> str:
    """Write ``value`` compactly; Decimals keep their digits, key order is kept.

    Raises:
        TypeError: ``value`` holds something that JSON has no form for.
        ValueError: ``value`` holds NaN or an infinity.
    """
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_key(k)}:{dumps(v)}" for k, v in value.items()) + "}"
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError("not a finite number")
        return str(value)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return "[" + ",".join(dumps(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError("keys of a JSON object are strings")
    return json.dumps(key, ensure_ascii=False)


def pretty(text: str, indent: str = "  ") -> str:
    """Write JSON ``text`` over several lines; every digit stays."""
    return _pretty(loads_exact(text), "\n", indent)


def _pretty(value: Any, line: str, indent: str) -> str:
    inner = line + indent
    if isinstance(value, dict) and value:
        parts = [f"{_key(key)}: {_pretty(item, inner, indent)}" for key, item in value.items()]
        return "{" + inner + f",{inner}".join(parts) + line + "}"
    if isinstance(value, list) and value:
        parts = [_pretty(item, inner, indent) for item in value]
        return "[" + inner + f",{inner}".join(parts) + line + "]"
    return dumps(value)


def with_id(text: str, identity: str) -> str:
    """Return ``text``, a JSON object, with ``identity`` as its ``id``; nothing else is touched.

    Args:
        text: JSON that `loads_strict` has read as an object.
        identity: letters, digits, ``-`` and ``.`` only.
    """
    decoder = json.JSONDecoder()
    start = _skip(text, text.index("{") + 1)
    at = start
    while text[at] == '"':
        key, at = scanstring(text, at + 1)
        value = _skip(text, _skip(text, at) + 1)
        _, at = decoder.raw_decode(text, value)
        if key == "id":
            return f'{text[:value]}"{identity}"{text[at:]}'
        at = _skip(text, at)
        at = _skip(text, at + 1) if text[at] == "," else at
    comma = "" if text[start] == "}" else ","
    return f'{text[:start]}"id":"{identity}"{comma}{text[start:]}'


def _skip(text: str, at: int) -> int:
    return _SPACE.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing, too
