"""Training at a node, around the process that trains: budget, cancelling, what may leave."""

from __future__ import annotations

import math

import numpy as np
import pytest
from safetensors.numpy import save_file

from compliance.errors import BadInputError
from services.bricks.errors import BrickError
from services.learning.privacy import PrivacyLedger
from services.learning.privacy.ledger import BudgetSpentError
from services.learning.train import (
    Account,
    Example,
    Protection,
    Recipe,
    TrainRequest,
    local,
    train_local,
)

EXAMPLES = [Example(f"Question {i}?", f"Answer {i}.") for i in range(40)]
PRIVATE = Protection("example", clip=0.5, noise=2.0)
WHOLE = Protection("update", clip=1.0, noise=3.0)


class Process:
    """Stands for the training process: writes a change, says three lines."""

    def __init__(self, steps=20):
        self.steps, self.ran, self.loss = steps, 0, 1.0

    def __call__(self, module, request, *, say, seconds, refused):
        self.ran += 1
        self.request, self.seconds = request, seconds
        for line in ("loading the model", "step 1 of 20", "step 2 of 20"):
            if say is not None:
                say(line)
        ups = {f"layers.{i}.q_proj.up": np.full((6, 2), 0.5, np.float32) for i in range(2)}
        downs = {f"layers.{i}.q_proj.down": np.eye(2, 5, dtype=np.float32) for i in range(2)}
        save_file(ups | downs, request["out"])
        losses = {"own": 3.0, "protected": 2.0}
        return {
            "steps": self.steps,
            "rate": 0.15,
            "clip": 0.31 if request["protection"]["mechanism"] == "example" else None,
            "before": losses,
            "after": {"own": self.loss, "protected": 2.1},
        }


@pytest.fixture
def process(monkeypatch):
    made = Process()
    monkeypatch.setattr(local, "run_module", made)
    return made


@pytest.fixture
def ledger(tmp_path):
    return PrivacyLedger(tmp_path / "ledger.jsonl")


def request(folder, protection=Protection(), **changed):  # noqa: B008 - frozen
    held = {
        "base": folder,
        "examples": EXAMPLES,
        "seed": "general/0",
        "protected": EXAMPLES[:4],
        "recipe": Recipe(steps=20, both=False),
        "protection": protection,
    }
    return TrainRequest(**held | changed)


def test_a_change_comes_back_with_what_was_measured(process, tmp_path):
    trained = train_local(request(tmp_path))
    assert set(trained.delta) == {"layers.0.q_proj", "layers.1.q_proj"}
    assert trained.delta["layers.0.q_proj"].dense().shape == (6, 5)
    assert trained.metrics["loss-own-after"] == 1.0
    assert trained.privacy.mechanism == "none"
    assert process.seconds > process.request["seconds"]


def test_nothing_measured_on_protected_examples_leaves(process, ledger, tmp_path):
    trained = train_local(request(tmp_path, PRIVATE), Account(ledger, 100.0, "general", 0))
    assert set(trained.metrics) == {"loss-protected-before", "loss-protected-after"}
    assert trained.local == {"loss-before": 3.0, "loss-after": 1.0}


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_training_that_came_to_no_number_costs_nothing(process, ledger, tmp_path, loss):
    process.loss = loss
    with pytest.raises(BrickError, match="nothing was spent"):
        train_local(request(tmp_path, PRIVATE), Account(ledger, 100.0, "general", 0))
    assert ledger.spendings() == []


def test_no_loss_of_a_change_that_gets_its_noise_later_leaves(process, ledger, tmp_path):
    whole = Protection("update", clip=1.0, noise=2.0)
    trained = train_local(request(tmp_path, whole), Account(ledger, 100.0, "general", 0))
    assert set(trained.metrics) == {"loss-protected-before"}


def test_what_a_training_cost_is_written_down_and_said(process, ledger, tmp_path):
    process.steps = 7
    trained = train_local(request(tmp_path, PRIVATE), Account(ledger, 100.0, "general", 3))
    (line,) = ledger.spendings()
    assert (line.steps, line.rate, line.noise, line.epoch) == (7, 0.15, 2.0, 3)
    assert trained.privacy.epsilon == pytest.approx(ledger.epsilon())
    assert (trained.privacy.delta, trained.privacy.clip) == (1e-5, 0.31)


def test_a_spent_budget_trains_nothing(process, ledger, tmp_path):
    account = Account(ledger, 4.0, "general", 0)
    weak = Protection("update", noise=1.5)
    train_local(request(tmp_path, weak), account)
    with pytest.raises(BudgetSpentError):
        train_local(request(tmp_path, weak), account)
    assert process.ran == 1
    assert len(ledger.spendings()) == 1


def test_what_is_not_protected_never_passes_a_budget(process, ledger, tmp_path):
    with pytest.raises(BudgetSpentError, match="inf"):
        train_local(request(tmp_path), Account(ledger, 8.0, "general", 0))
    assert process.ran == 0


def test_without_a_budget_an_open_training_costs_everything(process, ledger, tmp_path):
    train_local(request(tmp_path), Account(ledger, None, "general", 0))
    assert ledger.epsilon() == math.inf


def test_a_stopped_training_spends_nothing(process, ledger, tmp_path):
    class StopError(Exception):
        pass

    def stop(line):
        if line.startswith("step 2"):
            raise StopError

    with pytest.raises(StopError):
        train_local(request(tmp_path, PRIVATE), Account(ledger, 100.0, "general", 0), stop)
    assert ledger.spendings() == []


def test_a_change_that_could_not_be_written_down_is_not_returned(
    process, ledger, tmp_path, monkeypatch
):
    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr(ledger, "spend", full)
    with pytest.raises(OSError, match="space"):
        train_local(request(tmp_path, PRIVATE), Account(ledger, 100.0, "general", 0))


def test_a_whole_change_is_clipped_and_noised(process, ledger, tmp_path):
    trained = train_local(request(tmp_path, WHOLE), Account(ledger, 8.0, "general", 0))
    ups = np.stack([f.up for f in trained.delta.values()])
    assert not np.allclose(ups, 0.5)
    assert np.array_equal(trained.delta["layers.0.q_proj"].down, np.eye(2, 5, dtype=np.float32))
    assert ledger.spendings()[0].noise == 3.0


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"examples": []}, "no examples"),
        ({"recipe": Recipe(steps=0)}, "steps"),
        ({"recipe": Recipe(replay=1.0)}, "replay"),
        ({"protection": PRIVATE}, "account"),
    ],
)
def test_a_request_that_does_not_hold_together_is_refused(process, tmp_path, changed, why):
    with pytest.raises(BadInputError, match=why):
        train_local(request(tmp_path, **changed))
    assert process.ran == 0


def test_a_protected_training_of_both_factors_is_refused(process, ledger, tmp_path):
    with pytest.raises(BadInputError, match="public factor"):
        train_local(request(tmp_path, WHOLE, recipe=Recipe()), Account(ledger, 8.0, "general", 0))


def test_protection_without_noise_is_none(process, ledger, tmp_path):
    with pytest.raises(BadInputError, match="noise"):
        train_local(request(tmp_path, Protection("update")), Account(ledger, 8.0, "general", 0))
