"""Migrating a new SQLite database once for each set of packages, and copying it from then on.

Most tests that open a hospital begin with an empty file; bringing it up revision by revision takes
longer than what they look at. What is copied is what the migrations made in this same run. A
database that stands at the revisions that these migrations led to is left as it is.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import inspect, text

from services.store import migrate
from services.store.database import Database


class Copies:
    """Stands in for ``services.store.migrate.upgrade``; only an untouched SQLite file is copied."""

    def __init__(self) -> None:
        self._upgrade, self._made = migrate.upgrade, dict[tuple[str, ...], bytes]()
        self._newest = dict[str, str]()

    def __call__(self, database: Database, *packages: str) -> None:
        """Bring a database to the newest revision of each package."""
        path = _untouched(database)
        if path is not None and packages in self._made:
            path.write_bytes(self._made[packages])
            return
        behind = [name for name in packages if not self._stands(database, name)]
        self._upgrade(database, *behind)
        self._newest.update({name: _revision(database, name) or "" for name in behind})
        if path is not None:
            with database.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            self._made[packages] = path.read_bytes()

    def _stands(self, database: Database, package: str) -> bool:
        newest = self._newest.get(package)
        return newest is not None and newest == _revision(database, package)


def _revision(database: Database, package: str) -> str | None:
    """At which revision a package's tables are."""
    table = f"alembic_{package.replace('.', '_')}"
    with database.engine.connect() as connection:
        if not inspect(connection).has_table(table):
            return None
        found = connection.execute(text(f"SELECT version_num FROM {table}")).scalars().all()
        return "+".join(sorted(found))


def _untouched(database: Database) -> Path | None:
    """The file of a SQLite database to which nothing was written yet."""
    name = database.engine.url.database
    if not database.is_sqlite or name in {None, "", ":memory:"}:
        return None
    path = Path(str(name))
    return path if path.exists() and not path.stat().st_size else None
