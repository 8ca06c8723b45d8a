"""The adapter learns what a person asks about, is bounded, and is taken only when it helps."""

from __future__ import annotations

import numpy as np
import pytest

from patient_app.personal import training
from patient_app.personal.adapter import PersonalAdapter, foreseen, train
from patient_app.personal.policy import change_policy
from patient_app.vault import Vault

TOPICS, CLUSTER = 60, 12


def clustered(seed=1):
    """Topics of which the first twelve lie together: what this person is interested in."""
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(TOPICS, 384)).astype(np.float32)
    vectors[:CLUSTER] += 1.2 * random.normal(size=384).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class Titles:
    """Stands for a `Suggester`."""

    def __init__(self):
        self.vectors = clustered()
        self.row = {f"t{i}": i for i in range(TOPICS)}

    def base(self, _interests):
        return np.zeros(TOPICS, np.float32)


@pytest.fixture
def vault(tmp_path):
    held = Vault.create(tmp_path / "v", "correct horse battery")
    change_policy(held, {"learn": True})
    yield held
    held.close()


def asks(vault, topics):
    with vault.write() as tx:
        for at, topic in enumerate(topics):
            row = {"asked": f"2026-01-01T00:{at:02}:00+00:00"}
            cited = [{"id": f"{topic}#what"}] if topic else []
            tx.put("consult", f"c{at}", {**row, "answer": {"citations": cited}})


def test_topics_near_what_was_asked_are_foreseen():
    vectors = clustered()
    made = train(vectors, [0, 1, 2, 3, 4, 5])
    assert foreseen(made.scores(vectors), range(6, CLUSTER)) > 0.3
    assert foreseen(np.zeros(TOPICS, np.float32), range(20, 40)) == 0


def test_an_adapter_is_small_and_bounded():
    made = train(clustered(), [0] * 40)
    assert made.down.shape == (384, 4)
    assert np.linalg.norm(made.down) <= 4.001
    assert np.isfinite(made.scores(clustered())).all()


def test_an_adapter_comes_back_from_the_vault_as_it_was():
    made = train(clustered(), [0, 1, 2])
    again = PersonalAdapter.load(made.dump())
    assert np.allclose(again.scores(clustered()), made.scores(clustered()))


def test_too_few_questions_train_nothing(vault):
    asks(vault, ["t0", "t1", None, "Observation/1"])
    result = training.train_for(vault, Titles())
    assert (result.taken, result.reason, result.examples) == (False, "too-few-questions", 2)
    assert training.adapter_of(vault) is None


def test_an_adapter_that_foresees_better_is_taken(vault):
    asks(vault, [f"t{i % CLUSTER}" for i in range(24)])
    result = training.train_for(vault, Titles())
    assert result.taken
    assert result.after > result.before
    assert training.adapter_of(vault) is not None


def test_one_that_foresees_no_better_leaves_what_was_there(vault, monkeypatch):
    asks(vault, [f"t{i}" for i in range(12)])
    monkeypatch.setattr(training, "_added", lambda vectors, _rows: np.zeros(len(vectors)))
    assert training.train_for(vault, Titles()).reason == "no-better"
    assert training.adapter_of(vault) is None


def test_who_switched_learning_off_has_no_adapter_in_use(vault):
    asks(vault, [f"t{i % CLUSTER}" for i in range(24)])
    training.train_for(vault, Titles())
    change_policy(vault, {"learn": False})
    assert training.adapter_of(vault) is None
    assert not training.due(vault)


def test_an_adapter_can_be_forgotten(vault):
    asks(vault, [f"t{i % CLUSTER}" for i in range(24)])
    training.train_for(vault, Titles())
    assert training.forget(vault)
    assert training.adapter_of(vault) is None


def test_training_is_due_only_after_enough_new_questions(vault):
    asks(vault, [f"t{i}" for i in range(5)])
    assert not training.due(vault)
    asks(vault, [f"t{i % CLUSTER}" for i in range(24)])
    assert training.due(vault)
    training.train_for(vault, Titles())
    assert not training.due(vault)


@pytest.mark.parametrize(
    ("power", "quiet", "trained"), [(True, True, True), (False, True, False), (True, False, False)]
)
def test_it_is_trained_only_on_power_and_when_idle(vault, monkeypatch, power, quiet, trained):
    asks(vault, [f"t{i % CLUSTER}" for i in range(24)])
    monkeypatch.setattr(training, "on_power", lambda: power)
    monkeypatch.setattr(training, "idle", lambda _since: quiet)
    training.train_when_due(vault, Titles, 0.0)
    assert (training.adapter_of(vault) is not None) is trained
