"""`caretier bricks pull | pin | rollback | drop | installed`, as an operator uses them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.repository import Publisher
from typer.testing import CliRunner

from compliance.errors import BadInputError
from services.bricks.commands import app
from services.bricks.errors import BrickError, BrickUnknownError, BrickUntrustedError
from services.bricks.updater.installed import Installed


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "var" / "device"


@pytest.fixture
def run(publisher: Publisher, data: Path, tmp_path: Path):
    """Run a command on the device's data; return what it printed."""
    root = tmp_path / "root.json"
    root.write_bytes(publisher.first_root)

    def run(*words: str, carried: bool = False) -> str:
        options = ["--from", str(publisher.layout.folder)] if carried else []
        if words[0] == "pull" and carried:
            options += ["--root", str(root)]
        result = CliRunner().invoke(
            app, [*words, "--data", str(data), *options], catch_exceptions=False
        )
        assert result.exit_code == 0, result.output
        return result.output

    return run


def in_use(data: Path) -> dict[str, int]:
    return Installed(data / "bricks").active()


def test_a_pull_out_of_a_carried_folder_prints_what_moved_against_the_whole(run, data):
    shown = run("pull", "heart-style", carried=True)

    assert in_use(data) == {"heart-style": 1}
    assert "15 bytes" in shown
    assert "100.0 %" in shown
    again = json.loads(run("pull", "heart-style", "--json", carried=True))
    assert again == {
        "pulled": [
            {"ref": "heart-style@1", "before": 1, "moved": 0, "size": 15, "model": None},
        ],
        "dry_run": False,
    }


def test_a_dry_run_says_what_would_move_and_changes_nothing(run, data):
    shown = json.loads(run("pull", "heart-style", "--dry-run", "--json", carried=True))

    assert shown["pulled"][0]["moved"] == 15
    assert in_use(data) == {}


def test_a_pull_without_a_name_lists_what_there_is(run, publisher):
    publisher.brick(b"newer words", version=2)
    publisher.brick(b"lung words", brick="lung-style", domain="pneumology")
    publisher.revoke("lung-style@1")
    publisher.publish()
    run("pull", "heart-style@1", carried=True)

    listed = json.loads(run("pull", "--json", carried=True))

    heart, lung = listed["bricks"]
    assert (heart["versions"], heart["active"], heart["said"]) == ([1, 2], 1, None)
    assert (lung["versions"], lung["said"]) == ([], "taken back")
    assert "heart-style" in run("pull", carried=True)


def test_a_pull_of_all_takes_the_knowledge_of_the_tier(run, data):
    run("pull", "--all", carried=True)

    assert in_use(data) == {"heart-style": 1}
    assert "up to date" in run("pull", "--all", carried=True)


def test_the_hospital_pulls_out_of_its_own_repository_and_keeps_old_versions(tmp_path):
    data = tmp_path / "var" / "hospital"
    publisher = Publisher(data / "repository")
    for version in (1, 2, 3):
        publisher.brick(b"words %d" % version, version=version, level="hospital")
        publisher.publish()
        result = CliRunner().invoke(
            app, ["pull", "heart-style", "--data", str(data)], catch_exceptions=False
        )
        assert result.exit_code == 0

    assert in_use(data) == {"heart-style": 3}
    kept = sorted(p.name for p in (data / "bricks" / "manifests" / "heart-style").iterdir())
    assert kept == ["1.json", "2.json", "3.json"]


def test_a_node_without_a_repository_is_told_where_to_pull_from(run):
    with pytest.raises(BadInputError) as caught:
        run("pull", "heart-style")
    assert "--from FOLDER" in caught.value.advice


def test_nothing_is_taken_out_of_a_folder_without_a_root(publisher, data):
    with pytest.raises(BrickUntrustedError, match="No repository is trusted"):
        CliRunner().invoke(
            app,
            [
                "pull",
                "heart-style",
                "--data",
                str(data),
                "--from",
                str(publisher.layout.folder),
            ],
            catch_exceptions=False,
        )


def test_a_rollback_takes_the_last_good_version_without_any_repository(run, data, publisher):
    run("pull", "heart-style", carried=True)
    publisher.brick(b"newer words", version=2)
    publisher.publish()
    run("pull", "heart-style", carried=True)

    run("rollback", "heart-style", "--reason", "Answers got worse.")

    assert in_use(data) == {"heart-style": 1}
    shown = run("installed")
    assert "Answers got worse." in shown
    assert "heart-style" in shown


def test_a_rollback_without_a_good_version_says_so(run):
    run("pull", "heart-style", carried=True)

    with pytest.raises(BrickUnknownError, match="no last good version"):
        run("rollback", "heart-style", "--reason", "x")


def test_a_pin_is_put_on_and_taken_off(run, data, publisher):
    run("pull", "heart-style", carried=True)
    assert "heart-style@1 stays" in run("pin", "heart-style")
    assert "heart-style@1 stays" in run("pin", "heart-style@1")
    publisher.brick(b"newer words", version=2)
    publisher.publish()
    with pytest.raises(BrickError, match="pinned to 1"):
        run("pull", "heart-style@2", carried=True)

    assert "follows the repository again" in run("pin", "heart-style", "--off")

    run("pull", "heart-style", carried=True)
    assert in_use(data) == {"heart-style": 2}


def test_a_pin_of_what_is_not_in_use_needs_a_version(run, data):
    with pytest.raises(BadInputError, match="No version"):
        run("pin", "heart-style")
    assert "will stay once" in run("pin", "heart-style@7")
    assert Installed(data / "bricks").state().of("heart-style").pinned == 7


def test_what_is_dropped_is_not_used_any_more(run, data):
    run("pull", "heart-style", carried=True)
    run("drop", "heart-style")

    assert in_use(data) == {}
    assert "none" in run("installed")


def test_what_is_not_in_use_cannot_be_dropped(run):
    with pytest.raises(BrickUnknownError, match="No version of ghost"):
        run("drop", "ghost")


def test_installed_prints_its_state_as_json(run):
    assert "built-in knowledge" in run("installed")
    run("pull", "heart-style", carried=True)

    shown = json.loads(run("installed", "--json"))

    assert shown["bricks"]["heart-style"]["active"] == 1
