"""The single checks; each yields what it found."""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from services.bricks.repository import REPOSITORY
from services.bricks.repository.refresh import states
from services.bricks.repository.repository import Repository
from services.engines.settings import EngineSettings
from services.hospital.operations import health, nodes
from services.hospital.operations.health import Check, Look, Sight, State
from services.store.clock import now as clock_of

SECONDS = 1.0
"""That another server has to answer."""
MOST_NAMED = 3
"""Silent clinics that are named; their tab holds them all."""


def _database(sight: Sight, _at: datetime) -> Iterator[Check]:
    started = time.perf_counter()
    with sight.database.reading() as session:
        told = clock_of(session)
    took = (time.perf_counter() - started) * 1000
    kind = "SQLite" if sight.database.is_sqlite else "PostgreSQL"
    yield Check(
        "database", "ok" if took < 1000 * SECONDS else "warn", {"kind": kind, "ms": round(took)}
    )
    apart = abs(told - datetime.now(UTC))
    skewed: State = "warn" if apart > health.SKEW else "ok"
    state: State = "bad" if apart > health.GREAT_SKEW else skewed
    yield Check("clock", state, {"seconds": round(apart.total_seconds())})


def _jobs(sight: Sight, at: datetime) -> Iterator[Check]:
    oldest = sight.jobs.oldest_due()
    waits = max(timedelta(0), at - oldest) if oldest else timedelta(0)
    late: State = "warn" if waits > health.LATE else "ok"
    state: State = "bad" if waits > health.VERY_LATE else late
    yield Check("jobs", state, {"minutes": int(waits / timedelta(minutes=1))}, oldest)
    dead = sight.jobs.counts().get("dead", 0)
    yield Check("dead", "warn" if dead else "ok", {"number": dead})


def _nodes(sight: Sight, at: datetime) -> Iterator[Check]:
    known = [one for one in nodes.nodes(sight.database, at) if one.state != "revoked"]
    silent = [one.name for one in known if one.state == "stale"]
    state: State = "warn" if silent else "ok" if known else "none"
    named = ", ".join(silent[:MOST_NAMED]) + (" …" if len(silent) > MOST_NAMED else "")
    yield Check("nodes", state, {"number": len(silent), "all": len(known), "names": named})


def _queue(sight: Sight, _at: datetime) -> Iterator[Check]:
    if not sight.settings.redis:
        yield Check("queue", "none")
        return
    from redis import Redis
    from redis.exceptions import RedisError

    try:
        with Redis.from_url(
            sight.settings.redis, socket_timeout=SECONDS, socket_connect_timeout=SECONDS
        ) as server:
            server.ping()
        yield Check("queue", "ok")
    except RedisError:
        yield Check("queue", "warn")


def _engine(sight: Sight, _at: datetime) -> Iterator[Check]:
    card, chosen = sight.card(), EngineSettings()
    if card is None:
        yield Check("engine", "none")
        return
    reached = chosen.kind not in {"http", "vllm"} or _answers(chosen.url)
    yield Check("engine", "ok" if reached else "bad", {"name": card.name})
    if number := sight.kept():
        yield Check("adapters", "warn", {"number": number})


def _answers(url: str) -> bool:
    """Whether somebody takes connections at an address."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((parts.hostname or "", port), timeout=SECONDS):
            return True
    except OSError:
        return False


def _disk(sight: Sight, _at: datetime) -> Iterator[Check]:
    free = shutil.disk_usage(sight.data).free
    low: State = "warn" if free < health.LOW_DISK else "ok"
    state: State = "bad" if free < health.NO_DISK else low
    yield Check("disk", state, {"gib": f"{free / 2**30:.1f}"})


def _trail(sight: Sight, _at: datetime) -> Iterator[Check]:
    there = sight.trail.exists()
    good = os.access(sight.trail if there else sight.trail.parent, os.W_OK)
    yield Check("trail", "ok" if good else "bad")


def _keys(sight: Sight, _at: datetime) -> Iterator[Check]:
    files = [path for path in (sight.data / "keys").rglob("*.key") if path.is_file()]
    open_ = [path for path in files if path.stat().st_mode & 0o077]
    yield Check("keys", "bad" if open_ or not files else "ok", {"number": len(open_)})


def _metadata(sight: Sight, at: datetime) -> Iterator[Check]:
    folder = sight.data / REPOSITORY
    if not folder.is_dir():
        yield Check("metadata", "none")
        return
    roles = states(Repository(folder))
    first = min(roles, key=lambda role: role.expires)
    over = [role.role for role in roles if role.expires <= at or not role.signed]
    due = [role.role for role in roles if role.due]
    state: State = "bad" if over else ("warn" if due else "ok")
    named = ", ".join(over or due or [first.role])
    yield Check("metadata", state, {"roles": named}, first.expires)


def _backup(sight: Sight, at: datetime) -> Iterator[Check]:
    told = sight.data / health.BACKUP_FILE
    if not told.exists():
        yield Check("backup", "none", {"file": health.BACKUP_FILE})
        return
    made = datetime.fromtimestamp(told.stat().st_mtime, UTC)
    old: State = "warn" if at - made > health.OLD_BACKUP else "ok"
    state: State = "bad" if at - made > health.NO_BACKUP else old
    yield Check("backup", state, {"hours": int((at - made) / timedelta(hours=1))}, made)


LOOKS: dict[str, Look] = {
    "database": _database,
    "jobs": _jobs,
    "nodes": _nodes,
    "queue": _queue,
    "engine": _engine,
    "disk": _disk,
    "trail": _trail,
    "keys": _keys,
    "metadata": _metadata,
    "backup": _backup,
}
"""Every check by the name under which its own failure is told."""
