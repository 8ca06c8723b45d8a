"""`caretier bricks` as an operator uses it: a ceremony, bricks published, keys changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.brick_repository import CHEAP, PASSPHRASE
from typer.testing import CliRunner

from compliance.errors import BadInputError
from services.bricks import catalogue
from services.bricks.commands import app
from services.bricks.errors import BrickDamagedError, BrickError, BrickUnknownError
from services.bricks.repository import key_files
from services.bricks.repository.errors import RepositoryKeyError
from services.bricks.store import BrickStore
from services.bricks.updater.installed import Installed

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command on a data folder; what it printed, or the error it ended with."""
    secret = tmp_path / "passphrase"
    secret.write_text(PASSPHRASE + "\n")
    monkeypatch.setenv("CARETIER_REPOSITORY_PASSPHRASE_FILE", str(secret))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(key_files, "Cost", lambda: CHEAP)

    def run(*words: str, ends: int = 0) -> str:
        done = CliRunner().invoke(app, [*words, "--data", str(tmp_path / "data")])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == ends, done.output
        return done.output

    return run


@pytest.fixture
def ready(run: Run, tmp_path: Path) -> Run:
    """The same, where a repository is and device/general is delegated."""
    new = ["--new-passphrase-file", str(tmp_path / "passphrase")]
    run("repository", "init", "--root-keys", f"{tmp_path}/a", "--root-keys", f"{tmp_path}/b", *new)
    run("repository", "delegate", "device", "general", *new)
    return run


def brick(folder: Path, version: int = 1, words: str = "words") -> str:
    source = folder / "policy.yaml"
    source.write_text(words)
    fields: dict[str, Any] = {
        "id": "plain-words",
        "version": version,
        "kind": "policy",
        "title": "Plain words",
        "level": "device",
        "domain": "general",
        "licence": "CC0-1.0",
        "created": "2026-11-01T08:00:00Z",
        "lineage": {"operation": "made", "method": "by hand"},
        "sources": [{"name": "House style", "date": "2026-10-01", "licence": "CC0-1.0"}],
        "evaluations": [
            {"suite": "wording", "metric": "plain", "value": 0.9, "n": 10, "date": "2026-11-01"}
        ],
    }
    return BrickStore(folder / "data/bricks").make(fields, {"policy.yaml": (source, "policy")}).ref


def test_root_keys_lie_where_they_were_asked_for_and_no_other_place(
    ready: Run, tmp_path: Path
) -> None:
    assert len(list((tmp_path / "a").glob("root-*.signing-key"))) == 2
    assert len(list((tmp_path / "b").glob("root-*.signing-key"))) == 1
    assert not list((tmp_path / "data").rglob("root-*.signing-key"))
    names = {p.stem.rpartition("-")[0] for p in (tmp_path / "data").rglob("*.signing-key")}
    assert names == {"targets", "snapshot", "timestamp", "device-general"}


def test_a_brick_is_published_and_what_nodes_fetch_is_shown(ready: Run, tmp_path: Path) -> None:
    ref = brick(tmp_path)
    assert "would be published" in ready("publish", ref, "--dry-run")
    assert json.loads(ready("repository", "status", "--json"))["bricks"] == []
    said = ready("publish", ref)
    assert "plain-words@1 is published as device/general/plain-words/1.json." in said
    assert "a node with none of it" in said
    done = json.loads(ready("publish", brick(tmp_path, 2, "more"), "--json"))["published"][0]
    assert done["role"] == "device-general"
    assert done["moved"]["before"] == "plain-words@1"
    said = ready("repository", "status")
    assert "2 bricks" in said
    assert "2 of 3 keys" in said


