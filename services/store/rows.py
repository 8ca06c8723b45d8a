"""How many rows a statement changed, and which rows one that changes many may take.

Two transactions that each hold a row the other waits for are broken off by PostgreSQL. So whoever
needs several rows takes them in the order of their keys (`taken`), and what only tidies up leaves
alone what somebody is at, and waits for nothing (`idle`). SQLite has one writer at a time.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

from sqlalchemy import ColumnElement, CursorResult, Result, inspect, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Session

Key = TypeVar("Key")


def changed(result: Result[Any]) -> int:
    """Number of rows that an UPDATE or DELETE touched (SQLAlchemy types only its cursor so)."""
    return int(cast("CursorResult[Any]", result).rowcount)


def taken(
    session: Session, key: InstrumentedAttribute[Key], *where: ColumnElement[bool]
) -> list[Key]:
    """Lock the rows that match, one after the other; returns their keys.

    What comes to match meanwhile is not among them: the statements that follow name the keys.
    """
    query = select(key).where(*where).order_by(key).with_for_update()
    return list(session.scalars(query))


def idle(table: type[DeclarativeBase], *where: ColumnElement[bool]) -> ColumnElement[bool]:
    """The condition that a row of a table matches, and that no other transaction holds it.

    It is for what may as well be done the next time: a row that somebody is at is left for then.
    """
    key = inspect(table).primary_key
    query = select(*key).where(*where).with_for_update(skip_locked=True)
    return tuple_(*key).in_(query)


def put(session: Session, table: type[DeclarativeBase], **values: object) -> None:
    """Write a row, unless one with its key is there or is being written at this moment."""
    lite = session.get_bind().dialect.name == "sqlite"
    row = (sqlite if lite else postgresql).insert(table).values(**values)
    session.execute(row.on_conflict_do_nothing())
