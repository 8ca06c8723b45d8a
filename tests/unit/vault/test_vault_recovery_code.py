"""The recovery code: a second way in, which nobody can add, exchange, bring back or outlive."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap

import pytest

from compliance.errors import BadInputError
from patient_app.vault import (
    KdfParameters,
    RecoveryCode,
    Vault,
    VaultDamagedError,
    VaultOuterKeyMissingError,
    VaultReopenError,
    VaultRolledBackError,
    WrongPassphraseError,
)
from patient_app.vault.header import Header
from patient_app.vault.outer import OuterKey
from patient_app.vault.recovery import ALPHABET, SECRET_CHARS, RecoverySlot

FAST = KdfParameters(memory_kib=64, passes=1, lanes=1)
OTHER = RecoveryCode.new()


@pytest.fixture
def code(vault):
    """A code of a vault that holds a fact."""
    with vault.write() as tx:
        tx.put("fact", "1", "a strange ailment")
    made = RecoveryCode.new()
    vault.set_recovery_code(made)
    return made


def opens(folder, secret, **how):
    with Vault.open(folder, secret, **how) as vault:
        return vault.get("fact", "1") == "a strange ailment"


def header_of(folder):
    connection = sqlite3.connect(folder / "vault.sqlite3")
    body = connection.execute("SELECT body FROM header").fetchone()[0]
    connection.close()
    return Header.parse(body)


def put_header(folder, header):
    connection = sqlite3.connect(folder / "vault.sqlite3")
    connection.execute("UPDATE header SET body = ?", (header.dump(),))
    connection.commit()
    connection.close()


class TestTheCodeItself:
    def test_it_has_at_least_128_random_bits(self):
        assert SECRET_CHARS * (len(ALPHABET).bit_length() - 1) >= 128
        assert len({RecoveryCode.new().text for _ in range(50)}) == 50

    def test_it_is_read_however_it_is_typed(self):
        made = RecoveryCode.new()
        plain = " ".join(made.groups).lower().replace("0", "o").replace("1", "l")
        assert RecoveryCode.read(plain) == made
        assert RecoveryCode.read("-".join(made.groups)) == made
        assert RecoveryCode.read(f"  {made.text}\n") == made

    def test_one_wrong_sign_shows(self):
        text, missed = RecoveryCode.new().text, 0
        for at in range(len(text)):
            other = ALPHABET[(ALPHABET.index(text[at]) + 1) % len(ALPHABET)]
            try:
                RecoveryCode.read(text[:at] + other + text[at + 1 :])
            except BadInputError:
                continue
            missed += 1
        assert missed <= 1  # four signs check the rest: one slip in a million passes

    @pytest.mark.parametrize("typed", ["", "X", "é" * 30, "0" * 29, "0" * 31, "\ud800" * 30])
    def test_what_is_no_code_is_refused(self, typed):
        with pytest.raises(BadInputError):
            RecoveryCode.read(typed)

    def test_it_is_in_no_representation(self):
        made = RecoveryCode.new()
        assert made.text not in repr(made)


class TestOpening:
    def test_code_and_passphrase_open_the_vault_and_another_code_does_not(
        self, vault, folder, code
    ):
        assert vault.has_recovery_code
        vault.close()
        assert opens(folder, code)
        assert opens(folder, "passphrase")
        with pytest.raises(WrongPassphraseError):
            Vault.open(folder, OTHER)
        with pytest.raises(WrongPassphraseError):
            Vault.open(folder, code.text)

    def test_a_vault_without_a_code_opens_with_none(self, vault, folder):
        vault.close()
        assert not vault.has_recovery_code
        with pytest.raises(WrongPassphraseError):
            Vault.open(folder, OTHER)

    def test_the_code_is_kept_nowhere(self, vault, folder, code, anchors):
        vault.close()
        files = [*folder.iterdir(), *anchors.iterdir()]
        assert not any(code.text.encode() in item.read_bytes() for item in files)

    def test_a_forgotten_passphrase_is_replaced_and_the_code_is_used_up(self, vault, folder, code):
        vault.close()
        with Vault.open(folder, code) as found:
            found.change_passphrase(code, "another")
            assert not found.has_recovery_code
        assert opens(folder, "another")
        for void in (code, "passphrase"):
            with pytest.raises(WrongPassphraseError):
                Vault.open(folder, void)

    def test_another_passphrase_leaves_the_paper_good(self, vault, folder, code):
        vault.change_passphrase("passphrase", "another")
        vault.close()
        assert opens(folder, code)
        assert opens(folder, "another")

    def test_without_the_outer_key_it_opens_nothing(self, vault, folder, code, anchors):
        vault.close()
        (anchors / f"{vault.id}.key").unlink()
        with pytest.raises(VaultOuterKeyMissingError):
            Vault.open(folder, code)

    def test_on_another_device_it_opens_with_the_recovery_text(
        self, vault, folder, code, tmp_path, monkeypatch
    ):
        text = vault.recovery_text()
        vault.close()
        monkeypatch.setenv("CARETIER_ANCHORS", str(tmp_path / "another-device"))
        assert opens(folder, code, recovery=text, accept_restore=True)


class TestTakingItAway:
    def test_a_new_code_makes_the_former_one_void(self, vault, folder, code):
        vault.set_recovery_code(OTHER, "passphrase")
        vault.close()
        assert opens(folder, OTHER)
        with pytest.raises(WrongPassphraseError):
            Vault.open(folder, code)

    def test_a_code_can_be_taken_away(self, vault, folder, code):
        vault.set_recovery_code(None, "passphrase")
        assert not vault.has_recovery_code
        vault.close()
        with pytest.raises(WrongPassphraseError):
            Vault.open(folder, code)
        assert opens(folder, "passphrase")

    @pytest.mark.parametrize("secret", [None, "wrong"])
    @pytest.mark.parametrize("new", [None, OTHER])
    def test_it_takes_the_passphrase(self, vault, folder, code, secret, new):
        with pytest.raises(WrongPassphraseError):
            vault.set_recovery_code(new, secret)
        vault.close()
        assert opens(folder, code)

    def test_an_old_header_and_its_code_do_not_give_the_new_data_key(self, vault, folder, code):
        before, outer = vault._header, OuterKey(vault.id).read()
        vault.set_recovery_code(None, "passphrase")
        assert before.unwrap(code, outer) != vault._keys.data_key

    def test_the_old_passphrase_and_an_old_copy_do_not_give_the_new_data_key(
        self, vault, folder, code
    ):
        before, outer = vault._header, OuterKey(vault.id).read()
        vault.change_passphrase("passphrase", "another")
        now = vault._header
        assert before.unwrap("passphrase", outer) != vault._keys.data_key
        assert now.recovery.public == before.recovery.public
        assert now.recovery.sealed != before.recovery.sealed
        with pytest.raises(WrongPassphraseError):
            now.unwrap("passphrase", outer)

    def test_another_process_is_told_to_open_it_again(self, vault, folder):
        other = Vault.open(folder, "passphrase")
        vault.set_recovery_code(OTHER)
        with pytest.raises(VaultReopenError):
            other.get("fact", "1")
        other.close()

    def test_erasing_leaves_no_copy_that_it_opens(self, vault, folder, code, tmp_path):
        vault.backup(tmp_path / "backup")
        vault.erase()
        with pytest.raises(VaultOuterKeyMissingError):
            Vault.open(tmp_path / "backup", code, accept_restore=True)


class TestTampering:
    def test_a_slot_that_somebody_adds_shows(self, vault, folder):
        vault.close()
        header = header_of(folder)
        mine = RecoverySlot.lay(vault.id, bytes(32), OTHER, OuterKey(vault.id).read())
        put_header(folder, header.with_recovery(mine))
        with pytest.raises(VaultDamagedError):
            Vault.open(folder, "passphrase")
        with pytest.raises((VaultDamagedError, WrongPassphraseError)):
            Vault.open(folder, OTHER)

    def test_a_slot_that_somebody_takes_away_shows(self, vault, folder, code):
        vault.close()
        put_header(folder, header_of(folder).with_recovery(None))
        with pytest.raises(VaultDamagedError):
            Vault.open(folder, "passphrase")

    def test_a_slot_of_another_vault_opens_nothing_and_shows(self, vault, folder, code, tmp_path):
        other = Vault.create(tmp_path / "other", "passphrase", kdf=FAST)
        other.set_recovery_code(OTHER)
        vault.close()
        put_header(folder, header_of(folder).with_recovery(other._header.recovery))
        other.close()
        with pytest.raises(WrongPassphraseError):
            Vault.open(folder, OTHER)
        with pytest.raises(VaultDamagedError):
            Vault.open(folder, "passphrase")

    def test_a_former_slot_put_back_alone_shows(self, vault, folder, code):
        before = vault._header.recovery
        vault.set_recovery_code(None, "passphrase")
        vault.close()
        put_header(folder, header_of(folder).with_recovery(before))
        with pytest.raises((VaultDamagedError, WrongPassphraseError)):
            Vault.open(folder, code)
        with pytest.raises(VaultDamagedError):
            Vault.open(folder, "passphrase")

    def test_the_whole_file_put_back_from_before_shows(self, vault, folder, code, tmp_path):
        vault.backup(tmp_path / "before")
        vault.set_recovery_code(None, "passphrase")
        vault.close()
        shutil.copy(tmp_path / "before" / "vault.sqlite3", folder / "vault.sqlite3")
        with pytest.raises(VaultRolledBackError):
            Vault.open(folder, code)

    @pytest.mark.parametrize("part", ["public", "private", "sealed"])
    @pytest.mark.parametrize("text", ["", "!", "AAAA", "A" * 200])
    def test_a_damaged_slot_never_opens_and_never_raises_anything_else(
        self, vault, folder, code, part, text
    ):
        vault.close()
        header = header_of(folder)
        put_header(folder, header.with_recovery(header.recovery.model_copy(update={part: text})))
        with pytest.raises((VaultDamagedError, WrongPassphraseError)):
            Vault.open(folder, code)
        with pytest.raises(VaultDamagedError):
            Vault.open(folder, "passphrase")

    def test_an_own_slot_is_never_given_a_new_data_key(self, vault, folder, code):
        mine = RecoverySlot.lay(vault.id, bytes(32), OTHER, OuterKey(vault.id).read())
        put_header(folder, vault._header.with_recovery(mine))
        with pytest.raises(VaultReopenError):
            vault.change_passphrase("passphrase", "another")


KILLED = """
    import os, sys
    from pathlib import Path
    from patient_app.vault import RecoveryCode, Vault
    from patient_app.vault.database import Database
    folder, step, left, old, new = Path(sys.argv[1]), *sys.argv[2:]
    vault = Vault.open(folder, "passphrase")
    real, seen = Database.execute, 0
    def execute(self, sql, values=()):
        global seen
        seen += 1
        if seen == int(left):
            os.kill(os.getpid(), 9)
        return real(self, sql, values)
    Database.execute = execute
    if step == "use":
        vault.change_passphrase(RecoveryCode(old), "another")
    elif step == "first":
        vault.set_recovery_code(RecoveryCode(new))
    else:
        vault.set_recovery_code(RecoveryCode(new) if step == "replace" else None, "passphrase")
