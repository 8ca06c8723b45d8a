"""How one version takes the place of another: what was, goes to the history as it stood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.orm import Session

from services.fhir._prepare import Prepared
from services.fhir._queries import Key, among, chunks, owners
from services.fhir._turn import Turn
from services.fhir.models import INDEXES, Base, ResourceRow, VersionOwnerRow, VersionRow

Method = Literal["POST", "PUT", "PATCH"]
_TABLE: Any = ResourceRow.__table__


@dataclass(frozen=True)
class Current:
    """Number and digest of the version that is current."""

    version: int
    digest: str


def current(session: Session, keys: Sequence[Key]) -> dict[Key, Current]:
    """Return what is current of ``keys``, those that are not there left out."""
    found = {}
    for chunk in chunks(keys):
        query = select(ResourceRow.type, ResourceRow.id, ResourceRow.version, ResourceRow.digest)
        for kind, identity, version, digest in session.execute(
            query.where(among(ResourceRow.type, ResourceRow.id, chunk))
        ):
            found[kind, identity] = Current(version, digest)
    return found


def write(
    session: Session, turn: Turn, drafts: Sequence[tuple[Prepared, Method]]
) -> dict[Key, int]:
    """Make resources current, each key once; return the version that each of them is.

    What says the same as before is left alone.
    """
    known = current(session, [item.key for item, _ in drafts])
    fresh = [(item, how) for item, how in drafts if item.key not in known]
    changed = [
        (item, how)
        for item, how in drafts
        if item.key in known and known[item.key].digest != item.digest
    ]
    versions = {key: found.version for key, found in known.items()}
    if changed:
        _supersede(session, turn, [item.key for item, _ in changed])
        versions |= {item.key: known[item.key].version + 1 for item, _ in changed}
        _replace(session, [_row(item, versions[item.key], turn, how) for item, how in changed])
    if fresh:
        ended = _revive(session, turn, [item.key for item, _ in fresh])
        versions |= {item.key: ended.get(item.key, 0) + 1 for item, _ in fresh}
        rows = [_row(item, versions[item.key], turn, how) for item, how in fresh]
        session.execute(insert(_TABLE), rows)
    _index(session, [item for item, _ in (*changed, *fresh)])
    return versions


def remove(session: Session, turn: Turn, key: Key) -> int:
    """Delete what is current under ``key``; return the version number of the deletion."""
    version = current(session, [key])[key].version + 1
    whose = owners(session, [key]).get(key, frozenset())
    _supersede(session, turn, [key])
    session.execute(delete(ResourceRow).where(among(ResourceRow.type, ResourceRow.id, [key])))
    place = turn.place()
    stone = VersionRow(
        sequence=place,
        type=key[0],
        id=key[1],
        version=version,
        updated=turn.now,
        replaced=None,
        method="DELETE",
        body=None,
    )
    session.add(stone)
    session.add_all(VersionOwnerRow(patient=patient, sequence=place) for patient in whose)
    session.flush()
    return version


def _supersede(session: Session, turn: Turn, keys: Sequence[Key]) -> None:
    """Copy what is current to the history, and take it out of the index."""
    whose = owners(session, keys)
    for chunk in chunks(keys):
        mine = among(ResourceRow.type, ResourceRow.id, chunk)
        columns = ["sequence", "type", "id", "version", "method", "body", "updated", "replaced"]
        copied = [getattr(ResourceRow, name) for name in columns[:-1]]
        rows = select(*copied, bindparam("now", turn.now)).where(mine)
        session.execute(insert(VersionRow).from_select(columns, rows))
        places = select(ResourceRow.type, ResourceRow.id, ResourceRow.sequence).where(mine)
        owned = [
            {"patient": patient, "sequence": place}
            for kind, identity, place in session.execute(places)
            for patient in whose.get((kind, identity), ())
        ]
        if owned:
            session.execute(insert(VersionOwnerRow), owned)
        for table in INDEXES:
            session.execute(delete(table).where(among(table.source_type, table.source_id, chunk)))


def _revive(session: Session, turn: Turn, keys: Sequence[Key]) -> dict[Key, int]:
    """End the deletions that stand under ``keys``; return their version numbers."""
    ended = {}
    for chunk in chunks(keys):
        mine = among(VersionRow.type, VersionRow.id, chunk)
        last = select(VersionRow.type, VersionRow.id, func.max(VersionRow.version)).where(mine)
        for kind, identity, version in session.execute(
            last.group_by(VersionRow.type, VersionRow.id)
        ):
            ended[kind, identity] = version
        if ended:
            stands = update(VersionRow).where(mine, VersionRow.replaced.is_(None))
            session.execute(stands.values(replaced=turn.now))
    return ended


def _row(item: Prepared, version: int, turn: Turn, method: Method) -> dict[str, Any]:
    return {
        "type": item.type,
        "id": item.id,
        "version": version,
        "updated": turn.now,
        "digest": item.digest,
        "body": item.text,
        "sequence": turn.place(),
        "method": method,
    }


def _replace(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    mine = (_TABLE.c.type == bindparam("its_type"), _TABLE.c.id == bindparam("its_id"))
    renamed = {"type": "its_type", "id": "its_id"}
    given = [{renamed.get(name, name): value for name, value in row.items()} for row in rows]
    session.execute(update(_TABLE).where(*mine), given)


def _index(session: Session, items: Sequence[Prepared]) -> None:
    rows: dict[type[Base], list[Mapping[str, Any]]] = {}
    for item in items:
        for table, made in item.rows.items():
            rows.setdefault(table, []).extend(made)
    for table, made in rows.items():
        if made:
            session.execute(insert(table), made)
