"""A withdrawal after the release, from end to end, in a repository that is signed."""

from __future__ import annotations

import numpy as np
import pytest

from compliance.sealing import IdentityKey
from services.bricks.adapters.base import Base
from services.bricks.adapters.peft_folder import read_peft
from services.bricks.repository.delegations import delegate
from services.bricks.repository.key_maker import KeyPlan
from services.learning.convert import delta_of
from services.learning.intake.withdrawal import withdraw
from services.learning.lineage import Lineage
from services.learning.policy import Policy
from services.learning.publish import BrickPublisher
from services.learning.rounds import Rounds, State
from services.store.database import Database
from tests.support.brick_repository import World
from tests.support.rounds import DOMAIN, POLICY, FixedEvaluator, contribute
from tests.support.tiny_llama import make_model


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    made.init()
    plan = KeyPlan([made.held])
    delegate(made.repository, made.maker, plan, made.ring(), level="clinic", domain=DOMAIN)
    return made


@pytest.fixture
def rounds(tmp_path, world):
    database = Database(f"sqlite:///{tmp_path}/parent.db")
    database.migrate("services.learning", "services.experts")
    model = make_model(tmp_path / "model", "F32")
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    keys = {}
    made = Rounds(
        database,
        tmp_path / "learning",
        Policy.load(tmp_path / "policy.yaml"),
        FixedEvaluator(),
        BrickPublisher(world.repository, world.store, world.ring, model=lambda: model),
        model=lambda: Base.of(model),
        signer=lambda key: keys[key].public,
    )
    made.keys, made.base = keys, Base.of(model)
    yield made
    database.close()


def gives(rounds, number):
    key = IdentityKey.generate()
    rounds.keys[key.public.fingerprint] = key
    site = f"site-{number}"
    return contribute(rounds.database, rounds, key, site, seed=number, model=rounds.base)


def released(rounds, id_):
    while rounds.book.get(id_).state not in {State.WAITING, State.FAILED}:
        rounds.advance(id_)
    rounds.approve(id_, rounds.book.get(id_).candidate, "ana")
    rounds.advance(id_)
    assert rounds.advance(id_) == State.RELEASED
    return rounds.book.get(id_)


def weights(world, ref):
    """What an adapter changes, by module."""
    (peft,) = [f.name for f in world.store.get(ref).files if f.name.endswith(".safetensors")]
    held = delta_of(read_peft((world.store.lay_out(ref) / peft).parent))
    return {module: factors.dense() for module, factors in held.items()}


def test_the_next_signed_version_takes_the_place_of_the_one_that_held_it(rounds, world, tmp_path):
    ids = [gives(rounds, number) for number in range(4)]
    one = released(rounds, rounds.propose(DOMAIN))
    told = withdraw(rounds, ids[0])
    two = released(rounds, told.round)
    assert [one.brick, two.brick] == ["learned-general@1", "learned-general@2"]
    assert {m.ref for m in world.repository.manifests()} == {one.brick, two.brick}
    assert world.store.get(two.brick).lineage.parents == ()  # it does not stand on what is gone
    lineage = Lineage(rounds, world.store).of(two.brick)
    assert lineage["sites"] == ["site-1", "site-2", "site-3"]
    assert [step["brick"] for step in lineage["bricks"]] == [two.brick]
    assert lineage["bricks"][0]["round"]["anew"]["former"] == one.brick
    former, now = (weights(world, row.brick) for row in (one, two))
    assert any(not np.allclose(former[name], now[name]) for name in former)
