"""A rollout over a signed repository: real nodes follow their channels, there and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from support.brick_repository import World

from services.bricks.repository.channels import channels_of, open_channels
from services.bricks.repository.publish import publish
from services.bricks.updater.limits import Limits
from services.bricks.updater.source import FolderSource
from services.bricks.updater.updater import Updater
from services.learning.evaluate import Suites
from services.learning.policy import Policy
from services.learning.rollout import CanaryResult, Measures, NoChannelError, Rollout
from services.learning.rollout.canaries import EngineCanaries
from services.learning.rollout.routes import measures_router
from services.learning.rollout.signed import SignedChannels

NAME, OLD, NEW = "plain-words", "plain-words@1", "plain-words@2"
NODES = ("a" * 32, "b" * 32, "c" * 32)


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.setattr("os.fsync", lambda _: None)
    made = World(tmp_path / "world")
    made.folder.mkdir()
    made.init()
    made.delegate()
    put(made, 1)
    return made


@pytest.fixture
def clock():
    return [datetime(2026, 1, 5, 8, tzinfo=UTC)]


@pytest.fixture
def fleet():
    return list(NODES)


@pytest.fixture
def rollout(world, database, clock, fleet):
    open_channels(world.repository, world.maker, world.ring(), world.online)
    channels = SignedChannels(world.repository, lambda: world.ring(world.online))
    return Rollout(
        database,
        Policy.load(),
        lambda: fleet,
        channels,
        canaries=lambda _brick, _former: CanaryResult(3),
        clock=lambda: clock[0],
    )


def put(world, version):
    made = world.brick(version, b"words %d" % version)
    publish(world.repository, world.store, world.ring(), made.ref)


def node(world, name):
    source = FolderSource(world.repository.layout.folder)
    made = Updater(world.folder / name, source, Limits(spare_bytes=0), node=name)
    if not made.client.trusts:
        made.client.trust(world.repository.layout.of_role("root", 1).read_bytes())
    return made


def in_use(world):
    found = {}
    for name in NODES:
        updater = node(world, name)
        updater.update("device", ("en",))
        found[name] = updater.installed.active()[NAME]
    return found


def test_a_regression_at_the_first_clinic_brings_the_former_version_back_there(
    world, rollout, clock
):
    assert set(in_use(world).values()) == {1}
    for name in NODES:
        rollout.observe(name, Measures(answers=200, overrides=20), release=OLD, since=clock[0])
    rollout.start(NEW, OLD, domain="general")
    put(world, 2)
    assert set(in_use(world).values()) == {1}
    rollout.tick()
    using = in_use(world)
    (first,) = [name for name, version in using.items() if version == 2]
    clock[0] += timedelta(minutes=30)
    assert rollout.observe(first, Measures(answers=60, overrides=40), release=NEW)
    rollout.tick()
    assert rollout.book.get(NEW).deployment.state == "rolled-back"
    assert rollout.has_news(first, {NAME: 2})
    assert set(in_use(world).values()) == {1}
    assert "overrides rose" in node(world, first).installed.state().of(NAME).aside[2]
    assert channels_of(world.repository).bricks[NAME].next is None


def test_a_healthy_release_is_for_every_node_in_the_end(world, rollout, clock):
    rollout.start(NEW, OLD, domain="general")
    put(world, 2)
    for _ in range(12):
        for name, version in in_use(world).items():
            rollout.observe(name, Measures(answers=200, overrides=20), release=f"{NAME}@{version}")
        clock[0] += timedelta(minutes=45)
        rollout.tick()
    assert rollout.book.get(NEW).deployment.state == "released"
    assert set(in_use(world).values()) == {2}
    assert node(world, "someone-new").pull(NAME).ref == NEW


def test_without_channels_no_rollout_begins_and_it_says_what_to_do(world, database):
    channels = SignedChannels(world.repository, lambda: world.ring(world.online))
    rollout = Rollout(database, Policy.load(), list, channels)
    with pytest.raises(NoChannelError) as caught:
        rollout.start(NEW, OLD)
    assert "channels --make" in caught.value.advice
    open_channels(world.repository, world.maker, world.ring(), world.online)
    for path in world.online.glob("*.signing-key"):
        path.unlink()
    with pytest.raises(NoChannelError, match="has to be signed by"):
        rollout.start(NEW, OLD)
    rollout.tick()


@pytest.fixture
def door(rollout):
    async def caller() -> str:
        return NODES[0]

    app = FastAPI()
    app.include_router(measures_router(rollout, caller))
    return TestClient(app)


def a_report(clock, **more):
    report = {"brick": NAME, "version": 1, "since": clock[0].isoformat()}
    return {"reports": [{**report, "measures": {"answers": 10, "overrides": 1}, **more}]}


def test_a_node_is_told_what_counts_and_whether_there_is_news(door, rollout, clock):
    unknown = door.post("/v1/measures", json=a_report(clock)).json()
    assert unknown == {"counted": 0, "look": False}  # of no brick that is rolled out
    learned = a_report(clock, brick="learned-general", version=0)
    assert door.post("/v1/measures", json=learned).json() == {"counted": 1, "look": False}
    rollout.start(NEW, OLD, domain="general")
    assert door.post("/v1/measures", json=a_report(clock)).json()["counted"] == 1
    assert not door.post("/v1/measures", json=a_report(clock)).json()["look"]
    for _ in range(2):
        rollout.tick()
    first = rollout.nodes_of(rollout.book.get(NEW)) == [NODES[0]]
    assert door.post("/v1/measures", json=a_report(clock)).json()["look"] is first
    if not first:
        assert door.post("/v1/measures", json=a_report(clock, version=2)).json()["counted"] == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"measures": {"answers": 1, "overrides": 2}},
        {"measures": {"answers": -1}},
        {"measures": {"answers": 1, "question": "What is that?"}},
        {"measures": {"answers": 10**9}},
        {"measures": {"canaries": 1, "canaries_failed": 2}},
        {"brick": "Not a name"},
        {"since": "yesterday"},
        {"note": "A patient said so."},
    ],
    ids=["more", "negative", "text", "many", "canaries", "name", "date", "words"],
)
def test_what_are_no_counts_is_refused(door, clock, wrong):
    assert door.post("/v1/measures", json=a_report(clock, **wrong)).status_code == 422


def test_canaries_are_the_safety_suites_asked_of_both_releases():
    asked = []

    def score(ref, suite):
        asked.append((ref, suite.name))
        return [1.0] * (len(suite.items) - 1) + [0.0 if ref == NEW else 1.0]

    ask = EngineCanaries(Suites(), Policy.load(), lambda _brick: "general", score)
    found = ask(NEW, OLD)
    assert asked == [(OLD, "safety"), (NEW, "safety")]
    assert found.asked > 0
    assert len(found.failed) == 1
