"""From a query to SQL: conditions on a row of `ResourceRow` (or an alias of it).

Of the criteria of one search the most selective is looked up by its value, as a list of ids; the
others are asked of each of those ids. Wherever a criterion steps to another resource, the gate
says which of those the caller may be told of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, not_, or_, select, true, union_all
from sqlalchemy.orm import aliased

from services.fhir.errors import FhirParameterError
from services.fhir.models import (
    DateRow,
    QuantityRow,
    ReferenceRow,
    ResourceRow,
    StringRow,
    TokenRow,
)
from services.fhir.search.index import IDENTIFIED, TEXT, paired
from services.fhir.search.matching import canonical, matches
from services.fhir.search.parameters import Parameter, parameters
from services.fhir.search.query import Chained, Composite, Criterion, Has, Plain
from services.fhir.search.values import Missing, ReferenceValue, TokenValue, Value

Condition = ColumnElement[bool]
Gate = Callable[[str, Any], Condition]
"""Given a type and its (aliased) row: the condition that the caller may search it; may raise."""
_TABLES: Mapping[str, Any] = {
    "token": TokenRow,
    "uri": TokenRow,
    "canonical": TokenRow,
    "string": StringRow,
    "date": DateRow,
    "quantity": QuantityRow,
    "number": QuantityRow,
}
_RANKS: Mapping[str, int] = {"reference": 2, "string": 4, "quantity": 6, "uri": 6, "date": 7}
"""How much a kind of criterion usually leaves; less is more selective."""
_RANKS_BY_NAME: Mapping[str, int] = {
    "_id": 0,
    "identifier": 1,
    "patient": 1,
    "code": 4,
    "category": 8,
    "status": 9,
}
_NEVER = 99
SELECTIVE = 6
"""Criteria of a lower rank leave little of a type."""


def conditions(
    kind: str, criteria: Sequence[Criterion], row: Any, gate: Gate, *, drive: bool = True
) -> list[Condition]:
    """Return the conditions on ``row`` that ``criteria`` of a type stand for.

    Args:
        kind: resource type of the row.
        criteria: all of them must hold.
        row: `ResourceRow` or an alias.
        gate: what other resources may be asked.
        drive: look one criterion up by value; not where something narrower does so already.
    """
    ranked = sorted(criteria, key=rank)
    drive = drive and bool(ranked) and rank(ranked[0]) < _NEVER
    return [
        holds(kind, criterion, row, gate, driving=drive and number == 0)
        for number, criterion in enumerate(ranked)
    ]


def rank(criterion: Criterion) -> int:
    """How little a criterion usually leaves; `_NEVER` for one that cannot be looked up by value."""
    if not isinstance(criterion, Plain):
        return 5 if isinstance(criterion, Composite) else 3
    name, kind = criterion.parameter.name, criterion.parameter.kind
    if criterion.modifier in {"not", "missing"}:
        return _NEVER
    ranks = _RANKS_BY_NAME if kind in {"token", "reference"} else {}
    return ranks.get(name, _RANKS.get(kind, 6))


def holds(kind: str, criterion: Criterion, row: Any, gate: Gate, *, driving: bool) -> Condition:
    """Return the condition that one criterion holds for ``row``."""
    if isinstance(criterion, Chained):
        return or_(
            *(_leads_to(kind, criterion.parameter, one, row, gate) for one in criterion.targets)
        )
    if isinstance(criterion, Has):
        return _pointed_at(kind, criterion, row, gate)
    if isinstance(criterion, Composite):
        return _composite(kind, criterion, row, gate)
    return _plain(kind, criterion, row, gate, driving)


def _plain(kind: str, criterion: Plain, row: Any, gate: Gate, driving: bool) -> Condition:
    parameter, modifier, values = criterion.parameter, criterion.modifier, criterion.values
    if modifier == "not":
        return not_(_plain(kind, replace(criterion, modifier=""), row, gate, False))
    if modifier == "missing":
        return or_(*(_missing(kind, parameter, row, value) for value in values))
    if parameter.any_of:
        others = [replace(criterion, parameter=parameters(kind)[n]) for n in parameter.any_of]
        return or_(*(_plain(kind, other, row, gate, False) for other in others))
    if parameter.name in _OWN:
        return or_(*(_OWN[parameter.name](row, value) for value in values))
    if parameter.kind == "reference":
        return _points_at(kind, criterion, row, driving)
    return _in_index(kind, criterion, row, driving)


def _in_index(kind: str, criterion: Plain, row: Any, driving: bool) -> Condition:
    parameter, modifier, values = criterion.parameter, criterion.modifier, criterion.values
    table = aliased(StringRow if modifier == "text" else _TABLES[parameter.kind])
    name = parameter.name + TEXT if modifier == "text" else parameter.name
    if parameter.kind == "canonical":
        wanted = [canonical(table, value) for value in values]
    else:
        wanted = [matches(table, value, modifier) for value in values]
    return _found(kind, table, row, [table.parameter == name, or_(*wanted)], driving)


def _found(
    kind: str, table: Any, row: Any, wanted: Sequence[Condition], driving: bool
) -> Condition:
    """Whether ``row`` has a row in the index: looked up by value, or by the resource."""
    query = select(table.source_id).where(table.source_type == kind, *wanted)
    if driving:
        return row.id.in_(query)  # type: ignore[no-any-return]
    there: Condition = query.where(table.source_id == row.id).exists()
    return there


def _missing(kind: str, parameter: Parameter, row: Any, value: Any) -> Condition:
    if parameter.any_of:
        own = [
            not_(_missing(kind, parameters(kind)[name], row, Missing(True)))
            for name in parameter.any_of
        ]
        there: Condition = or_(*own)
    elif parameter.kind == "reference":
        table = aliased(ReferenceRow)
        there = _found(kind, table, row, [_by(table, parameter)], False)
    else:
        table = aliased(_TABLES[parameter.kind])
        there = _found(kind, table, row, [table.parameter == parameter.name], False)
    return not_(there) if value.absent else there


def _has_id(row: Any, value: Any) -> Condition:
    return row.id == value.code  # type: ignore[no-any-return]


def _updated(row: Any, value: Any) -> Condition:
    """Compare an instant; it stands as text, to the millisecond."""
    first, end = (instant_text(moment) for moment in value.span)
    ways: Mapping[str, Condition] = {
        "eq": and_(row.updated >= first, row.updated < end),
        "ne": or_(row.updated < first, row.updated >= end),
        "gt": row.updated >= end,
        "lt": row.updated < first,
        "ge": row.updated >= first,
        "le": row.updated < end,
        "sa": row.updated >= end,
        "eb": row.updated < first,
    }
    if value.prefix not in ways:
        raise FhirParameterError("_lastUpdated cannot be compared with ap")
    return ways[value.prefix]


_OWN: Mapping[str, Callable[[Any, Any], Condition]] = {"_id": _has_id, "_lastUpdated": _updated}
"""Parameters that are columns of the resource's own row."""


