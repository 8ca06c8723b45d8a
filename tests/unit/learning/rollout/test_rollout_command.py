"""`caretier rounds rollout` shows how far each release is, and lets a person steer it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from services.bricks.repository import ONLINE_KEYS
from services.bricks.repository.channels import channels_of, open_channels
from services.bricks.repository.repository_commands import app as repository_app
from services.learning.commands import app
from services.learning.policy import Policy
from services.learning.rollout import Measures, RolloutOverError
from services.learning.rollout.opening import rollout_beside
from services.learning.rollout.ports import unaudited
from services.store.database import Database
from tests.support.brick_repository import World

NEW = "plain-words@2"
NODES = ("a" * 32, "b" * 32)


@pytest.fixture
def hospital(tmp_path, monkeypatch):
    """A hospital's data folder with a signed repository and two enrolled clinics."""
    monkeypatch.setattr("os.fsync", lambda _: None)
    monkeypatch.setenv("CARETIER_ANCHORS", str(tmp_path / "anchors"))
    folder = tmp_path / "hospital"
    folder.mkdir()
    world = World(folder)
    world.online = folder / ONLINE_KEYS
    world.init()
    world.delegate()
    open_channels(world.repository, world.maker, world.ring(), world.online)
    database = Database(f"sqlite:///{folder}/hospital.db")
    database.migrate("services.learning", "services.exchange")
    with database.transaction() as session:
        for node in NODES:
            session.connection().exec_driver_sql(
                "INSERT INTO exchange_node (fingerprint, name, level, identity, bundle, enrolled)"
                f" VALUES ('{node}', 'A clinic', 'clinic', '', '', '2026-01-01 00:00:00')"
            )
    yield world, rollout_beside(folder, database, Policy.load(), unaudited)
    database.close()


def run(hospital, *arguments):
    data = hospital[0].folder.parent
    done = CliRunner().invoke(app, ["--data", str(data), "rollout", *arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.stdout


def test_nothing_was_rolled_out_yet(hospital):
    assert "No release was rolled out yet" in run(hospital)


def test_a_release_is_shown_held_let_go_on_and_taken_back(hospital):
    world, rollout = hospital
    rollout.start(NEW, "plain-words@1", domain="general")
    rollout.tick()
    assert "held" in run(hospital)  # at the shell nobody asks canary questions
    assert "one-clinic" in run(hospital, "go-on", NEW, "--reason", "Asked by hand.")
    (first,) = rollout.nodes_of(rollout.book.get(NEW))
    rollout.observe(first, Measures(answers=20, overrides=2), release="plain-words@2")
    rollout.observe(NODES[0], Measures(answers=20), release="plain-words@1")
    rollout.observe(NODES[1], Measures(answers=20), release="plain-words@1")
    rollout.tick()
    shown = run(hospital, "show", NEW)
    for words in ("one-clinic (1)", "all (2)", "overrides", "Asked by hand.", "by operator"):
        assert words in shown
    run(hospital, "hold", NEW, "--reason", "A clinic called.")
    told = json.loads(run(hospital, "show", NEW, "--json"))
    assert (told["state"], told["may"]) == ("held", ["go-on", "roll-back"])
    run(hospital, "roll-back", NEW, "--reason", "It was something.")
    assert channels_of(world.repository).bricks["plain-words"].withdrawn == {2: "It was something."}
    (row,) = json.loads(run(hospital, "--json"))
    assert (row["state"], row["nodes"], row["may"]) == ("rolled-back", [], [])
    with pytest.raises(RolloutOverError):
        run(hospital, "go-on", NEW, "--reason", "Again.")


def test_what_a_person_does_stands_in_the_trail(hospital):
    world, rollout = hospital
    rollout.start(NEW, "plain-words@1", domain="general")
    run(hospital, "roll-back", NEW, "--reason", "No.")
    trail = "".join(p.read_text() for p in world.folder.rglob("*.jsonl"))
    for words in ("plain-words@2", "stopped", "operator"):
        assert words in trail


def test_channels_are_shown_and_made_at_the_shell(hospital):
    world, rollout = hospital
    rollout.start(NEW, "plain-words@1", domain="general")
    shown = CliRunner().invoke(repository_app, ["channels", "--data", str(world.folder)])
    assert "to nobody yet" in shown.stdout
    as_json = CliRunner().invoke(
        repository_app, ["channels", "--data", str(world.folder), "--json"]
    )
    assert json.loads(as_json.stdout)["bricks"]["plain-words"]["settled"] == 1
    other = World(world.folder / "other")
    other.online = other.folder / ONLINE_KEYS
    other.held = other.folder / "publisher-keys"
    other.init()
    secret = other.folder / "passphrase"
    secret.write_text("a passphrase of some length")
    made = CliRunner().invoke(
        repository_app,
        ["channels", "--make", "--data", str(other.folder), "--passphrase-file", str(secret)],
    )
    assert made.exit_code == 0, made.output
    assert channels_of(other.repository).bricks == {}
