"""Migrations: from nothing to the newest tables, and the models say the same as the tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from importlib import import_module

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.exc import StatementError
from support.quick import tune_sqlite

from services.exchange.models import SeenToken
from services.store.database import Database

PACKAGES = (
    "services.exchange",
    "services.experts",
    "services.fhir",
    "services.hospital",
    "services.learning",
)


def tables(database: Database) -> set[str]:
    return set(inspect(database.engine).get_table_names())


@pytest.mark.parametrize("package", PACKAGES)
def test_an_empty_database_gets_the_tables_of_a_package(empty_database, package):
    empty_database.migrate(package)
    wanted = set(import_module(f"{package}.models").Base.metadata.tables)
    assert tables(empty_database) == wanted | {f"alembic_{package.replace('.', '_')}"}


def test_packages_move_independently_in_one_database(empty_database):
    empty_database.migrate("services.hospital")
    before = tables(empty_database)
    empty_database.migrate("services.exchange")
    assert before < tables(empty_database)
    assert "exchange_parcel" not in before


def test_migrating_again_changes_nothing_and_keeps_the_rows(database):
    token = SeenToken(id="t", expires=datetime(2026, 1, 1, tzinfo=UTC))
    with database.transaction() as session:
        session.add(token)
    before = tables(database)
    database.migrate(*PACKAGES)
    assert tables(database) == before
    with database.reading() as session:
        assert session.get(SeenToken, "t") is not None


@pytest.mark.parametrize("package", PACKAGES)
def test_models_and_migrations_agree(database, package):
    metadata = import_module(f"{package}.models").Base.metadata
    names = set(metadata.tables)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_object": lambda _o, name, kind, *_: kind != "table" or name in names,
                "compare_type": True,
            },
        )
        found = compare_metadata(context, metadata)
    assert found == []


def test_two_packages_share_no_table():
    names = [name for p in PACKAGES for name in import_module(f"{p}.models").Base.metadata.tables]
    assert len(names) == len(set(names))


def test_no_foreign_key_leaves_its_package():
    for package in PACKAGES:
        metadata = import_module(f"{package}.models").Base.metadata
        for table in metadata.tables.values():
            for key in table.foreign_keys:
                assert key.column.table.name in metadata.tables


def test_a_moment_comes_back_in_utc(database):
    lima = timezone(timedelta(hours=-5))
    given = datetime(2026, 3, 1, 22, 30, tzinfo=lima)
    with database.transaction() as session:
        session.add(SeenToken(id="m", expires=given))
    with database.reading() as session:
        found = session.get(SeenToken, "m").expires
    assert found == given
    assert found.tzinfo is UTC
    assert found.hour == 3


def test_a_moment_without_a_zone_is_refused(database):
    naive = datetime(2026, 3, 1)  # noqa: DTZ001 - that it has no zone is the point
    with database.reading() as session:
        session.add(SeenToken(id="n", expires=naive))
        with pytest.raises(StatementError, match="needs a zone"):
            session.flush()


def test_an_error_rolls_everything_back(database):
    def work() -> None:
        with database.transaction() as session:
            session.add(SeenToken(id="a", expires=datetime.now(UTC)))
            session.flush()
            raise LookupError

    with pytest.raises(LookupError):
        work()
    with database.reading() as session:
        assert session.get(SeenToken, "a") is None


def test_reading_commits_nothing(database):
    with database.reading() as session:
        session.add(SeenToken(id="r", expires=datetime.now(UTC)))
        session.flush()
    with database.reading() as session:
        assert session.get(SeenToken, "r") is None


def test_sqlite_waits_for_another_writer_and_syncs_to_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr("services.store.database._tune_sqlite", tune_sqlite)
    database = Database(f"sqlite:///{tmp_path}/deep/er/x.db")
    with database.engine.connect() as connection:
        mode = connection.execute(text("PRAGMA journal_mode")).scalar()
        wait = connection.execute(text("PRAGMA busy_timeout")).scalar()
        sync = connection.execute(text("PRAGMA synchronous")).scalar()
    database.close()
    assert (mode, wait, sync) == ("wal", 15_000, 2)
    assert (tmp_path / "deep" / "er").stat().st_mode & 0o077 == 0