def instant_text(micros: int) -> str:
    """The text of the first millisecond that is not before a moment."""
    millis = -(-micros // 1_000)
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=millis)
    except OverflowError:
        return "9999-12-31T23:59:59.999Z" if millis > 0 else ""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _by(table: Any, parameter: Parameter) -> Condition:
    """The elements of a reference parameter."""
    path = table.path.in_(parameter.paths)
    return and_(path, table.target_type == parameter.target) if parameter.target else path


def _points_at(kind: str, criterion: Plain, row: Any, driving: bool) -> Condition:
    if criterion.modifier == "identifier":
        table = aliased(ReferenceRow)
        wanted = [_identifies(table, value) for value in criterion.values]
        return _found(kind, table, row, [_by(table, criterion.parameter), or_(*wanted)], driving)
    ways: list[Select[Any]] = []
    asked: dict[str | None, list[str]] = {}
    for value in criterion.values:
        if isinstance(value, ReferenceValue):
            asked.setdefault(value.kind, []).append(value.id)
    for target, ids in asked.items():
        table = aliased(ReferenceRow)
        wanted = [table.target_id.in_(ids)]
        if target is not None:
            wanted.append(table.target_type == target)
        ways.append(_sources(kind, table, criterion.parameter, wanted))
        if target not in {None, "Patient"}:
            token = aliased(TokenRow)
            named = select(token.code).where(
                token.source_type == target,
                token.source_id.in_(ids),
                token.parameter == IDENTIFIED,
            )
            ways.append(_by_identifier(kind, criterion.parameter, target, named))
    return _any_way(row, ways, driving)


def _sources(
    kind: str, table: Any, parameter: Parameter, wanted: Sequence[Condition]
) -> Select[Any]:
    return select(table.source_id).where(
        table.source_type == kind, table.path.in_(parameter.paths), *wanted
    )


def _by_identifier(
    kind: str, parameter: Parameter, target: str | None, identifiers: Select[Any]
) -> Select[Any]:
    """Resources whose reference has no id, but one of ``identifiers`` (``system|value``)."""
    table = aliased(ReferenceRow)
    named = [
        table.target_id == "",
        table.target_type.in_([target, ""]),
        table.identifier.in_(identifiers),
    ]
    return _sources(kind, table, parameter, named)


