r"""What is written behind the ``=`` of a search: split at the separators, read by kind.

``\,``, ``\|``, ``\$`` and ``\\`` stand for the characters themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from services.fhir.errors import FhirParameterError
from services.fhir.search.moments import Span, span
from services.fhir.search.parameters import Parameter
from services.fhir.search.text import MAX_STRING, fit, normal
from services.fhir.validate import ID, resource_types

PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
"""How a date or an amount is compared."""
_NUMBER = re.compile(r"[+-]?\d{1,20}(?:\.\d{1,20})?(?:[eE][+-]?\d{1,2})?", re.ASCII)
_LOST_PLUS = re.compile(r"^([\d-]+T[\d:.]+) (\d\d:\d\d)$", re.ASCII)
"""A zone whose ``+`` was sent as it is, and so arrived as a space."""


@dataclass(frozen=True)
class TokenValue:
    """``code``, ``system|code``, ``|code`` (no system) or ``system|``; None stands for any."""

    system: str | None
    code: str | None


@dataclass(frozen=True)
class TextValue:
    """A text: ``normal`` without case and accents, ``exact`` as it was sent."""

    normal: str
    exact: str


@dataclass(frozen=True)
class DateValue:
    """A span of time and how it is compared."""

    prefix: str
    span: Span


@dataclass(frozen=True)
class AmountValue:
    """An amount, the range that its digits stand for, and its unit; None stands for any."""

    prefix: str
    value: float
    low: float
    high: float
    system: str | None = None
    code: str | None = None


@dataclass(frozen=True)
class ReferenceValue:
    """What is pointed at; ``kind`` None where only an id was given."""

    kind: str | None
    id: str


@dataclass(frozen=True)
class UriValue:
    """A URI; ``below`` for everything under it, ``above`` for everything that it is under."""

    uri: str


@dataclass(frozen=True)
class Missing:
    """Whether there must be no value (``:missing=true``), or one."""

    absent: bool


Value = TokenValue | TextValue | DateValue | AmountValue | ReferenceValue | UriValue | Missing


def split(text: str, separator: str) -> list[str]:
    """Cut ``text`` at each ``separator`` that is not escaped; escapes stay."""
    parts, start, at = [], 0, 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == separator:
            parts.append(text[start:at])
            start = at + 1
        at += 1
    return [*parts, text[start:]]


def plain(text: str) -> str:
    """Take the escapes out."""
    return re.sub(r"\\([\\,|$])", r"\1", text)


def _token(text: str, _parameter: Parameter, _base: str) -> TokenValue:
    parts = [plain(part) for part in split(text, "|")]
    if len(parts) == 1:
        return TokenValue(None, fit(parts[0]))
    if len(parts) > 2 or not any(parts):  # noqa: PLR2004  # system and code
        raise ValueError("must be code, system|code, |code or system|")
    return TokenValue(fit(parts[0]), fit(parts[1]) if parts[1] else None)


def _text(text: str, _parameter: Parameter, _base: str) -> TextValue:
    exact = plain(text)
    folded = normal(exact)
    if not folded:
        raise ValueError("has no letter or digit to search for")
    if len(exact) > MAX_STRING:
        raise ValueError(f"must have at most {MAX_STRING} characters")
    return TextValue(folded, fit(exact))


def _date(text: str, _parameter: Parameter, _base: str) -> DateValue:
    prefix, rest = _prefix(text)
    found = span(_LOST_PLUS.sub(r"\1+\2", rest))
    if found is None:
        raise ValueError("must be a date such as 2024, 2024-05-31 or 2024-05-31T08:30:00Z")
    return DateValue(prefix, found)


def _amount(text: str, parameter: Parameter, _base: str) -> AmountValue:
    number, *unit = [plain(part) for part in split(text, "|")]
    prefix, rest = _prefix(number)
    if not _NUMBER.fullmatch(rest) or len(unit) not in {0, 2}:
        raise ValueError("must be a number, number|system|code or number||code")
    if unit and parameter.kind == "number":
        raise ValueError("must be a number without a unit")
    value, half = Decimal(rest), _half(Decimal(rest))
    low, high = (float(value - half), float(value + half))
    system, code = (None, None) if not unit else (unit[0] or None, unit[1] or None)
    return AmountValue(prefix, float(value), low, high, system and fit(system), code and fit(code))


def _half(value: Decimal) -> Decimal:
    """Half of the last digit that was written; R4 gives 1e2 the range from 95 to 105."""
    exponent = int(value.as_tuple().exponent)
    return Decimal(5).scaleb(exponent - 1 if exponent <= 0 else exponent - 2)


def _prefix(text: str) -> tuple[str, str]:
    return (text[:2], text[2:]) if text[:2] in PREFIXES else ("eq", text)


def _reference(text: str, parameter: Parameter, base: str) -> ReferenceValue:
    local = plain(text)
    if base and local.startswith(f"{base}/"):
        local = local.removeprefix(f"{base}/")
    kind, bar, identity = local.partition("/_history/")[0].rpartition("/")
    if "/" in kind or ":" in kind:
        raise ValueError("names a resource of another server")
    if not ID.fullmatch(identity) or (bar and kind not in resource_types()):
        raise ValueError("must be an id or Type/id")
    if parameter.target and kind not in {"", parameter.target}:
        raise ValueError(f"must point at a {parameter.target}")
    return ReferenceValue(kind or parameter.target or None, identity)


def _uri(text: str, _parameter: Parameter, _base: str) -> UriValue:
    return UriValue(plain(text))


def _missing(text: str, _parameter: Parameter, _base: str) -> Missing:
    if text not in {"true", "false"}:
        raise ValueError("must be true or false")
    return Missing(text == "true")


_READ: Mapping[str, Callable[[str, Parameter, str], Value]] = {
    "token": _token,
    "string": _text,
    "date": _date,
    "quantity": _amount,
    "number": _amount,
    "reference": _reference,
    "canonical": _uri,
    "uri": _uri,
}
_BY_MODIFIER: Mapping[str, Callable[[str, Parameter, str], Value]] = {
    "missing": _missing,
    "text": _text,
    "identifier": _token,
}


def read(text: str, parameter: Parameter, modifier: str, base: str, name: str) -> Value:
    """Read one alternative.

    Args:
        text: as sent, with its escapes.
        parameter: that is searched.
        modifier: behind the colon, "" for none.
        base: address of the server, "" where none is known.
        name: of the parameter as sent, for the error.

    Raises:
        FhirParameterError: the text has not the form that the kind asks for.
    """
    if not text:
        raise FhirParameterError(f"{name} is empty")
    way = _BY_MODIFIER.get(modifier) or _READ[parameter.kind]
    try:
        value = way(text, parameter, base)
        return _of_type(value, modifier, text) if isinstance(value, ReferenceValue) else value
    except ValueError as error:
        raise FhirParameterError(f"{name} {error}") from None


def _of_type(value: ReferenceValue, modifier: str, text: str) -> ReferenceValue:
    """The value of ``subject:Patient=p01``."""
    if not modifier:
        return value
    if "/" in text:
        raise ValueError("must be an id, its type is named already")
    return ReferenceValue(modifier, value.id)
