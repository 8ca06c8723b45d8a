"""What steers the result of a search and selects nothing: pages, order, what comes along."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from services.fhir.errors import FhirParameterError
from services.fhir.search.parameters import Parameter, parameters
from services.fhir.validate import resource_types

Pair = tuple[str, str]
"""Name and value of one parameter as it was sent."""
MAX_COUNT = 500
"""Most matches on one page."""
DEFAULT_COUNT = 50
"""Matches on a page when ``_count`` is not given."""
MAX_SORT = 4
"""Most keys by which a result is sorted."""
MAX_INCLUDES = 20
"""Most rules about what comes along."""
CONTROLS = frozenset(
    {
        "_count",
        "_elements",
        "_format",
        "_include",
        "_pretty",
        "_revinclude",
        "_sort",
        "_summary",
        "_total",
    }
)
"""Their names."""
SUMMARIES = frozenset({"true", "text", "data", "count", "false"})
_REPEATED = frozenset({"_include", "_revinclude"})
_SORTED = frozenset({"token", "date", "string", "quantity", "number", "uri", "reference"})


@dataclass(frozen=True)
class SortKey:
    """One key of the order; resources without a value come last, either way."""

    parameter: Parameter
    descending: bool


@dataclass(frozen=True)
class Include:
    """A rule about what comes along.

    Attributes:
        reverse: take what points at the matches, not what they point at.
        source: type that holds the reference, ``*`` for any.
        parameter: its name, ``*`` for every reference.
        target: type that is pointed at, "" for any.
        iterate: follow the rule from what came along, too.
    """

    reverse: bool
    source: str
    parameter: str
    target: str
    iterate: bool


@dataclass(frozen=True)
class Controls:
    """What a request says about its result.

    Attributes:
        count: matches on a page; 0 gives the total only.
        total: whether the total is counted.
        sort: order; by id where it is empty.
        includes: what comes along.
        summary: form of ``_summary``, "" where none was asked for.
        elements: top-level elements that are wanted, () for all.
    """

    count: int = DEFAULT_COUNT
    total: bool = True
    sort: tuple[SortKey, ...] = ()
    includes: tuple[Include, ...] = ()
    summary: str = ""
    elements: tuple[str, ...] = ()


def read_controls(kind: str, pairs: Sequence[Pair]) -> Controls:
    """Read the controls of a search of ``kind``.

    Raises:
        FhirParameterError: one is repeated that cannot be, or has a value that cannot be used.
    """
    once: dict[str, str] = {}
    includes = []
    for name, value in pairs:
        bare, _, modifier = name.partition(":")
        if not value:
            raise FhirParameterError(f"{bare} is empty")
        if bare in _REPEATED:
            includes.append(_include(bare, modifier, value))
        elif modifier or bare in once:
            raise FhirParameterError(f"{bare} may be given once, without a modifier")
        else:
            once[bare] = value
    if len(includes) > MAX_INCLUDES:
        raise FhirParameterError(f"a search has at most {MAX_INCLUDES} _include and _revinclude")
    summary = _one_of("_summary", once.get("_summary", ""), SUMMARIES | {""})
    total = _one_of("_total", once.get("_total", ""), {"", "none", "estimate", "accurate"})
    return Controls(
        count=0 if summary == "count" else _count(once.get("_count", str(DEFAULT_COUNT))),
        total=total != "none" or summary == "count",
        sort=_sort(kind, once.get("_sort", "")),
        includes=tuple(includes),
        summary=summary,
        elements=_elements(once.get("_elements", "")),
    )


def _one_of(name: str, value: str, allowed: frozenset[str] | set[str]) -> str:
    if value not in allowed:
        raise FhirParameterError(f"{name} must be one of {', '.join(sorted(allowed - {''}))}")
    return value


def _count(text: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise FhirParameterError(f"_count must be 0 to {MAX_COUNT}")
    return min(int(text), MAX_COUNT)


def _sort(kind: str, text: str) -> tuple[SortKey, ...]:
    keys = []
    for part in text.split(",") if text else []:
        parameter = parameters(kind).get(part.removeprefix("-"))
        if parameter is None or parameter.kind not in _SORTED or parameter.any_of:
            raise FhirParameterError(f"_sort names no parameter by which {kind} can be sorted")
        keys.append(SortKey(parameter, part.startswith("-")))
    if len({key.parameter.name for key in keys}) < len(keys) or len(keys) > MAX_SORT:
        raise FhirParameterError(f"_sort takes at most {MAX_SORT} parameters, each once")
    return tuple(keys)


def _elements(text: str) -> tuple[str, ...]:
    names = tuple(text.split(",")) if text else ()
    if not all(re.fullmatch(r"[A-Za-z]{1,64}", name) for name in names):
        raise FhirParameterError("_elements must be names of elements, parted by commas")
    return names


def _include(bare: str, modifier: str, value: str) -> Include:
    reverse = bare == "_revinclude"
    if modifier not in {"", "iterate"}:
        raise FhirParameterError(f"{bare} has a modifier that is not supported")
    iterate = modifier == "iterate"
    if value == "*":
        return Include(reverse, "*", "*", "", iterate)
    source, _, rest = value.partition(":")
    name, _, target = rest.partition(":")
    if source not in resource_types() or (target and target not in resource_types()):
        raise FhirParameterError(f"{bare} must be Type:parameter or Type:parameter:Target")
    found = parameters(source).get(name)
    if name != "*" and (found is None or found.kind != "reference"):
        raise FhirParameterError(f"{bare} names no reference of {source}")
    return Include(reverse, source, name, target, iterate)
