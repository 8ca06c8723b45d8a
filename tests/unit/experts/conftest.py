"""A registry of experts with an engine that holds what it is given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.stub_engine import StubHost, adapter_brick

from services.bricks.store import BrickStore
from services.experts import Experts
from services.experts.adapters import host_of
from services.store.database import Database


@pytest.fixture
def tables(empty_database: Database) -> Database:
    """A database with the tables of experts; SQLite, then PostgreSQL."""
    empty_database.migrate("services.experts")
    return empty_database


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Database]:
    """The same on SQLite alone."""
    made = Database(f"sqlite:///{tmp_path}/quick.db")
    made.migrate("services.experts")
    yield made
    made.close()


@pytest.fixture
def store(tmp_path: Path) -> BrickStore:
    """A store with two adapters."""
    made = BrickStore(tmp_path / "bricks")
    adapter_brick(made, "amber")
    adapter_brick(made, "birch")
    return made


@pytest.fixture
def engine() -> StubHost:
    """An engine that holds adapters."""
    return StubHost("http://127.0.0.1:9/v1")


@pytest.fixture
def experts(quick: Database, store: BrickStore, engine: StubHost) -> Experts:
    """The registry."""
    return Experts(quick, store, lambda: host_of(engine), drain=0.3)
