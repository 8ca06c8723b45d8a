"""The order of a result, and where in it a page begins.

Matches are ordered by their sort keys and at last by id, so that no two share a place, and a page
begins behind the place where the one before ended. A resource without a value stands behind all
that have one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import aliased

from services.fhir.models import DateRow, QuantityRow, ReferenceRow, StringRow, TokenRow
from services.fhir.search.controls import SortKey

_COLUMNS: Mapping[str, tuple[Any, str]] = {
    "token": (TokenRow, "code"),
    "uri": (TokenRow, "code"),
    "string": (StringRow, "value"),
    "date": (DateRow, "low"),
    "quantity": (QuantityRow, "low"),
    "number": (QuantityRow, "low"),
}
_BEHIND: Mapping[str, tuple[Any, Any]] = {
    "date": ((1 << 62) + 1, -(1 << 62) - 1),
    "quantity": (1.7e308, -1.7e308),
    "number": (1.7e308, -1.7e308),
}
"""What stands for no value, rising and falling."""
_BEHIND_TEXT = ("\U0010ffff", "")


def place(kind: str, keys: Sequence[SortKey], row: Any) -> list[Any]:
    """Return the columns by which a result is ordered, the id last."""
    return [*(_value(kind, key, row) for key in keys), row.id]


def _value(kind: str, key: SortKey, row: Any) -> Any:
    parameter = key.parameter
    if parameter.name == "_id":
        return row.id
    if parameter.name == "_lastUpdated":
        return row.updated
    outermost = func.max if key.descending else func.min
    behind = _BEHIND.get(parameter.kind, _BEHIND_TEXT)[key.descending]
    if parameter.kind == "reference":
        link = aliased(ReferenceRow)
        wanted = [link.source_type == kind, link.source_id == row.id]
        wanted.append(link.path.in_(parameter.paths))
        if parameter.target:
            wanted.append(link.target_type == parameter.target)
        found = select(outermost(link.target_id)).where(*wanted)
    else:
        table, name = _COLUMNS[parameter.kind]
        other = aliased(table)
        found = select(outermost(getattr(other, name))).where(
            other.source_type == kind,
            other.source_id == row.id,
            other.parameter == parameter.name,
        )
    return func.coalesce(found.scalar_subquery(), behind)


def along_index(
    kind: str, keys: Sequence[SortKey], row: Any
) -> tuple[list[Any], list[ColumnElement[bool]]] | None:
    """Return the columns of `place` as the index has them in order, and what joins it to ``row``.

    A long result need not be sorted then to give its first page. Resources without a value are
    missing, and one with several equal ones comes several times. None where there is no such order.
    """
    if len(keys) != 1 or keys[0].parameter.name in {"_id", "_lastUpdated"}:
        return None
    parameter = keys[0].parameter
    if parameter.kind not in _COLUMNS:
        return None
    table, name = _COLUMNS[parameter.kind]
    own, other = aliased(table), aliased(table)
    value, beyond = getattr(own, name), getattr(other, name)
    further = select(other.source_id).where(
        other.source_type == kind,
        other.source_id == own.source_id,
        other.parameter == parameter.name,
        beyond > value if keys[0].descending else beyond < value,
    )
    joined = [
        own.source_type == kind,
        own.parameter == parameter.name,
        own.source_id == row.id,
        ~further.exists(),
    ]
    return [value, own.source_id], joined


def ordered(columns: Sequence[Any], keys: Sequence[SortKey]) -> list[Any]:
    """Return ``columns`` of `place` as an ORDER BY."""
    falling = [key.descending for key in keys] + [False]
    return [c.desc() if down else c.asc() for c, down in zip(columns, falling, strict=True)]


def behind(
    columns: Sequence[Any], keys: Sequence[SortKey], last: Sequence[Any]
) -> ColumnElement[bool]:
    """Return the condition that a row stands behind the place ``last``."""
    falling = [key.descending for key in keys] + [False]
    ways = []
    for at, (column, down) in enumerate(zip(columns, falling, strict=True)):
        same = [c == value for c, value in zip(columns[:at], last[:at], strict=True)]
        ways.append(and_(*same, column < last[at] if down else column > last[at]))
    return or_(*ways)
