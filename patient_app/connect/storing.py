"""What a device keeps of a connection: the grant, and which entries came by it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from patient_app.connect.naming import Naming, plain
from patient_app.connect.person import own_id
from patient_app.connect.places import Place
from patient_app.connect.reading import Read
from patient_app.member import Member
from patient_app.whose import require_birthday
from services.fhir.client import Grant

KIND = "connection"
"""Kind of the vault's rows: tokens, and what came from where."""
MAX_FAILURES = 50


def now() -> str:
    """The present as it is kept."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def put(member: Member, place: str, row: dict[str, Any]) -> None:
    """Keep a connection under the id of its place."""
    with member.vault.write() as tx:
        tx.put(KIND, place, row)


def keep_grant(member: Member, place: str, grant: Grant) -> None:
    """Keep a renewed grant; the former refresh token may be void already."""
    with member.vault.write() as tx:
        row = tx.get(KIND, place)
        if row is not None:
            tx.put(KIND, place, {**row, "grant": asdict(grant) | {"extra": {}}})


def store(member: Member, place: Place, patient: str, read: Read) -> None:
    """Put what was read into the vault in place of what came from there before."""
    require_birthday(member.profile["born"], [read.resources[f"Patient/{patient}"]])
    with member.vault.write() as tx:
        row = tx.get(KIND, place.id)
        if row is None:  # disconnected meanwhile
            return
        former = set(row["keys"])
        others = {key: value for key, value in tx.items("record") if key not in former}
        fresh = Naming(place.id, place.base).id("Patient", patient)
        here = own_id(read.resources[f"Patient/{patient}"], others.values(), fresh)
        brought = {key: r for key, r in read.resources.items() if others.get(key) != plain(r)}
        known = frozenset(read.resources) - frozenset(brought)
        naming = Naming(place.id, place.base, (patient, here), known)
        local = [naming.localised(resource) for resource in brought.values()]
        new = {f"{r['resourceType']}/{r['id']}": r for r in local}
        if here != fresh:  # the vault has this person's own Patient already
            new.pop(f"Patient/{here}", None)
        gone = {key for key in former - set(new) if key.partition("/")[0] in read.whole}
        for key in gone:
            tx.delete("record", key)
        for key, resource in new.items():
            tx.put("record", key, resource)
        failures = [f"{f.what}: {f.code}" for f in read.failures][:MAX_FAILURES]
        keys = sorted((former - gone) | set(new))
        tx.put(KIND, place.id, {**row, "keys": keys, "read": now(), "failures": failures})
    member.__dict__.pop("known", None)


def remove(member: Member, place: str, *, keep: bool) -> dict[str, Any] | None:
    """Forget a connection, and what came by it unless that stays; returns what was kept."""
    with member.vault.write() as tx:
        row: dict[str, Any] | None = tx.get(KIND, place)
        if row is None:
            return None
        for key in () if keep else row["keys"]:
            tx.delete("record", key)
        tx.delete(KIND, place)
    member.__dict__.pop("known", None)
    return row
