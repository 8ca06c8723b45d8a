"""One way to a relational database: SQLite in WAL mode by default, PostgreSQL by URL.

db = Database("sqlite:///var/clinic/clinic.db")
db.migrate("services.exchange", "clinic_edge")    # Alembic, up to the newest revision
with db.transaction() as session:                 # commits, or rolls back on any error
    session.add(row)
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.orm import Session, sessionmaker

# Where somebody turns every log up, SQLAlchemy would write the rows themselves.
logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)

BUSY_TIMEOUT_MS = 15_000
"""How long a SQLite writer waits for another one, in milliseconds."""


def _tune_sqlite(connection: Any, _record: Any) -> None:
    # pysqlite must not open transactions by itself: BEGIN IMMEDIATE below takes the write lock at
    # the start, so that two writers wait for one another instead of failing midway.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _private_file(path: Path) -> None:
    """Make a database that only its user can read; SQLite gives its WAL the same mode."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


class Database:
    """A pool of connections to one database.

    Args:
        url: SQLAlchemy URL; ``sqlite:///path`` or ``postgresql+psycopg://…``.
    """

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        if self.is_sqlite and parsed.database and parsed.database != ":memory:":
            _private_file(Path(parsed.database))
        # values of a failed statement would stand in the error's text, and so in logs
        self.engine: Engine = create_engine(
            parsed, pool_pre_ping=not self.is_sqlite, hide_parameters=True
        )
        if self.is_sqlite:
            event.listen(self.engine, "connect", _tune_sqlite)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Yield a session whose work is committed as one, or not at all."""
        with self._sessions() as session, session.begin():
            if self.is_sqlite:
                session.connection().exec_driver_sql("BEGIN IMMEDIATE")
            yield session

    @contextmanager
    def destroying(self) -> Iterator[Session]:
        """As `transaction`, where what is deleted must not be found in the file afterwards.

        SQLite overwrites with zeros what this deletes, and empties the journal as far as nobody
        reads from it. PostgreSQL does so as it vacuums.
        """
        with self.transaction() as session:
            if self.is_sqlite:
                session.connection().exec_driver_sql("PRAGMA secure_delete=ON")
            yield session
            if self.is_sqlite:
                session.flush()
                session.connection().exec_driver_sql("PRAGMA secure_delete=OFF")
        if self.is_sqlite:
            with self.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield a session for reads: one moment's view, no write lock; it commits nothing."""
        with self._sessions() as session:
            if self.is_sqlite:
                session.connection().exec_driver_sql("BEGIN")
            else:  # or each statement would see another moment
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    def study(self, *tables: str) -> None:
        """Have the database learn how much its tables hold, once much was written to them.

        PostgreSQL plans by what it last counted, and counts by itself only after a while; until
        then a chart of thousands may take seconds where it takes tenths. SQLite needs no count.
        """
        if self.is_sqlite:
            return
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for table in tables:
                name = connection.dialect.identifier_preparer.quote(table)
                connection.exec_driver_sql(f"ANALYZE {name}")

    def migrate(self, *packages: str) -> None:
        """Bring the tables of each package to the newest revision of its ``migrations``."""
        from services.store.migrate import upgrade

        upgrade(self, *packages)

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()
