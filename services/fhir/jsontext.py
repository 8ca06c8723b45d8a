"""JSON text that keeps what came: ``1.50`` stays ``1.50``, keys stay in order.

    >>> dumps(loads_exact('{"value": 1.50}'))
    '{"value":1.50}'

FHIR gives meaning to the digits of a decimal (1.50 is more precise than 1.5), and Python's own
``json`` loses them. The store therefore keeps the text itself; these helpers serve callers who
need to read and write it without loss.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def loads(text: str | bytes) -> Any:
    """Parse ``text`` with floats for decimals; raise ValueError for anything that is not JSON."""
    return json.loads(text, parse_constant=_refuse_constant)


def loads_exact(text: str | bytes) -> Any:
    """Parse ``text`` with `decimal.Decimal` for decimals, so that no digit is lost."""
    return json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)


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
