"""A search request, read: every name known, every value understood, before anything is looked up.

    parse("Observation", [("patient", "p01"), ("code", "http://loinc.org|4548-4")])

Repeated parameters must all hold, of values that commas part one must. What is not understood is
refused: a client that misspells ``patient`` must not be given everybody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.fhir.errors import FhirParameterError
from services.fhir.search.controls import CONTROLS, Controls, Pair, read_controls
from services.fhir.search.parameters import Parameter, parameters, targets
from services.fhir.search.values import Value, read, split
from services.fhir.validate import require_type, resource_types

MAX_DEPTH = 4
"""Most resources that one criterion may step over."""
MAX_BRANCHES = 8
"""Most types that one step can lead to where the request names none."""
MAX_STEPS = 48
"""Most steps to other resources in one search, branches counted one by one."""
MAX_VALUES = 200
"""Most alternatives of one criterion."""
MAX_VALUES_IN_ALL = 400
"""Most alternatives of all criteria of one search; a pair of a composite counts as four."""
MAX_CRITERIA = 40
"""Most criteria of one search."""
MODIFIERS = {
    "token": ("not", "text", "missing"),
    "string": ("exact", "contains", "missing"),
    "reference": ("identifier", "missing"),
    "uri": ("above", "below", "missing"),
    "canonical": ("missing",),
    "date": ("missing",),
    "quantity": ("missing",),
    "number": ("missing",),
    "composite": (),
}
"""Modifiers that each kind understands; references also take a resource type."""
_SAFE = re.compile(r"[\w:.\-]{1,100}", re.ASCII)


@dataclass(frozen=True)
class Plain:
    """A parameter of the resource itself; one of ``values`` must match."""

    parameter: Parameter
    modifier: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Composite:
    """Two parameters at once; of each of ``pairs`` the one value and the other must match."""

    parameter: Parameter
    parts: tuple[Parameter, Parameter]
    pairs: tuple[tuple[Value, Value], ...]


@dataclass(frozen=True)
class Chained:
    """What a reference points at must match: for one of the types, by type."""

    parameter: Parameter
    targets: tuple[tuple[str, Criterion], ...]


@dataclass(frozen=True)
class Has:
    """Some resource of type ``kind`` that points here by ``parameter`` must match."""

    kind: str
    parameter: Parameter
    criterion: Criterion


Criterion = Plain | Composite | Chained | Has


@dataclass(frozen=True)
class Query:
    """A search of one type.

    Attributes:
        kind: resource type.
        criteria: all of them must hold.
        controls: what steers the result.
        pairs: names and values as they were taken, for links.
    """

    kind: str
    criteria: tuple[Criterion, ...]
    controls: Controls
    pairs: tuple[Pair, ...]


def parse(kind: str, pairs: Sequence[Pair], strict: bool = True, base: str = "") -> Query:
    """Read a search.

    Args:
        kind: resource type.
        pairs: names and values, decoded.
        strict: refuse unknown parameters; otherwise they are left out of the query.
        base: address of the server, by which absolute references are told from foreign ones.

    Raises:
        FhirUnknownTypeError: ``kind`` is no resource type.
        FhirParameterError: a parameter is unknown, or its value cannot be used.
    """
    require_type(kind)
    if any("\0" in text for pair in pairs for text in pair):
        raise FhirParameterError("a parameter holds the character NUL")
    steering = [pair for pair in pairs if pair[0].partition(":")[0] in CONTROLS]
    criteria, taken = [], list(steering)
    for name, text in pairs:
        if name.partition(":")[0] in CONTROLS:
            continue
        if not strict and not known(kind, name):
            continue
        criteria.append(_criterion(kind, name, _Sent(name, text, base), MAX_DEPTH))
        taken.append((name, text))
    if len(criteria) > MAX_CRITERIA:
        raise FhirParameterError(f"a search has at most {MAX_CRITERIA} criteria")
    if sum(map(_values, criteria)) > MAX_VALUES_IN_ALL:
        raise FhirParameterError(f"a search has at most {MAX_VALUES_IN_ALL} values in all")
    if sum(map(_steps, criteria)) > MAX_STEPS:
        raise FhirParameterError(f"a search has at most {MAX_STEPS} steps to other resources")
    controls = read_controls(kind, steering)
    return Query(kind, tuple(criteria), controls, tuple(p for p in pairs if p in taken))


def _steps(criterion: Criterion) -> int:
    if isinstance(criterion, Has):
        return 1 + _steps(criterion.criterion)
    if isinstance(criterion, Chained):
        return sum(1 + _steps(further) for _, further in criterion.targets)
    return 0


def _values(criterion: Criterion) -> int:
    if isinstance(criterion, Has):
        return _values(criterion.criterion)
    if isinstance(criterion, Chained):
        return sum(_values(further) for _, further in criterion.targets)
    if isinstance(criterion, Composite):
        return 4 * len(criterion.pairs)
    return len(criterion.values)


def known(kind: str, name: str) -> bool:
    """Whether the first step of a parameter's name is one of the type's."""
    return name.startswith("_has:") or re.split(r"[:.]", name)[0] in parameters(kind)


def shown(name: str) -> str:
    """A parameter's name for an error, or a stand-in where it could be anything."""
    return name if _SAFE.fullmatch(name) else "a parameter"


