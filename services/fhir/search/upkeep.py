"""Keeps the index what this program makes of the resources, and the key of its cursors."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from itertools import islice
from typing import Any

from sqlalchemy import delete, insert, select, tuple_
from sqlalchemy.orm import Session

from services.fhir import jsontext
from services.fhir.models import INDEXES, ClockRow, NoteRow, ResourceRow
from services.fhir.search.index import REVISION, index_rows
from services.store.database import Database

_LOG = logging.getLogger(__name__)
_INDEX, _KEY = "index-revision", "cursor-key"
_BATCH = 400
"""Resources that are indexed with one statement for each table."""


def ensure_index(database: Database, base: str = "") -> bool:
    """Make the index anew if it is of another revision; return whether it was.

    Writers wait in the meantime, and readers see the old one: it is one transaction.
    """
    wanted = str(REVISION)
    with database.reading() as session:
        if _note(session, _INDEX) == wanted:
            return False
    with database.transaction() as session:
        _take_turn(session)
        if _note(session, _INDEX) == wanted:
            return False
        count = rebuild(session, base)
        session.merge(NoteRow(name=_INDEX, value=wanted))
    if count:
        _LOG.info("The index of %d FHIR resources was made anew (revision %s).", count, wanted)
    return True


def rebuild(session: Session, base: str = "") -> int:
    """Take every row out of the index and put those of today's resources in; return how many."""
    for old in INDEXES:
        session.execute(delete(old))
    bodies, count = _bodies(session), 0
    while batch := list(islice(bodies, _BATCH)):
        rows: dict[Any, list[dict[str, Any]]] = {}
        for body in batch:
            for table, made in index_rows(jsontext.loads(body), base).items():
                rows.setdefault(table, []).extend(made)
        for table, made in rows.items():
            if made:
                session.execute(insert(table), made)
        count += len(batch)
    return count


def _bodies(session: Session) -> Iterator[str]:
    last = ("", "")
    key = tuple_(ResourceRow.type, ResourceRow.id)
    while True:
        query = select(ResourceRow.type, ResourceRow.id, ResourceRow.body).where(key > last)
        rows = session.execute(query.order_by(ResourceRow.type, ResourceRow.id).limit(_BATCH)).all()
        if not rows:
            return
        last = (rows[-1].type, rows[-1].id)
        yield from (row.body for row in rows)


def cursor_key(database: Database) -> bytes:
    """Return the key of this store's cursors, 32 bytes; it is made when it is first asked for."""
    with database.reading() as session:
        known = _note(session, _KEY)
    if known is None:
        with database.transaction() as session:
            _take_turn(session)
            known = _note(session, _KEY)
            if known is None:
                known = secrets.token_hex(32)
                session.add(NoteRow(name=_KEY, value=known))
    return bytes.fromhex(known)


def _note(session: Session, name: str) -> str | None:
    return session.scalar(select(NoteRow.value).where(NoteRow.name == name))


def _take_turn(session: Session) -> None:
    """Wait until no writer is at work; see `ClockRow`."""
    session.execute(select(ClockRow.sequence).with_for_update()).all()
