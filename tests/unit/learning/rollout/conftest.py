"""A simulated fleet, and a rollout over it."""

from __future__ import annotations

import pytest

from services.learning.policy import Policy
from services.learning.rollout.simulator import SimulatedFleet
from services.store.database import Database

OLD, NEW = "general@1", "general@2"


@pytest.fixture
def database(tmp_path):
    made = Database(f"sqlite:///{tmp_path}/parent.db")
    made.migrate("services.learning")
    yield made
    made.close()


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch):
    """Do not wait for the disk: nobody cuts the power here."""
    from services.store import database as module

    tune = module._tune_sqlite

    def quick(connection, record):
        tune(connection, record)
        connection.execute("PRAGMA synchronous=OFF")

    monkeypatch.setattr(module, "_tune_sqlite", quick)


class Told:
    """What was written down."""

    def __init__(self):
        self.moves = []

    def __call__(self, what, move, by):
        self.moves.append((what, move, by))


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def fleet():
    """Twenty clinics under general@1."""
    return SimulatedFleet(20, seed=1, window=180)


@pytest.fixture
def rollout(fleet, database, told):
    """A rollout over it, with a baseline."""
    made = fleet.rollout(database, Policy.load(), audit=told)
    fleet.live(made, 1440)
    return made
