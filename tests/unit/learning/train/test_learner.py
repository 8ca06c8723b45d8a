"""A node plans, trains on its own signals and writes a contribution that its parent would take."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select
from support.tiny_llama import make_adapter

from services.bricks.adapters.base import Base, named_base
from services.bricks.adapters.peft_folder import write_peft
from services.bricks.errors import BrickUnknownError
from services.bricks.manifest import BrickManifest
from services.engines.digest import file_digest
from services.learning.contribution import Expected, FileRound, check_contribution
from services.learning.models import Signal
from services.learning.privacy.accountant import Mechanism
from services.learning.privacy.ledger import BudgetSpentError
from services.learning.rounds.standing import Standing
from services.learning.train.limits import Machine, TrainingHeldError
from services.learning.train.terms import Terms

NOW = Standing("general", 0, None)


def expected(base, manifest, signer, **changed):
    held = {
        "domain": "general",
        "base": base.digest,
        "parent": None,
        "epoch": 0,
        "rank": 2,
        "shapes": {
            f"layers.{layer}.{projection}": base.shape(projection)
            for layer in range(base.layers)
            for projection in ("q_proj", "v_proj")
        },
        "max_norm": 20.0,
        "signer": lambda key: signer if key == manifest.key else None,
        "taken": lambda _: False,
    }
    return Expected(**held | changed)


def used(database):
    with database.reading() as session:
        return {row.id: row.used for row in session.scalars(select(Signal))}


def test_a_contribution_waits_that_the_parent_takes(learner_of, signals, tiny):
    signals(10)
    learner = learner_of()
    manifest = learner.learn(NOW)
    (path,) = learner.outbox.waiting()
    base = Base.of(tiny)
    taken = check_contribution(path, expected(base, manifest, learner._key.public))
    assert taken == manifest
    assert (manifest.examples, manifest.privacy.mechanism) == (10, "example")
    assert manifest.site.startswith("site-")
    assert manifest.site == learner.site
    assert len(FileRound([path]).modules) == 4


def test_a_change_longer_than_the_parent_takes_is_shortened(learner_of, signals, tiny, process):
    signals(10)
    process.scale = 50.0
    learner = learner_of()
    manifest = learner.learn(NOW)
    check_contribution(
        learner.outbox.waiting()[0], expected(Base.of(tiny), manifest, learner._key.public)
    )


def test_nothing_is_sent_of_a_signal_that_was_withdrawn_during_the_training(
    learner_of, signals, database
):
    signals(10)

    def withdraw(line):
        if line == "step 2":
            with database.transaction() as session:
                session.delete(session.scalars(select(Signal).limit(1)).one())

    learner = learner_of()
    with pytest.raises(TrainingHeldError, match="consent"):
        learner.learn(NOW, withdraw)
    assert learner.outbox.waiting() == []
    assert [held.state for held in learner.outbox.all()] == ["withdrawn"]
    assert set(used(database).values()) == {None}


def test_what_was_learned_from_is_not_learned_from_twice(learner_of, signals, database):
    signals(10)
    learner = learner_of()
    manifest = learner.learn(NOW)
    assert set(used(database).values()) == {manifest.id}
    assert learner.plan(Standing("general", 1, None)).examples == 0


def test_one_contribution_a_node_and_epoch(learner_of, signals, process):
    signals(10)
    learner = learner_of()
    learner.learn(NOW)
    signals(10, first=50)
    with pytest.raises(TrainingHeldError, match="epoch 0"):
        learner.learn(NOW)
    assert process.ran == 1
    assert not learner.plan(Standing("general", 1, None)).reasons


def test_a_refused_contribution_lets_its_signals_be_learned_from_again(
    learner_of, signals, database
):
    signals(10)
    learner = learner_of()
    manifest = learner.learn(NOW)
    held = learner.refused(manifest.id, "stale-epoch")
    assert (held.state, held.reason) == ("refused", "stale-epoch")
    assert set(used(database).values()) == {None}
    assert not learner.plan(NOW).reasons


def test_a_lost_answer_of_the_parent_counts_as_taken(learner_of, signals, database):
    signals(10)
    learner = learner_of()
    manifest = learner.learn(NOW)
    assert learner.refused(manifest.id, "replayed").state == "sent"
    assert set(used(database).values()) == {manifest.id}


def test_signals_that_teach_nothing_or_are_over_are_left_out(learner_of, signals):
    signals(3)
    signals(2, first=10, better=None)
    signals(2, first=20, expires=datetime.now(UTC) - timedelta(seconds=1))
    signals(2, first=30, domain="skin")
    signals(2, first=40, used="another")
    plan = learner_of().plan(NOW)
    assert plan.examples == 3
    assert any("3 examples of 3 people" in reason for reason in plan.reasons)


def test_a_person_counts_once(learner_of, signals, process):
    signals(9)
    signals(20, first=100, subject="person-0")
    learner = learner_of()
    assert (learner.plan(NOW).examples, learner.plan(NOW).people) == (9, 9)
    learner.learn(NOW)
    asked = [e["question"] for e in process.request["examples"]]
    assert "Question 0?" in asked  # the newest of that person
    assert not any(f"Question {n}?" in asked for n in range(100, 120))


def test_a_plan_says_what_a_training_then_costs(learner_of, signals):
    signals(40)
    learner = learner_of()
    plan = learner.plan(NOW)
    manifest = learner.learn(NOW)
    assert plan.spent == 0
    assert manifest.privacy.epsilon == pytest.approx(plan.after)
    assert plan.after < plan.budget / 2


def test_the_budget_lasts_for_the_trainings_it_is_to_last_for(learner_of, signals):
    learner = learner_of(Terms(signal=0.0, trainings=2))
    for epoch in range(2):
        signals(40, first=100 * epoch)
        learner.learn(Standing("general", epoch, None))
    signals(40, first=900)
    with pytest.raises(TrainingHeldError, match="budget is 20"):
        learner.learn(Standing("general", 2, None))
    assert learner.ledger.epsilon() <= 20


def test_no_budget_is_spent_on_noise_alone(learner_of, signals, process):
    signals(12)
    learner = learner_of(Terms(signal=5.0))
    plan = learner.plan(NOW)
    assert plan.signal < 5.0
    with pytest.raises(TrainingHeldError, match="of the noise"):
        learner.learn(NOW)
    assert process.ran == 0
    assert learner.ledger.spendings() == []


def test_without_a_budget_in_the_policy_nothing_is_added(learner_of, signals, policy):
    signals(10)
    general = policy.of("general")
    take = general.take.model_copy(update={"epsilon": None})
    free = policy.model_copy(
        update={"domains": {"general": general.model_copy(update={"take": take})}}
    )
    learner = learner_of(Terms(), policy=free)
    assert learner.plan(NOW).signal == math.inf
    manifest = learner.learn(NOW)
    assert (manifest.privacy.mechanism, manifest.privacy.epsilon) == ("none", None)
    assert learner.plan(Standing("general", 1, None)).told()["epsilon_after"] is None


def test_a_busy_machine_is_left_alone(learner_of, signals, machine, process):
    signals(10)
    machine.seen = Machine(busy=0.9, free=9000, plugged=None)
    with pytest.raises(TrainingHeldError, match="90%"):
        learner_of().learn(NOW)
    assert process.ran == 0


def test_a_stopped_training_leaves_everything_as_it_was(learner_of, signals, database):
    signals(10)
    learner, lines = learner_of(), []
    with pytest.raises(TrainingHeldError, match="stopped"):
        learner.learn(NOW, lines.append, lambda: len(lines) > 1)
    assert learner.ledger.spendings() == []
    assert learner.outbox.all() == []
    assert set(used(database).values()) == {None}
    learner.learn(NOW)


def test_two_trainings_at_once_are_one_too_many(learner_of, signals):
    signals(10)
    learner = learner_of()
    with learner._alone(), pytest.raises(TrainingHeldError, match="Another"):
        learner.learn(NOW)
    learner.learn(NOW)


def test_a_budget_spent_by_another_process_meanwhile_is_found_out(learner_of, signals, process):
    signals(10)
    learner = learner_of()

    def spend_too(line):
        if line == "step 2":
            learner.ledger.spend("general", 0, Mechanism(1, 1.0, 0.3), None)

    with pytest.raises(BudgetSpentError):
        learner.learn(NOW, spend_too)
    assert learner.outbox.all() == []


def a_brick(store, folder, base, *, note):
    """A brick with an adapter of a tiny model; ``note`` keeps the file that names its base."""
    write_peft(make_adapter(base), folder)
    names = ["adapter_config.json", "adapter_model.safetensors"]
    names += ["caretier-base.json"] if note else []
    head = {
        "id": "general-learned",
        "version": 1,
        "kind": "adapter",
        "title": "What was learned",
        "level": "clinic",
        "domain": "general",
        "base": base.digest,
        "rank": 4,
        "licence": "Apache-2.0",
        "created": datetime.now(UTC),
        "lineage": {"operation": "made"},
    }
    files = [
        {
            "name": f"peft/{name}",
            "digest": file_digest(folder / name),
            "size": (folder / name).stat().st_size,
            "role": "peft",
        }
        for name in names
    ]
    manifest = BrickManifest.model_validate(head | {"files": files})
    store.add(manifest, {f"peft/{name}": folder / name for name in names})
    return manifest.ref


@pytest.mark.parametrize("note", [True, False])
def test_it_is_trained_on_the_parents_adapter(learner_of, signals, tiny, process, note):
    signals(10)
    store = learner_of()._store
    ref = a_brick(store, store.folder.parent / "made", Base.of(tiny), note=note)
    seen = {}

    def look(line):
        seen["base"] = named_base(Path(process.request["parent"]))

    learner = learner_of()
    manifest = learner.learn(Standing("general", 3, ref), look)
    assert (manifest.parent, manifest.epoch) == (ref, 3)
    assert seen["base"] == Base.of(tiny).digest


def test_a_parent_that_is_not_here_trains_nothing(learner_of, signals, process):
    signals(10)
    with pytest.raises(BrickUnknownError):
        learner_of().learn(Standing("general", 1, "general-learned@7"))
    assert process.ran == 0


def test_sites_have_other_pseudonyms(learner_of):
    first, second = learner_of(), learner_of()
    assert first.site != second.site
    assert first._key.public.fingerprint.lower() not in first.site
    assert np.unique([first.site, learner_of().site]).size == 2
