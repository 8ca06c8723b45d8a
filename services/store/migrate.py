"""Migrations: each package that owns tables keeps `models` (with `Base`) and `migrations/`.

Each package has a version table of its own, so that one database can hold several packages and
they move independently; there are no foreign keys between packages.

    python -m services.store.migrate services.hospital "add a column"    # write a new revision
"""

from __future__ import annotations

import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

if TYPE_CHECKING:
    from services.store.database import Database

LOCK_ID = 7_262_022
"""PostgreSQL advisory lock that keeps two starting processes from migrating at once."""


def _config(connection: Connection, package: str) -> Config:
    module = import_module(f"{package}.models")
    tables = set(module.Base.metadata.tables)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "alembic"))
    versions = Path(str(import_module(package).__file__)).parent / "migrations"
    config.set_main_option("version_locations", str(versions))
    config.set_main_option("path_separator", "newline")

    def include(_item: Any, name: str | None, kind: str, *_rest: Any) -> bool:
        return kind != "table" or name in tables

    config.attributes.update(
        connection=connection,
        metadata=module.Base.metadata,
        version_table=f"alembic_{package.replace('.', '_')}",
        include_object=include,
    )
    return config


def upgrade(database: Database, *packages: str) -> None:
    """Bring the tables of ``packages`` (dotted names) to their newest revision, one at a time."""
    for package in packages:
        with database.transaction() as session:
            connection = session.connection()
            if not database.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": LOCK_ID})
            command.upgrade(_config(connection, package), "head")


def write_revision(package: str, message: str) -> None:
    """Write the difference between a package's models and its migrations as a revision."""
    from services.store.database import Database

    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/scratch.db")
        upgrade(database, package)
        with database.transaction() as session:
            config = _config(session.connection(), package)
            versions = Path(str(config.get_main_option("version_locations")))
            number = len(list(versions.glob("[0-9]*.py"))) + 1
            command.revision(config, message, autogenerate=True, rev_id=f"{number:04d}")
        database.close()


if __name__ == "__main__":
    write_revision(sys.argv[1], sys.argv[2])
