"""Training by torch and PEFT on a tiny model: the gradients, the parent, what holds it near."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from support.tiny_llama import make_adapter, make_model

from compliance.sealing import IdentityKey
from services.bricks.adapters.base import Base
from services.bricks.adapters.peft_folder import write_peft
from services.bricks.errors import BrickError
from services.bricks.store import BrickStore
from services.engines.errors import EngineUnavailableError
from services.engines.torch_side import run_module, torch_python
from services.learning.contribution import Expected, check_contribution
from services.learning.models import Signal
from services.learning.policy import POLICY, Policy
from services.learning.privacy import PrivacyLedger
from services.learning.rounds.standing import Standing
from services.learning.train import (
    Account,
    Example,
    Protection,
    Recipe,
    TrainRequest,
    train_local,
)
from services.learning.train.learner import Learner
from services.learning.train.limits import Limits
from services.learning.train.terms import Terms
from services.store.database import Database

pytestmark = pytest.mark.xdist_group("training")
EXAMPLES = [Example(f"question {i}", f"the answer is {i}") for i in range(12)]


def a_model(folder, **changed):
    """A tiny model whose tokenizer Transformers opens."""
    model = make_model(folder, "F32", **changed)
    tokens = {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "unk_token": "<|endoftext|>"}
    kind = {"tokenizer_class": "PreTrainedTokenizerFast"}
    (model / "tokenizer_config.json").write_text(json.dumps(tokens | kind))
    return model


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A tiny model and a parent's adapter for it: their folders."""
    try:
        torch_python()
    except EngineUnavailableError as error:
        pytest.skip(f"{error.message} {error.advice}")
    folder = tmp_path_factory.mktemp("tiny")
    model = a_model(folder / "model")
    write_peft(make_adapter(Base.of(model)), folder / "adapter")
    return model, folder / "adapter"


@pytest.fixture(scope="module")
def seen(tiny):
    """What the torch side says, asked once."""
    return run_module(
        "tests.support.ask_training", {"model": str(tiny[0]), "adapter": str(tiny[1])}
    )


def test_one_pass_makes_the_gradients_that_one_pass_an_example_makes(seen):
    told = seen["gradients"]
    assert min(told["lengths"]) > 0.05  # each is clipped
    made, want = np.array(told["made"]), np.array(told["want"])
    assert np.linalg.norm(made - want) < 0.02 * np.linalg.norm(want)  # bfloat16, padded otherwise
    assert np.linalg.norm(want) > 0.01


def test_a_preference_pair_keeps_the_worse_answer_behind(seen):
    assert seen["pairs"]["paired"] > seen["pairs"]["plain"] + 0.1


def test_a_preference_pair_is_clipped_as_one_example(seen):
    made, want = np.array(seen["pairs"]["made"]), np.array(seen["pairs"]["want"])
    assert np.linalg.norm(made - want) < 0.03 * np.linalg.norm(want)
    assert np.linalg.norm(want) > 0.001


def test_a_step_without_examples_still_has_its_noise(seen):
    assert seen["empty"]["std"] == pytest.approx(2.0 * 0.5 / 4.0, rel=0.1)


def test_the_parents_adapter_does_what_it_does_elsewhere(seen):
    told = seen["parent"]
    assert told["apart"] < 0.05 * told["large"]
    assert told["trained"] == 2 * told["factors"]


def test_before_is_the_parent_whatever_was_trained(seen):
    told = seen["parent"]
    assert told["before"] == 0.0
    assert told["changed"] > 0.1


def test_the_anchor_keeps_answers_near_and_something_is_learned(seen):
    free, held = seen["kept"]["free"], seen["kept"]["held"]
    assert held["far"] < free["far"] / 2
    assert held["own"] < held["first"]
    assert free["own"] < free["first"]


def test_a_price_on_length_makes_a_shorter_change(seen):
    assert seen["kept"]["short"]["length"] < seen["kept"]["free"]["length"] / 2


def test_time_and_memory_end_a_training(seen):
    told = seen["stopped"]
    assert told["steps"] == 0
    assert "time is over" in told["lines"][0]
    assert "more than 1 MB" in told["lines"][-1]


def test_a_node_trains_and_writes_its_cost_down(tiny, tmp_path):
    ledger, lines = PrivacyLedger(tmp_path / "ledger.jsonl"), []
    request = TrainRequest(
        tiny[0],
        EXAMPLES,
        "general/0",
        protected=EXAMPLES[:2],
        parent=tiny[1],
        recipe=Recipe(rank=4, steps=5, batch=4, both=False),
        protection=Protection("example", clip=0.1, noise=1.5),
    )
    trained = train_local(request, Account(ledger, 8.0, "general", 0), lines.append)
    assert set(trained.delta) == {f"layers.{i}.{p}" for i in range(2) for p in ("q_proj", "v_proj")}
    assert trained.steps == 5
    assert 0 < trained.privacy.epsilon < 8
    assert trained.privacy.clip > 0  # counted in what is usual for protected examples
    assert trained.privacy.clip != pytest.approx(0.1)
    assert any("step 5 of 5" in line for line in lines)


def test_a_node_learns_from_its_signals_and_the_parent_takes_what_came_of_it(tiny, tmp_path):
    database = Database(f"sqlite:///{tmp_path}/node.db")
    database.migrate("services.learning")
    now = datetime.now(UTC)
    with database.transaction() as session:
        for number, example in enumerate(EXAMPLES):
            session.add(
                Signal(
                    id=f"s{number}",
                    kind="edit",
                    domain="general",
                    question=example.question,
                    better=example.answer,
                    consent="c",
                    subject=f"p{number}",
                    made=now,
                    expires=now + timedelta(days=1),
                )
            )
    key = IdentityKey.generate()
    learner = Learner(
        tmp_path / "learning",
        database,
        key,
        policy=Policy.load(POLICY),
        model=lambda: tiny[0],
        store=BrickStore(tmp_path / "bricks"),
        terms=Terms(signal=0.0, steps=4),
        limits=Limits(busy=1.0, free=0),
    )
    lines = []
    manifest = learner.learn(Standing("general", 0, None), lines.append)
    database.close()
    base = Base.of(tiny[0])
    shapes = {
        f"layers.{layer}.{projection}": base.shape(projection)
        for layer in range(base.layers)
        for projection in ("q_proj", "v_proj")
    }
    taken = Expected(
        "general",
        base.digest,
        None,
        0,
        8,
        shapes,
        20.0,
        signer=lambda name: key.public if name == manifest.key else None,
        taken=lambda _: False,
    )
    assert check_contribution(learner.outbox.waiting()[0], taken) == manifest
    assert 0 < manifest.privacy.epsilon < 8
    assert "loading the model" in lines


def test_equal_trainings_give_equal_changes(tiny):
    request = TrainRequest(tiny[0], EXAMPLES, "general/0", recipe=Recipe(rank=4, steps=3, batch=4))
    first, second = (train_local(request).delta for _ in range(2))
    for name, factors in first.items():
        assert np.array_equal(factors.up, second[name].up)


def test_a_parent_of_another_model_is_refused(tiny, tmp_path):
    other = a_model(tmp_path / "other", rms_norm_eps=1e-6)
    request = TrainRequest(other, EXAMPLES, "general/0", parent=tiny[1], recipe=Recipe(steps=1))
    with pytest.raises(BrickError, match="another model"):
        train_local(request)
