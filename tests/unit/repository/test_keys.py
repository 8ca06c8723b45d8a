"""Signing keys: sealed for people, for the machine alone otherwise, and never half trusted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.brick_repository import CHEAP, PASSPHRASE

from services.bricks.repository.errors import RepositoryKeyError
from services.bricks.repository.key_files import KeyFile, make_key
from services.bricks.repository.key_ring import KeyRing


def change(path: Path, **fields: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_a_key_opens_with_its_passphrase_alone(tmp_path: Path) -> None:
    key, made = make_key(tmp_path, "root", PASSPHRASE, CHEAP)
    assert key.protected
    assert key.label == key.path.stem
    signed = key.signer(PASSPHRASE).sign(b"words")
    made.public_key.verify_signature(signed, b"words")
    for wrong in ("another passphrase", "", None):
        with pytest.raises(RepositoryKeyError, match="does not open"):
            key.signer(wrong)


def test_nothing_of_the_key_can_be_read_in_its_file(tmp_path: Path) -> None:
    key, _ = make_key(tmp_path, "root", PASSPHRASE, CHEAP)
    raw = key.signer(PASSPHRASE).private_bytes
    held = json.loads(key.path.read_text())
    assert "private" not in held
    assert held["sealed"]["key"] not in raw.hex()
    assert key.path.stat().st_mode & 0o077 == 0


def test_the_machines_key_has_no_passphrase_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    key, _ = make_key(tmp_path, "timestamp", None)
    assert not key.protected
    key.signer(None)
    key.path.chmod(0o640)
    with pytest.raises(RepositoryKeyError, match="Others may read") as refused:
        key.signer(None)
    assert "chmod 600" in refused.value.advice


def test_a_short_passphrase_is_refused_before_a_key_is_made(tmp_path: Path) -> None:
    with pytest.raises(RepositoryKeyError, match="12 characters"):
        make_key(tmp_path, "root", "short", CHEAP)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"role": "targets"},
        {"keyid": "0" * 64},
        {"sealed": None, "private": "00" * 32},
        {"sealed": None, "private": "00"},
        {"sealed": None},
    ],
)
def test_a_key_that_was_tampered_with_does_not_sign(tmp_path: Path, fields: dict[str, Any]) -> None:
    key, _ = make_key(tmp_path, "root", PASSPHRASE, CHEAP)
    change(key.path, **fields)
    with pytest.raises(RepositoryKeyError):
        KeyFile.read(key.path).signer(PASSPHRASE)


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", "x" * 10_000, '{"role": "../../x"}', '{"format": "other/1"}']
)
def test_a_file_that_is_no_key_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "root-0.signing-key"
    path.write_text(content)
    with pytest.raises(RepositoryKeyError, match=r"root-0\.signing-key is not a signing key"):
        KeyRing([tmp_path]).files()


def test_a_key_that_would_cost_too_much_to_open_is_not_opened(tmp_path: Path) -> None:
    key, _ = make_key(tmp_path, "root", PASSPHRASE, CHEAP)
    sealed = json.loads(key.path.read_text())["sealed"]
    sealed["cost"]["memory"] = 1 << 40
    change(key.path, sealed=sealed)
    with pytest.raises(RepositoryKeyError, match="is not a signing key"):
        KeyFile.read(key.path)


def test_a_folder_that_is_not_there_holds_no_keys(tmp_path: Path) -> None:
    ring = KeyRing([tmp_path / "stick"])
    assert ring.files() == {}
    assert not ring.has({"0" * 64}, 1)


def test_where_nobody_can_be_asked_a_sealed_key_does_not_open(tmp_path: Path) -> None:
    key, _ = make_key(tmp_path, "root", PASSPHRASE, CHEAP)
    with pytest.raises(RepositoryKeyError, match="needs its passphrase"):
        KeyRing([tmp_path]).signers([key.keyid])


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RepositoryKeyError, match="No key can be written"):
        make_key(tmp_path / "file", "root", PASSPHRASE, CHEAP)


def test_keys_made_with_the_usual_cost_open_again(tmp_path: Path) -> None:
    key, _ = make_key(tmp_path, "root", PASSPHRASE)
    key.signer(PASSPHRASE)
