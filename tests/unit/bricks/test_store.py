"""The store of a node: what is in it is whole, equal files are there once, nothing is lost."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from services.bricks.blobs import Blobs, digest_of
from services.bricks.errors import (
    BrickDamagedError,
    BrickError,
    BrickNotWrittenError,
    BrickUnknownError,
)
from services.bricks.store import BrickStore

CREATED = datetime(2026, 11, 1, 8, tzinfo=UTC)


def fields(version: int = 1, **other: Any) -> dict[str, Any]:
    return {
        "id": "plain-words",
        "version": version,
        "kind": "policy",
        "title": "Plain words",
        "level": "device",
        "domain": "general",
        "licence": "CC0-1.0",
        "created": CREATED,
        "lineage": {"operation": "made"},
        **other,
    }


@pytest.fixture
def store(tmp_path: Path) -> BrickStore:
    return BrickStore(tmp_path / "store")


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Any]:
    big, small = tmp_path / "big", tmp_path / "small"
    big.write_bytes(b"weights" * 1000)
    small.write_bytes(b"words")
    return {"model/weights.bin": (big, "model"), "policy.yaml": (small, "policy")}


def sources(files: dict[str, Any]) -> dict[str, Path]:
    return {name: path for name, (path, _) in files.items()}


def damage(path: Path) -> None:
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.write_bytes(content)


def test_a_brick_comes_back_as_it_was_made(store: BrickStore, files: dict[str, Any]) -> None:
    manifest = store.make(fields(), files)
    again = BrickStore(store.folder)
    assert again.get("plain-words@1") == manifest
    assert again.manifests() == [manifest]
    assert again.path("plain-words@1", "policy.yaml").read_bytes() == b"words"
    assert [f.size for f in manifest.files] == [7000, 5]
    again.verify("plain-words@1")


def test_an_empty_store_lists_nothing_and_makes_no_folder(store: BrickStore) -> None:
    assert store.manifests() == []
    assert not store.folder.exists()


def test_versions_are_listed_by_number_and_the_highest_is_the_latest(
    store: BrickStore, files: dict[str, Any]
) -> None:
    for version in (10, 9, 2):
        store.make(fields(version), files)
    store.make(fields(id="another"), files)
    assert [m.version for m in store.manifests("plain-words")] == [2, 9, 10]
    assert store.refs()[0] == "another@1"
    assert store.latest("plain-words").version == 10


def test_what_is_not_here_is_said_to_be_unknown(store: BrickStore, files: dict[str, Any]) -> None:
    store.make(fields(), files)
    for ask in (
        lambda: store.get("plain-words@2"),
        lambda: store.latest("another"),
        *(partial(store.latest, odd) for odd in ("*", "**", "..", "/etc", "", "plain*", "\0")),
        lambda: store.path("plain-words@1", "other.bin"),
        lambda: store.verify("another@1"),
        lambda: store.remove("another@1"),
    ):
        with pytest.raises(BrickUnknownError):
            ask()


@pytest.mark.parametrize("ref", ["../../etc@1", "a@../1", "a@0", "a", "", "a@1/../2"])
def test_a_name_never_leads_out_of_the_store(store: BrickStore, ref: str) -> None:
    with pytest.raises(BrickError, match="no brick and version"):
        store.get(ref)


@pytest.mark.parametrize("digest", ["sha256:../../x", "sha256:" + "A" * 64, "md5:" + "a" * 64, ""])
def test_a_digest_never_leads_out_of_the_store(store: BrickStore, digest: str) -> None:
    with pytest.raises(BrickDamagedError):
        store.blob(digest)


def test_equal_files_of_two_bricks_lie_there_once(store: BrickStore, files: dict[str, Any]) -> None:
    store.make(fields(), files)
    store.make(fields(2), files)
    assert len([p for p in store.folder.glob("blobs/sha256/*/*") if p.is_file()]) == 2


def test_the_same_brick_added_again_changes_nothing(
    store: BrickStore, files: dict[str, Any]
) -> None:
    manifest = store.make(fields(), files)
    before = {p: p.stat().st_mtime_ns for p in store.folder.rglob("*") if p.is_file()}
    store.add(manifest, sources(files))
    store.add(manifest, {})
    assert before == {p: p.stat().st_mtime_ns for p in store.folder.rglob("*") if p.is_file()}


def test_a_version_never_changes(store: BrickStore, files: dict[str, Any]) -> None:
    store.make(fields(), files)
    with pytest.raises(BrickError, match="other content") as refused:
        store.make(fields(title="Plainer words"), files)
    assert "new version" in refused.value.advice
    assert store.get("plain-words@1").title == "Plain words"


@pytest.mark.parametrize("change", [b"", b"word", b"words!", b"WORDS"])
def test_a_file_that_is_not_what_the_manifest_says_is_refused_whole(
    store: BrickStore, tmp_path: Path, files: dict[str, Any], change: bytes
) -> None:
    manifest = BrickStore(tmp_path / "other").make(fields(), files)
    (tmp_path / "small").write_bytes(change)
    with pytest.raises(BrickDamagedError, match=r"policy\.yaml of plain-words@1"):
        store.add(manifest, sources(files))
    assert store.refs() == []
    assert list(store.folder.glob("blobs/tmp/*")) == []


def test_a_file_that_was_not_given_is_named(
    store: BrickStore, tmp_path: Path, files: dict[str, Any]
) -> None:
    manifest = BrickStore(tmp_path / "other").make(fields(), files)
    given = sources(files)
    missing = given.pop("policy.yaml")
    with pytest.raises(BrickDamagedError, match=r"policy\.yaml of plain-words@1 was not given"):
        store.add(manifest, given)
    missing.unlink()
    with pytest.raises(BrickDamagedError, match=r"policy\.yaml of plain-words@1 cannot be read"):
        store.add(manifest, sources(files))


def test_a_file_that_the_manifest_does_not_name_is_refused(
    store: BrickStore, tmp_path: Path, files: dict[str, Any]
) -> None:
    manifest = BrickStore(tmp_path / "other").make(fields(), files)
    with pytest.raises(BrickError, match="names no file more"):
        store.add(manifest, {**sources(files), "more": tmp_path / "big"})


def test_a_brick_is_not_made_of_a_file_that_is_not_there(store: BrickStore, tmp_path: Path) -> None:
    with pytest.raises(BrickError, match="none cannot be read"):
        store.make(fields(), {"policy.yaml": (tmp_path / "none", "policy")})


def test_a_field_that_is_wrong_is_named(store: BrickStore, files: dict[str, Any]) -> None:
    with pytest.raises(BrickError, match="level"):
        store.make(fields(level="moon"), files)
    assert store.refs() == []


def test_damage_is_found_and_mended_by_adding_again(
    store: BrickStore, files: dict[str, Any]
) -> None:
    manifest = store.make(fields(), files)
    damage(store.path("plain-words@1", "policy.yaml"))
    with pytest.raises(BrickDamagedError, match=r"policy\.yaml of plain-words@1"):
        store.verify("plain-words@1")
    with pytest.raises(BrickDamagedError):
        store.add(manifest, {})
    store.add(manifest, sources(files))
    store.verify("plain-words@1")


def test_a_missing_file_is_found(store: BrickStore, files: dict[str, Any]) -> None:
    store.make(fields(), files)
    store.path("plain-words@1", "policy.yaml").unlink()
    with pytest.raises(BrickDamagedError):
        store.verify("plain-words@1")
    with pytest.raises(BrickDamagedError):
        store.path("plain-words@1", "policy.yaml")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"x" * 300_000])
def test_a_damaged_manifest_is_left_out_and_mended_by_adding_again(
    store: BrickStore, files: dict[str, Any], content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    manifest = store.make(fields(), files)
    other = store.make(fields(id="another"), files)
    path = store.folder / "manifests/plain-words/1.json"
    path.chmod(0o644)
    path.write_bytes(content)
    assert store.manifests() == [other]
    assert "plain-words@1" in caplog.text
    with pytest.raises(BrickDamagedError):
        store.get("plain-words@1")
    with pytest.raises(BrickDamagedError):
        store.remove("another@1")  # what the damaged one needs is not known
    store.add(manifest, {})
    assert store.get("plain-words@1") == manifest


def test_a_manifest_under_another_name_is_damaged(store: BrickStore, files: dict[str, Any]) -> None:
    store.make(fields(), files)
    folder = store.folder / "manifests/plain-words"
    (folder / "1.json").rename(folder / "2.json")
    with pytest.raises(BrickDamagedError):
        store.get("plain-words@2")


def test_removing_frees_the_files_that_no_other_brick_names(
    store: BrickStore, files: dict[str, Any], tmp_path: Path
) -> None:
    store.make(fields(), files)
    (tmp_path / "small").write_bytes(b"other words")
    store.make(fields(2), files)
    store.lay_out("plain-words@1")
    assert store.remove("plain-words@1") == len(b"words")
    assert not (store.folder / "laid/plain-words@1").exists()
    store.verify("plain-words@2")
    assert store.remove("plain-words@2") == 7000 + len(b"other words")
    assert not any(p.is_file() for p in (store.folder / "blobs").rglob("*"))


def test_removing_sweeps_what_a_broken_run_left(store: BrickStore, files: dict[str, Any]) -> None:
    store.make(fields(), files)
    (store.folder / "blobs/tmp/0123").write_bytes(b"half")
    assert store.remove("plain-words@1") == 7005 + 4


def test_a_brick_is_laid_out_under_its_names(store: BrickStore, files: dict[str, Any]) -> None:
    store.make(fields(), files)
    folder = store.lay_out("plain-words@1")
    assert folder == store.folder / "laid/plain-words@1"
    assert (folder / "policy.yaml").read_bytes() == b"words"
    assert (folder / "model/weights.bin").samefile(store.path("plain-words@1", "model/weights.bin"))
    before = folder.stat().st_ino
    assert store.lay_out("plain-words@1").stat().st_ino == before


def test_a_folder_is_laid_out_anew_when_a_file_was_mended(
    store: BrickStore, files: dict[str, Any], tmp_path: Path
) -> None:
    manifest = store.make(fields(), files)
    place = store.lay_out("plain-words@1", tmp_path / "place")
    damage(store.path("plain-words@1", "policy.yaml"))
    store.add(manifest, sources(files))
    assert (store.lay_out("plain-words@1", place) / "policy.yaml").read_bytes() == b"words"


def test_a_folder_is_laid_out_where_files_cannot_have_two_names(
    store: BrickStore, files: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError

    store.make(fields(), files)
    monkeypatch.setattr(os, "link", refuse)
    folder = store.lay_out("plain-words@1")
    laid = (folder / "policy.yaml").stat()
    assert (folder / "policy.yaml").read_bytes() == b"words"
    assert (store.lay_out("plain-words@1") / "policy.yaml").stat().st_ino == laid.st_ino


def test_files_cannot_be_written_to(store: BrickStore, files: dict[str, Any]) -> None:
    store.make(fields(), files)
    for path in (
        store.path("plain-words@1", "policy.yaml"),
        store.lay_out("plain-words@1") / "policy.yaml",
        store.folder / "manifests/plain-words/1.json",
    ):
        assert path.stat().st_mode & 0o222 == 0


def test_many_at_once_add_remove_and_lay_out_without_harm(
    store: BrickStore, files: dict[str, Any]
) -> None:
    def work(number: int) -> None:
        store.make(fields(number % 3 + 1), files)
        store.lay_out("plain-words@1")
        if number % 4 == 0:
            store.make(fields(id=f"brick-{number}"), files)
            store.remove(f"brick-{number}@1")

    store.make(fields(1), files)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(48)))
    assert store.refs() == ["plain-words@1", "plain-words@2", "plain-words@3"]
    for ref in store.refs():
        store.verify(ref)
    assert list(store.folder.glob("blobs/tmp/*")) == []


def test_a_full_disk_is_said_and_what_was_there_stays(
    store: BrickStore, files: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    manifest = store.make(fields(), files)
    (files["policy.yaml"][0]).write_bytes(b"other words")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BrickNotWrittenError, match="No space left") as refused:
        store.make(fields(2), files)
    assert "Free space" in refused.value.advice
    assert store.manifests() == [manifest]
    store.verify(manifest.ref)


def test_what_fails_while_it_is_written_leaves_no_blob(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    source = tmp_path / "source"
    source.write_bytes(b"x" * 10)
    blobs = Blobs(tmp_path / "blobs")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        blobs.put(source, *digest_of(source), name="source")
    assert not [p for p in blobs.folder.rglob("*") if p.is_file()]
