"""A candidate becomes one signed brick, whoever dies on the way, and none that was not measured."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from services.bricks.adapters.base import Base
from services.bricks.manifest import Level
from services.bricks.repository.channels import channels_of, open_channels
from services.bricks.repository.delegations import delegate
from services.bricks.repository.key_maker import KeyPlan
from services.bricks.repository.publish import revoke
from services.engines.digest import file_digest
from services.experts.adapters import adapter_of
from services.learning.aggregate import Factors
from services.learning.errors import RoundBlockedError
from services.learning.gates import Evidence, Scores
from services.learning.policy import Policy
from services.learning.publish import BrickPublisher
from services.learning.publish.lineage import FILE, Origin
from services.learning.publish.sign import Signing
from services.learning.rounds import Candidate, FencedOffError, Release, write_delta
from tests.support.brick_repository import World
from tests.support.tiny_llama import make_model

LEVEL: Level = "clinic"
GOOD = Evidence({"learned": Scores((0.0, 0.0), (1.0, 1.0))}, 0.1, (2, 0), frozenset({"ana"}), 2.0)


class Parent:
    """A hospital with a tiny model and a signed repository."""

    def __init__(self, folder):
        self.folder = folder
        self.world = World(folder)
        self.model = make_model(folder / "model", "F32")
        self.publisher = BrickPublisher(
            self.world.repository, self.world.store, self.world.ring, model=lambda: self.model
        )

    def repository(self):
        self.world.init()
        plan = KeyPlan([self.world.held])
        ring, maker = self.world.ring(), self.world.maker
        delegate(self.world.repository, maker, plan, ring, level=LEVEL, domain="general")
        return self

    def candidate(self, seed=1, round_="round-1", parent=None, epoch=0):
        """What a round made, with the file of its change."""
        base = Base.of(self.model)
        random = np.random.default_rng(seed)
        rank = 4
        delta = {
            f"layers.{layer}.{p}": Factors(
                random.normal(size=(base.shape(p)[0], rank)).astype(np.float32),
                random.normal(size=(rank, base.shape(p)[1])).astype(np.float32),
            )
            for layer in range(base.layers)
            for p in ("q_proj", "v_proj")
        }
        folder = self.folder / "rounds" / round_
        folder.mkdir(parents=True, exist_ok=True)
        write_delta(folder / "candidate.safetensors", delta)
        policy = Policy.load().of("general")
        return Candidate(
            round=round_,
            domain="general",
            epoch=epoch,
            base=base.digest,
            parent=parent,
            folder=folder,
            path=folder / "candidate.safetensors",
            digest=file_digest(folder / "candidate.safetensors"),
            policy=policy.model_copy(update={"take": policy.take.model_copy(update={"rank": 4})}),
            still=lambda: None,
            say=lambda _text: None,
        )

    def release(self, candidate):
        return Release(candidate, GOOD, (), ("site-1", "site-2"), "sha256:" + "c" * 64, ("ana",))

    def published(self):
        return [manifest.ref for manifest in self.world.repository.manifests()]


@pytest.fixture
def parent(tmp_path):
    return Parent(tmp_path).repository()


def test_a_candidate_is_published_once_with_its_lineage_and_an_engine_can_wear_it(parent):
    candidate = parent.candidate()
    ref = parent.publisher.publish(parent.release(candidate))
    assert parent.publisher.publish(parent.release(candidate)) == ref == "learned-general@1"
    assert parent.published() == [ref]
    manifest = parent.world.store.get(ref)
    origin = Origin.of(manifest)
    assert (origin.round, origin.candidate, origin.epoch) == ("round-1", candidate.digest, 0)
    assert [(e.suite, e.before, e.value, e.n) for e in manifest.evaluations] == [
        ("learned", 0.0, 1.0, 2)
    ]
    told = json.loads(parent.world.store.path(ref, FILE).read_text())
    assert told["sites"] == ["site-1", "site-2"]
    assert "ana" not in json.dumps(told)  # a release goes to every node
    for form in ("gguf", "peft"):
        assert adapter_of(parent.world.store, manifest, form).base == candidate.base


def test_the_next_release_stands_on_the_last_one(parent):
    first = parent.publisher.publish(parent.release(parent.candidate()))
    second = parent.candidate(2, "round-2", first, epoch=1)
    assert parent.publisher.publish(parent.release(second)) == "learned-general@2"
    manifest = parent.world.store.get("learned-general@2")
    assert (manifest.lineage.operation, manifest.lineage.parents) == ("updated", (first,))


@pytest.mark.parametrize("step", ["sign", "next_version"])
def test_whoever_dies_leaves_one_version_to_the_next_attempt(parent, monkeypatch, step):
    release = parent.release(parent.candidate())

    def killed(*_args):
        raise OSError

    with monkeypatch.context() as patch:
        patch.setattr(Signing, step, killed)
        with pytest.raises(OSError, match=r"^$"):
            parent.publisher.publish(release)
    assert parent.published() == []
    assert parent.publisher.publish(release) == "learned-general@1"
    assert parent.world.store.refs("learned-general") == ["learned-general@1"]


def test_who_was_fenced_off_signs_nothing(parent):
    def fenced():
        raise FencedOffError

    candidate = replace(parent.candidate(), still=fenced)
    with pytest.raises(FencedOffError):
        parent.publisher.publish(parent.release(candidate))
    assert parent.published() == []


def test_a_candidate_that_was_made_anew_takes_the_place_of_what_nobody_saw(parent):
    def fenced():
        raise FencedOffError

    with pytest.raises(FencedOffError):
        parent.publisher.publish(parent.release(replace(parent.candidate(1), still=fenced)))
    ref = parent.publisher.publish(parent.release(parent.candidate(2)))
    assert (ref, parent.published()) == ("learned-general@1", ["learned-general@1"])


def test_a_version_that_was_taken_back_is_not_used_again(parent):
    parent.publisher.publish(parent.release(parent.candidate()))
    revoke(parent.world.repository, parent.world.ring(), "learned-general@1", "Wrong dose.")
    ref = parent.publisher.publish(parent.release(parent.candidate(2, "round-2")))
    assert ref == "learned-general@2"


def test_a_repository_with_channels_offers_a_first_release_to_nobody_yet(parent):
    world = parent.world
    open_channels(world.repository, world.maker, world.ring(), world.online)
    ref = parent.publisher.publish(parent.release(parent.candidate()))
    assert not channels_of(world.repository).offers(ref, "any-node")


def test_an_adapter_that_was_not_measured_is_not_published(parent):
    candidate = parent.candidate()
    notes = {"notes": {"adapter": "sha256:" + "0" * 64}}
    (candidate.folder / "evidence.json").write_text(json.dumps(notes))
    with pytest.raises(RoundBlockedError, match="not the one that was measured"):
        parent.publisher.publish(parent.release(candidate))
    assert parent.published() == []


def test_what_lacks_for_a_signature_is_said_with_what_to_do(tmp_path):
    parent = Parent(tmp_path)
    release = parent.release(parent.candidate())
    with pytest.raises(RoundBlockedError, match="no signed repository") as found:
        parent.publisher.publish(release)
    assert "repository init" in found.value.advice
    parent.world.init()
    with pytest.raises(RoundBlockedError, match="Nobody may sign") as found:
        parent.publisher.publish(release)
    assert "delegate clinic general" in found.value.advice
    plan = KeyPlan([parent.world.folder / "elsewhere"])
    ring, maker = parent.world.ring(), parent.world.maker
    delegate(parent.world.repository, maker, plan, ring, level=LEVEL, domain="general")
    with pytest.raises(RoundBlockedError, match="cannot be signed"):
        parent.publisher.publish(release)
    assert parent.world.store.refs() == []


def test_a_parent_that_is_not_here_is_named(parent):
    with pytest.raises(RoundBlockedError, match="learned-general@7 cannot be built on"):
        parent.publisher.publish(parent.release(parent.candidate(parent="learned-general@7")))