def test_publishing_without_the_passphrase_says_what_it_lacks(
    ready: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CARETIER_REPOSITORY_PASSPHRASE_FILE")
    with pytest.raises(RepositoryKeyError, match="needs its passphrase"):
        ready("publish", brick(tmp_path))
    wrong = tmp_path / "wrong"
    wrong.write_text("another passphrase")
    with pytest.raises(RepositoryKeyError, match="does not open"):
        ready("publish", brick(tmp_path), "--passphrase-file", str(wrong))


def test_a_file_or_folder_that_is_not_there_is_named(ready: Run, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="stick"):
        ready("publish", brick(tmp_path), "--keys", str(tmp_path / "stick"))
    with pytest.raises(BadInputError, match="passphrase cannot be read"):
        ready("publish", brick(tmp_path), "--passphrase-file", str(tmp_path / "none"))


@pytest.mark.parametrize("words", [("moon", "general"), ("device", "../x"), ("device", "A")])
def test_what_is_no_level_or_domain_is_not_delegated(ready: Run, words: tuple[str, str]) -> None:
    with pytest.raises(BadInputError, match="cannot be delegated"):
        ready("repository", "delegate", *words)


def test_a_brick_is_taken_back_and_status_says_why(ready: Run, tmp_path: Path) -> None:
    ready("publish", brick(tmp_path))
    ready("repository", "revoke", "plain-words@1", "--reason", "Wrong dose.")
    assert "Wrong dose." in ready("repository", "status")
    state = json.loads(ready("repository", "status", "--json"))
    assert state["revoked"][0]["ref"] == "plain-words@1"


def test_keys_are_changed_and_the_old_ones_named(ready: Run, tmp_path: Path) -> None:
    sticks = [w for name in "ab" for w in ("--keys", str(tmp_path / name))]
    new = ["--new-passphrase-file", str(tmp_path / "passphrase")]
    with pytest.raises(BadInputError, match="offline folder"):
        ready("repository", "rotate", "root", *sticks, *new)
    said = ready("repository", "rotate", "root", *sticks, *new, "--new-keys", f"{tmp_path}/c")
    assert said.count("root-") == 3
    assert "no longer counts" in said
    before = {p.name for p in (tmp_path / "data/repository-keys").iterdir()}
    sticks = ["--keys", str(tmp_path / "c")]
    ready("repository", "rotate", "timestamp", *sticks)
    assert len({p.name for p in (tmp_path / "data/repository-keys").iterdir()} - before) == 1
    said = ready("repository", "rotate", "device-general", *new, "--count", "2")
    assert "device-general-" in said
    assert "1 of 2 keys" in ready("repository", "status")


def test_old_versions_are_pruned(ready: Run, tmp_path: Path) -> None:
    for version in (1, 2):
        ready("publish", brick(tmp_path, version, f"words {version}"))
    said = ready("repository", "prune", "--keep", "1", "--dry-run")
    assert "plain-words@1 would no longer be offered." in said
    assert "plain-words@1 is no longer offered." in ready("repository", "prune", "--keep", "1")
    assert "1 bricks" in ready("repository", "status")


def test_a_change_goes_from_one_holder_to_the_next(ready: Run, tmp_path: Path) -> None:
    place = str(tmp_path / "proposal")
    new = ["--new-passphrase-file", str(tmp_path / "passphrase"), "--new-keys", f"{tmp_path}/c"]
    first = ["--keys", str(tmp_path / "b")]  # a holds two of the three
    said = ready("repository", "rotate", "root", *first, *new, "--propose", place)
    assert "Nothing is published yet" in said
    assert "root, version 2: lacks 1 more" in said
    assert "+ root: key" in said
    said = ready("repository", "sign", place, "--keys", str(tmp_path / "a"), "--yes")
    assert "is signed by enough" not in said
    assert said.count("root-") == 2
    assert "Published: root." in ready("repository", "apply", place)
    assert json.loads(ready("repository", "status", "--json"))["roles"][0]["version"] == 2


def test_a_holder_without_the_repository_sees_all_that_would_be_said(
    ready: Run, tmp_path: Path
) -> None:
    place, away = str(tmp_path / "proposal"), str(tmp_path / "away")
    ready("publish", brick(tmp_path), "--propose", place)
    runner = CliRunner()
    words = ["repository", "sign", place, "--keys", f"{tmp_path}/data/publisher-keys"]
    done = runner.invoke(app, [*words, "--data", away], input="n\n")
    assert done.exit_code == 1
    assert "device-general would say:" in done.output
    assert "device/general/plain-words/1.json" in done.output
    assert "Signed with" not in done.output
    done = runner.invoke(app, [*words, "--data", away], input="y\n")
    assert "Signed with device-general-" in done.output


def test_a_delegation_is_taken_back(ready: Run) -> None:
    ready("repository", "undelegate", "device-general")
    assert "device-general" not in ready("repository", "status")


def test_what_is_not_due_is_left_alone_unless_it_is_named(ready: Run) -> None:
    assert "Nothing is due." in ready("repository", "refresh")
    assert "timestamp" in ready("repository", "refresh", "timestamp")


def test_bricks_stand_in_the_list_beside_the_packs(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = brick(tmp_path)
    brick(tmp_path, 2, "more")
    Installed(tmp_path / "data/bricks").activate(ref)
    held = json.loads(run("list", "--json"))
    assert [pack["id"] for pack in held["packs"]][:1] == ["primary-care"]
    assert [(b["ref"], b["active"]) for b in held["bricks"]] == [
        ("plain-words@1", True),
        ("plain-words@2", False),
    ]
    monkeypatch.setattr(catalogue, "pack_cards", lambda _: [])
    assert "● plain-words@1" in run("list")


def test_a_brick_shows_everything_that_it_says_of_itself(run: Run, tmp_path: Path) -> None:
    ref = brick(tmp_path)
    said = run("show", ref)
    for part in ("Plain words", "CC0-1.0", "House style", "2026-10-01", "wording", "policy.yaml"):
        assert part in said
    brick(tmp_path, 2, "more")
    assert json.loads(run("show", "plain-words", "--json"))["version"] == 2
    with pytest.raises(BrickUnknownError):
        run("show", "nothing")


def test_a_damaged_brick_is_found_and_named(run: Run, tmp_path: Path) -> None:
    ref = brick(tmp_path)
    brick(tmp_path, 2, "more")
    assert "2 of 2 bricks are whole." in run("verify")
    path = BrickStore(tmp_path / "data/bricks").path(ref, "policy.yaml")
    path.chmod(0o644)
    path.write_bytes(b"wordz")
    assert "policy.yaml of plain-words@1" in run("verify", ends=BrickDamagedError.exit_code)
    held = json.loads(run("verify", "--json", ends=BrickDamagedError.exit_code))
    assert (held["verified"], list(held["damaged"])) == (1, [ref])


def test_what_is_in_use_is_not_removed(run: Run, tmp_path: Path) -> None:
    ref = brick(tmp_path)
    Installed(tmp_path / "data/bricks").activate(ref)
    other = brick(tmp_path, 2, "more")
    with pytest.raises(BrickError, match="is in use") as refused:
        run("remove", other, ref)
    assert "rollback" in refused.value.advice
    assert json.loads(run("remove", other, "--dry-run", "--json")) == {"removed": [], "bytes": 4}
    assert json.loads(run("remove", other, "--json")) == {"removed": [other], "bytes": 4}
    with pytest.raises(BrickUnknownError):
        run("remove", other)
    assert BrickStore(tmp_path / "data/bricks").refs() == [ref]
