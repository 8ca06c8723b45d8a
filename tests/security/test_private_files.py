"""Another user of the machine: what the nodes write is not theirs to read."""

from __future__ import annotations

import os
import sys

import pytest
from sqlalchemy import text

from services.cli.processes import Child
from services.exchange.keys import NodeKeys
from services.store.database import Database


@pytest.fixture(autouse=True)
def careless_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path) -> int:
    return path.stat().st_mode & 0o777


def test_a_database_and_its_log_can_be_read_by_its_user_alone(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/clinic/clinic.db")
    database.migrate("services.exchange")
    with database.transaction() as session:
        session.execute(text("CREATE TABLE kept (word TEXT)"))
    kept = list((tmp_path / "clinic").iterdir())
    assert {p.name for p in kept} >= {"clinic.db", "clinic.db-wal"}
    assert {mode(p) for p in kept} == {0o600}
    assert mode(tmp_path / "clinic") == 0o700
    database.close()


def test_a_database_that_is_there_keeps_what_is_in_it(tmp_path):
    path = tmp_path / "a" / "a.db"
    for _ in range(2):
        database = Database(f"sqlite:///{path}")
        with database.transaction() as session:
            run = session.connection().exec_driver_sql
            run("CREATE TABLE IF NOT EXISTS t (n INTEGER)")
            run("INSERT INTO t VALUES (1)")
            rows = run("SELECT count(*) FROM t").scalar()
        database.close()
    assert rows == 2


def test_private_keys_can_be_read_by_their_user_alone(tmp_path):
    NodeKeys.load_or_create(tmp_path / "keys", name="C", level="clinic")
    assert {mode(p) for p in (tmp_path / "keys").iterdir()} == {0o600}


def test_a_node_that_is_started_writes_for_its_user_alone(tmp_path):
    target = tmp_path / "written"
    command = [sys.executable, "-c", f"open({str(target)!r}, 'w').close()"]
    child = Child("test", command, tmp_path / "logs" / "test.log")
    child.start()
    assert child.process is not None
    assert child.process.wait(30) == 0
    assert mode(target) == 0o600
    assert mode(tmp_path / "logs") == 0o700
