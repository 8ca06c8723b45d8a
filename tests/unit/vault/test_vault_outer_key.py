"""The outer key: without it no copy of the vault opens, and erasing destroys it first."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from compliance.errors import BadInputError
from compliance.sealing.encoding import canonical_json, from_text, to_text
from patient_app.vault import (
    KdfParameters,
    Vault,
    VaultError,
    VaultMissingError,
    VaultOuterKeyMissingError,
    WrongPassphraseError,
)
from patient_app.vault.admission import current_state
from patient_app.vault.crypto import Keys
from patient_app.vault.outer import OuterKey, from_recovery, to_recovery
from patient_app.vault.whole import put_state

FAST = KdfParameters(memory_kib=64, passes=1, lanes=1)


@pytest.fixture
def filled(vault):
    with vault.write() as tx:
        tx.put("consult", "1", {"question": "a strange ailment"})
    return vault


def test_after_erasing_no_backup_opens_with_the_right_passphrase(filled, folder, tmp_path):
    filled.backup(tmp_path / "backup")
    shutil.copytree(folder, tmp_path / "copied")
    filled.erase()
    for kept in ("backup", "copied"):
        for accept in (False, True):
            with pytest.raises(VaultOuterKeyMissingError):
                Vault.open(tmp_path / kept, "passphrase", accept_restore=accept)
        content = b"".join(item.read_bytes() for item in (tmp_path / kept).iterdir())
        assert b"ailment" not in content


def test_after_erasing_the_backups_own_bytes_do_not_give_the_data_key(filled, tmp_path):
    filled.backup(tmp_path / "backup")
    header = filled._header
    outer = OuterKey(filled.id).read()
    filled.erase()
    assert header.unwrap("passphrase", outer)  # what an attacker would need
    for guess in (b"", bytes(32), None):
        with pytest.raises(WrongPassphraseError):
            header.unwrap("passphrase", guess)


def test_erasing_destroys_the_outer_key_before_anything_else(filled, folder, monkeypatch):
    monkeypatch.setattr(
        "patient_app.vault.vault.shred", lambda _: (_ for _ in ()).throw(RuntimeError)
    )
    id_ = filled.id
    with pytest.raises(RuntimeError):
        filled.erase()
    with pytest.raises(VaultOuterKeyMissingError):
        OuterKey(id_).read()


def test_where_the_outer_key_cannot_be_destroyed_it_is_said(filled, anchors):
    path = anchors / f"{filled.id}.key"
    path.unlink()
    path.mkdir()
    with pytest.raises(VaultError):
        filled.erase()


def test_discarding_a_forgotten_vault_destroys_it_too(filled, folder, tmp_path):
    filled.backup(tmp_path / "backup")
    filled.close()
    Vault.discard(folder)
    with pytest.raises(VaultOuterKeyMissingError):
        Vault.open(tmp_path / "backup", "passphrase", accept_restore=True)


def test_on_another_device_the_recovery_text_opens_it_and_is_then_kept(
    filled, folder, tmp_path, monkeypatch
):
    text = filled.recovery_text()
    filled.close()
    monkeypatch.setenv("CARETIER_ANCHORS", str(tmp_path / "another-device"))
    with pytest.raises(VaultOuterKeyMissingError):
        Vault.open(folder, "passphrase", accept_restore=True)
    typed = text.lower().replace("-", " ")
    with Vault.open(folder, "passphrase", accept_restore=True, recovery=typed) as moved:
        assert moved.get("consult", "1")
    Vault.open(folder, "passphrase").close()


def test_a_wrong_passphrase_leaves_no_outer_key_behind(filled, folder, tmp_path, monkeypatch):
    text = filled.recovery_text()
    filled.close()
    monkeypatch.setenv("CARETIER_ANCHORS", str(tmp_path / "another-device"))
    with pytest.raises(WrongPassphraseError):
        Vault.open(folder, "wrong", accept_restore=True, recovery=text)
    assert not (tmp_path / "another-device").exists()


@pytest.mark.parametrize("change", [lambda t: "", lambda t: t[:-1], lambda t: "A" + t[1:] + "A"])
def test_a_mistyped_recovery_text_is_said_to_be_one(filled, folder, change):
    text = filled.recovery_text()
    with pytest.raises(BadInputError):
        Vault.open(folder, "passphrase", recovery=change(text))


def test_one_wrong_letter_of_a_recovery_text_shows():
    text = to_recovery(bytes(range(32)))
    assert from_recovery(text) == bytes(range(32))
    other = text.replace(text[3], "Z" if text[3] != "Z" else "Y", 1)
    with pytest.raises(BadInputError):
        from_recovery(other)


def test_the_outer_key_alone_opens_nothing(filled, folder):
    filled.close()
    with pytest.raises(WrongPassphraseError):
        Vault.open(folder, "")


def test_the_outer_key_is_private_and_outside_the_vaults_folder(filled, folder, anchors):
    path = anchors / f"{filled.id}.key"
    assert path.stat().st_mode & 0o077 == 0
    key = path.read_bytes()
    assert not any(key in item.read_bytes() for item in folder.iterdir())


def test_another_passphrase_keeps_the_outer_key(filled, folder):
    before = OuterKey(filled.id).read()
    filled.change_passphrase("passphrase", "another")
    assert OuterKey(filled.id).read() == before


def test_a_vault_that_cannot_be_laid_down_leaves_no_outer_key(folder, anchors, monkeypatch):
    def full(*_):
        raise OSError(28, "full")

    monkeypatch.setattr("patient_app.vault.vault.lay_down", full)
    with pytest.raises(VaultError):
        Vault.create(folder, "passphrase", kdf=FAST)
    assert list(anchors.glob("*.key*")) == []
    with pytest.raises(VaultMissingError):
        Vault.open(folder, "passphrase")


def as_format(number, vault):
    """Rewrite a vault's header as formats 1 (no outer key) and 2 (no recovery code) were."""
    outer = OuterKey(vault.id)
    data_key = vault._header.unwrap("passphrase", outer.read())
    body = {
        "format": number,
        "kdf": FAST.model_dump(),
        "method": "passphrase",
        "salt": vault._header.salt,
        "vault": vault.id,
    }
    wrapping = FAST.derive("passphrase", from_text(vault._header.salt))
    if number == 2:
        info, salt = b"caretier/vault/2/wrapping", bytes.fromhex(vault.id)
        wrapping = HKDF(SHA256(), 32, salt=salt, info=info).derive(wrapping + outer.read())
    aad = b"caretier/vault/header\x00" + canonical_json(body)
    sealed = bytes(12) + AESGCM(wrapping).encrypt(bytes(12), data_key, aad)
    told = canonical_json(body | {"wrapped": to_text(sealed)})
    old = hashlib.sha256(told).digest() + told
    state = current_state(vault._database, vault._keys, vault._header)
    fresh = replace(state, header=hashlib.sha256(old).hexdigest())
    put_state(vault._database, Keys(vault.id, data_key), fresh)
    vault._database.execute("UPDATE header SET body = ?", (old,))
    vault.close()
    if number == 1:
        outer.destroy()


@pytest.mark.parametrize("number", [1, 2])
def test_a_vault_from_before_gets_its_outer_key_and_new_keys_when_it_is_opened(
    filled, folder, number
):
    id_ = filled.id
    as_format(number, filled)
    with pytest.raises(WrongPassphraseError):
        Vault.open(folder, "wrong")
    with Vault.open(folder, "passphrase") as vault:
        assert vault.get("consult", "1") == {"question": "a strange ailment"}
        assert vault._header.needs_outer_key
    assert OuterKey(id_).read()
    with Vault.open(folder, "passphrase") as vault:
        assert vault.get("consult", "1")
    with sqlite3.connect(folder / "vault.sqlite3") as connection:
        body = connection.execute("SELECT body FROM header").fetchone()[0]
    connection.close()
    assert b'"format":3' in body