def _any_way(row: Any, ways: Sequence[Select[Any]], driving: bool) -> Condition:
    if driving:
        return row.id.in_(union_all(*ways) if len(ways) > 1 else ways[0])  # type: ignore[no-any-return]
    return or_(*(way.where(way.selected_columns[0] == row.id).exists() for way in ways))


def _identifies(table: Any, value: Any) -> Condition:
    system, code = value.system, value.code
    if system is None:
        return table.identifier.endswith(f"|{code}", autoescape=True)  # type: ignore[no-any-return]
    if code is None:
        return table.identifier.startswith(f"{system}|", autoescape=True)  # type: ignore[no-any-return]
    return table.identifier == f"{system}|{code}"  # type: ignore[no-any-return]


def _ids(kind: str, criterion: Criterion, gate: Gate) -> Select[Any]:
    """Ids of the resources of another type that match and may be asked.

    They stand beside the statement, so that it does not grow with each use of them.
    """
    other = aliased(ResourceRow)
    found = conditions(kind, [criterion], other, gate)
    ids = select(other.id).where(other.type == kind, gate(kind, other), *found).cte()
    return select(ids.c.id)


def _leads_to(
    kind: str, parameter: Parameter, step: tuple[str, Criterion], row: Any, gate: Gate
) -> Condition:
    """Whether a reference of ``row`` leads to a resource of a type that matches."""
    target = step[0]
    ids = _ids(*step, gate)
    table, token = aliased(ReferenceRow), aliased(TokenRow)
    direct = [table.target_type == target, table.target_id.in_(ids)]
    ways = [_sources(kind, table, parameter, direct)]
    if target != "Patient":
        named = select(token.code).where(
            token.source_type == target, token.parameter == IDENTIFIED, token.source_id.in_(ids)
        )
        ways.append(_by_identifier(kind, parameter, target, named))
    return _any_way(row, ways, driving=True)


def _pointed_at(kind: str, has: Has, row: Any, gate: Gate) -> Condition:
    if has.parameter.target not in {"", kind}:
        return false()
    ids = _ids(has.kind, has.criterion, gate)
    table, token = aliased(ReferenceRow), aliased(TokenRow)
    pointing = [
        table.source_type == has.kind,
        table.path.in_(has.parameter.paths),
        table.source_id.in_(ids),
    ]
    direct = select(table.target_id).where(*pointing, table.target_type == kind)
    named = select(table.identifier).where(
        *pointing, table.target_type.in_([kind, ""]), table.target_id == ""
    )
    if kind == "Patient":
        return row.id.in_(direct)  # type: ignore[no-any-return]
    indirect = select(token.source_id).where(
        token.source_type == kind, token.parameter == IDENTIFIED, token.code.in_(named)
    )
    return row.id.in_(union_all(direct, indirect))  # type: ignore[no-any-return]


def _composite(kind: str, criterion: Composite, row: Any, gate: Gate) -> Condition:
    parameter = criterion.parameter
    if parameter.any_of:
        own = parameters(kind)
        others = [
            Composite(own[name], _parts(kind, own[name], criterion.parts), criterion.pairs)
            for name in parameter.any_of
        ]
        return or_(*(_composite(kind, other, row, gate) for other in others))
    if parameter.group:
        return or_(*(_in_group(kind, criterion, pair, row) for pair in criterion.pairs))
    return or_(
        *(
            and_(
                *(
                    _plain(kind, Plain(part, "", (value,)), row, gate, False)
                    for part, value in zip(criterion.parts, pair, strict=True)
                )
            )
            for pair in criterion.pairs
        )
    )


def _parts(
    kind: str, parameter: Parameter, like: tuple[Parameter, Parameter]
) -> tuple[Parameter, Parameter]:
    first, second = (
        parameters(kind).get(name, other) for name, other in zip(parameter.parts, like, strict=True)
    )
    return first, second


def _in_group(kind: str, criterion: Composite, pair: tuple[Value, Value], row: Any) -> Condition:
    code, value = pair
    if not isinstance(code, TokenValue) or code.code is None:
        raise FhirParameterError(f"{criterion.parameter.name} must begin with a code")
    table = aliased(_TABLES[criterion.parts[1].kind])
    name = paired(criterion.parameter.name, code.code, code.system)
    wanted = [table.parameter == name, matches(table, value, "")]
    return _found(kind, table, row, wanted, False)


def nothing_else(_kind: str, _row: Any) -> Condition:
    """A gate for queries that must not step to other resources."""
    raise FhirParameterError("this query may not step to other resources")


def everything(_kind: str, _row: Any) -> Condition:
    """A gate for the program itself."""
    return true()
