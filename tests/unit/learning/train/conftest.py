"""A node that learns, with a training process that takes no time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from support.tiny_llama import make_model

from compliance.sealing import IdentityKey
from services.bricks.adapters.base import Base
from services.bricks.store import BrickStore
from services.learning.models import Signal
from services.learning.policy import POLICY, Policy
from services.learning.train import local
from services.learning.train.learner import Learner
from services.learning.train.limits import Machine
from services.learning.train.terms import Terms
from services.store.database import Database


class Process:
    """Stands for the training process: says three lines, writes a change of the size asked for."""

    def __init__(self):
        self.ran, self.steps, self.scale = 0, None, 0.5

    def __call__(self, module, request, *, say, seconds, refused):
        self.ran += 1
        self.request = request
        for line in ("loading the model", "step 1", "step 2"):
            say(line)
        base, rank = Base.of(request["base"]), request["recipe"]["rank"]
        tensors = {}
        for layer in range(base.layers):
            for projection in request["recipe"]["modules"]:
                outputs, inputs = base.shape(projection)
                up = np.full((outputs, rank), self.scale, np.float32)
                tensors[f"layers.{layer}.{projection}.up"] = up
                tensors[f"layers.{layer}.{projection}.down"] = np.eye(
                    rank, inputs, dtype=np.float32
                )
        save_file(tensors, request["out"])
        count = len(request["examples"])
        own = request["recipe"]["batch"] - round(request["recipe"]["batch"] * 0.25)
        losses = {"own": 3.0, "protected": 2.0}
        return {
            "steps": self.steps or request["recipe"]["steps"],
            "rate": min(1.0, own / count),
            "clip": 0.31 if request["protection"]["mechanism"] == "example" else None,
            "before": losses,
            "after": {"own": 1.0, "protected": 2.1},
        }


@pytest.fixture(autouse=True)
def process(monkeypatch):
    made = Process()

    def run(module, request, *, say=None, seconds=0.0, refused=None):
        held = request | {"base": Path(request["base"])}
        return made(module, held, say=say or (lambda _: None), seconds=seconds, refused=refused)

    monkeypatch.setattr(local, "run_module", run)
    return made


@pytest.fixture
def database(tmp_path):
    made = Database(f"sqlite:///{tmp_path}/node.db")
    made.migrate("services.learning")
    yield made
    made.close()


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    return make_model(tmp_path_factory.mktemp("tiny") / "model", "F32")


@pytest.fixture
def policy():
    """The policy of the tests: a tiny rank, a wide budget."""
    held = Policy.load(POLICY)
    general = held.of("general")
    take = general.take.model_copy(update={"rank": 2, "epsilon": 20.0})
    return held.model_copy(
        update={"domains": {"general": general.model_copy(update={"take": take})}}
    )


@pytest.fixture
def machine():
    """A machine with time to spare; a test may make it busy."""

    class Shown:
        seen = Machine(busy=0.0, free=9000, plugged=None)

        def __call__(self):
            return self.seen

    return Shown()


@pytest.fixture
def learner_of(tmp_path, database, policy, tiny, machine):
    """Makes the learner of a node; by default one that finds enough signal in little."""

    def made(terms=Terms(signal=0.0), **changed):  # noqa: B008 - frozen
        held = {
            "policy": policy,
            "model": lambda: tiny,
            "store": BrickStore(tmp_path / "bricks"),
            "terms": terms,
            "look": machine,
        }
        return Learner(tmp_path / "learning", database, IdentityKey.generate(), **held | changed)

    return made


@pytest.fixture
def signals(database):
    """Writes signals down."""

    def write(count, *, domain="general", better="An answer.", subject=None, first=0, **changed):
        now = datetime.now(UTC)
        with database.transaction() as session:
            for number in range(first, first + count):
                held = {
                    "id": f"s{number}",
                    "kind": "correction",
                    "domain": domain,
                    "question": f"Question {number}?",
                    "better": better,
                    "worse": None,
                    "consent": "c1",
                    "subject": subject or f"person-{number}",
                    "made": now - timedelta(minutes=number),
                    "expires": now + timedelta(days=30),
                    "used": None,
                }
                session.add(Signal(**held | changed))

    return write