@dataclass(frozen=True)
class _Sent:
    """A parameter as it came: its whole name and its text, and the address of the server."""

    name: str
    text: str
    base: str

    def refused(self, why: str) -> FhirParameterError:
        return FhirParameterError(f"{shown(self.name)} {why}")

    def alternatives(self) -> list[str]:
        found = split(self.text, ",")
        if len(found) > MAX_VALUES:
            raise self.refused(f"has more than {MAX_VALUES} values")
        return found


def _criterion(kind: str, name: str, sent: _Sent, depth: int) -> Criterion:
    if depth == 0:
        raise sent.refused(f"steps over more than {MAX_DEPTH} resources")

    def further(kind: str, name: str) -> Criterion:
        return _criterion(kind, name, sent, depth - 1)

    if name.startswith("_has:"):
        return _has(kind, name, sent, further)
    first, dot, rest = name.partition(".")
    bare, _, modifier = first.partition(":")
    parameter = parameters(kind).get(bare)
    if parameter is None:
        raise sent.refused(f"is no search parameter of {kind}")
    if dot:
        kinds = _chain_kinds(kind, parameter, modifier, rest, sent)
        return Chained(parameter, tuple((one, further(one, rest)) for one in kinds))
    _require_modifier(parameter, modifier, sent)
    if parameter.kind == "composite":
        return _composite(kind, parameter, sent)
    how = _stand_in(kind, parameter)
    name = shown(sent.name)
    values = tuple(read(one, how, modifier, sent.base, name) for one in sent.alternatives())
    return Plain(parameter, modifier, values)


def _stand_in(kind: str, parameter: Parameter) -> Parameter:
    """The parameter by which the values of one without elements of its own are read."""
    return parameters(kind)[parameter.any_of[0]] if parameter.any_of else parameter


def _require_modifier(parameter: Parameter, modifier: str, sent: _Sent) -> None:
    is_type = parameter.kind == "reference" and modifier in resource_types()
    fixed = parameter.name in {"_id", "_lastUpdated"}
    allowed = () if fixed else MODIFIERS[parameter.kind]
    if modifier and not is_type and modifier not in allowed:
        raise sent.refused("has a modifier that is not supported there")


def _chain_kinds(
    kind: str, parameter: Parameter, modifier: str, rest: str, sent: _Sent
) -> list[str]:
    """The types that a step of a chain can lead to."""
    if parameter.kind != "reference" or (modifier and modifier not in resource_types()):
        raise sent.refused("is no chain of references")
    possible = (modifier,) if modifier else possible_targets(kind, parameter)
    kinds = [one for one in possible if known(one, rest)]
    if not kinds:
        raise sent.refused("leads to no search parameter of its target")
    if len(kinds) > MAX_BRANCHES:
        raise sent.refused("can lead to many types; name one, as in subject:Patient.name")
    return kinds


def possible_targets(kind: str, parameter: Parameter) -> tuple[str, ...]:
    """Types that a reference parameter can lead to."""
    if parameter.target:
        return (parameter.target,)
    found = dict.fromkeys(t for path in parameter.paths for t in targets(kind, path))
    if "Resource" in found:
        return tuple(sorted(resource_types()))
    return tuple(t for t in found if t in resource_types())


def _has(kind: str, name: str, sent: _Sent, further: Callable[[str, str], Criterion]) -> Has:
    parts = name.split(":", 3)
    if len(parts) != 4 or parts[1] not in resource_types():  # noqa: PLR2004  # its form
        raise sent.refused("must be _has:Type:reference:parameter")
    _, source, pointer, rest = parts
    parameter = parameters(source).get(pointer)
    if parameter is None or parameter.kind != "reference":
        raise sent.refused(f"names no reference of {source}")
    possible = possible_targets(source, parameter)
    if possible and kind not in possible:
        raise sent.refused(f"names a reference that cannot lead to {kind}")
    return Has(source, parameter, further(source, rest))


def _composite(kind: str, parameter: Parameter, sent: _Sent) -> Composite:
    first, second = _stand_in(kind, parameter).parts
    parts = (_part(kind, first), _part(kind, second))
    pairs = []
    for one in sent.alternatives():
        texts = split(one, "$")
        if len(texts) != len(parts):
            raise sent.refused("must be two values joined with $")
        left, right = (
            read(text, part, "", sent.base, shown(sent.name))
            for text, part in zip(texts, parts, strict=True)
        )
        pairs.append((left, right))
    return Composite(parameter, parts, tuple(pairs))


def _part(kind: str, name: str) -> Parameter:
    """A part of a composite: a parameter of the type, or a path in a repetition."""
    own = parameters(kind).get(name)
    return own or Parameter(name, "quantity" if name.endswith("Quantity") else "token")
