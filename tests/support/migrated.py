"""Migrating a new SQLite database once for each set of packages, and copying it from then on.

Most tests that open a hospital begin with an empty file; bringing it up revision by revision takes
longer than what they look at. What is copied is what the migrations made in this same run.
"""

from __future__ import annotations

from pathlib import Path

from services.store import migrate
from services.store.database import Database


class Copies:
    """Stands in for ``services.store.migrate.upgrade``; only an untouched SQLite file is copied."""

    def __init__(self) -> None:
        self._upgrade, self._made = migrate.upgrade, dict[tuple[str, ...], bytes]()

    def __call__(self, database: Database, *packages: str) -> None:
        """Bring a database to the newest revision of each package."""
        path = _untouched(database)
        if path is not None and packages in self._made:
            path.write_bytes(self._made[packages])
            return
        self._upgrade(database, *packages)
        if path is not None:
            with database.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            self._made[packages] = path.read_bytes()


def _untouched(database: Database) -> Path | None:
    """The file of a SQLite database to which nothing was written yet."""
    name = database.engine.url.database
    if not database.is_sqlite or name in {None, "", ":memory:"}:
        return None
    path = Path(str(name))
    return path if path.exists() and not path.stat().st_size else None