"""


@pytest.mark.parametrize("step", ["first", "replace", "remove", "use"])
def test_a_kill_at_any_write_leaves_the_old_or_the_new(vault, folder, anchors, tmp_path, step):
    with vault.write() as tx:
        tx.put("fact", "1", "a strange ailment")
    old, new = RecoveryCode.new(), RecoveryCode.new()
    if step != "first":
        vault.set_recovery_code(old)
    vault.close()
    kept = tmp_path / "kept"
    shutil.copytree(folder, kept / "vault")
    shutil.copytree(anchors, kept / "anchors")
    seen = set()
    for left in range(1, 40):
        for name, here in (("vault", folder), ("anchors", anchors)):
            shutil.rmtree(here)
            shutil.copytree(kept / name, here)
        command = [sys.executable, "-c", textwrap.dedent(KILLED), str(folder), step, str(left)]
        done = subprocess.run([*command, old.text, new.text], env=os.environ, check=False)
        assert done.returncode in {0, -9}
        ways = []
        for name, secret in (("p", "passphrase"), ("a", "another"), ("o", old), ("n", new)):
            try:
                assert opens(folder, secret)
                ways.append(name)
            except WrongPassphraseError:
                continue
        seen.add("".join(ways))
        if done.returncode == 0:
            break
    before, after = {
        "first": ("p", "pn"), "replace": ("po", "pn"), "remove": ("po", "p"), "use": ("po", "a"),
    }[step]  # fmt: skip
    assert seen == {before, after}
    assert done.returncode == 0
