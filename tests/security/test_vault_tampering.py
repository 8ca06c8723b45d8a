"""What somebody who can write the vault's file may do to it, and how it shows."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compliance.errors import CaretierError
from patient_app.vault import (
    KdfParameters,
    Vault,
    VaultAnchorMissingError,
    VaultDamagedError,
    VaultError,
    VaultRolledBackError,
    WrongPassphraseError,
)

FAST = KdfParameters(memory_kib=64, passes=1, lanes=1)
ROWS = 40


@pytest.fixture(autouse=True)
def anchors(tmp_path, monkeypatch):
    folder = tmp_path / "anchors"
    monkeypatch.setenv("CARETIER_ANCHORS", str(folder))
    return folder


@pytest.fixture
def folder(tmp_path):
    """A closed vault with forty values, one of them larger than a page."""
    vault = Vault.create(tmp_path / "vault", "passphrase", kdf=FAST)
    with vault.write() as tx:
        for number in range(ROWS):
            tx.put("fact", f"{number:02}", {"text": f"fact {number}"})
        tx.put("note", "long", "y" * 9000)
    vault.close()
    return tmp_path / "vault"


def edit(folder, *statements):
    with sqlite3.connect(folder / "vault.sqlite3") as connection:
        for sql, *values in statements:
            connection.execute(sql, values)
    connection.close()


def read(folder, sql):
    with sqlite3.connect(folder / "vault.sqlite3") as connection:
        rows = connection.execute(sql).fetchall()
    connection.close()
    return rows


def opened(folder, **options):
    with Vault.open(folder, "passphrase", **options) as vault:
        return vault.export()["kinds"]


def refusal(folder, **options):
    with pytest.raises(VaultError) as caught:
        opened(folder, **options)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert "fact" not in str(caught.value)
    return type(caught.value)


def flip(data, index, mask=1):
    return data[:index] + bytes([data[index] ^ mask]) + data[index + 1 :]


class TestFlippedBits:
    def test_every_byte_of_the_header(self, folder):
        (body,) = read(folder, "SELECT body FROM header")[0]
        for index in range(len(body)):
            edit(folder, ("UPDATE header SET body = ?", flip(body, index)))
            assert refusal(folder) is VaultDamagedError

    def test_every_byte_of_a_header_whose_checksum_was_made_to_fit(self, folder):
        (body,) = read(folder, "SELECT body FROM header")[0]
        for index in range(32, len(body)):
            changed = flip(body, index)[32:]
            changed = hashlib.sha256(changed).digest() + changed
            edit(folder, ("UPDATE header SET body = ?", changed))
            with pytest.raises(VaultError):
                opened(folder)

    def test_every_byte_of_the_state(self, folder):
        (sealed,) = read(folder, "SELECT sealed FROM state")[0]
        for index in range(len(sealed)):
            edit(folder, ("UPDATE state SET sealed = ?", flip(sealed, index)))
            assert refusal(folder) is VaultDamagedError

    def test_every_byte_of_a_row(self, folder):
        name, sealed = read(folder, "SELECT name, sealed FROM rows LIMIT 1")[0]
        for index in range(len(sealed)):
            changed = flip(sealed, index)
            edit(folder, ("UPDATE rows SET sealed = ? WHERE name = ?", changed, name))
            assert refusal(folder) is VaultDamagedError

    def test_every_byte_of_a_rows_name(self, folder):
        name = before = read(folder, "SELECT name FROM rows LIMIT 1")[0][0]
        for index in range(len(name)):
            edit(folder, ("UPDATE rows SET name = ? WHERE name = ?", flip(name, index), before))
            before = flip(name, index)
            assert refusal(folder) is VaultDamagedError

    @given(st.data())
    @settings(
        max_examples=250,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    def test_any_byte_of_the_file_opens_to_the_same_content_or_is_a_vault_error(self, folder, data):
        file = folder / "vault.sqlite3"
        good, expected = file.read_bytes(), opened(folder)
        good = file.read_bytes()
        index = data.draw(st.integers(0, len(good) - 1) | st.integers(0, 4095))
        changed = flip(good, index, data.draw(st.integers(1, 255)))
        try:
            file.write_bytes(changed)
            assert opened(folder) == expected
        except VaultError:
            pass
        finally:
            for suffix in ("-wal", "-shm", "-journal"):
                (folder / f"vault.sqlite3{suffix}").unlink(missing_ok=True)
            file.write_bytes(good)

    @pytest.mark.parametrize("page", range(8))
    def test_a_page_of_zeros_or_noise_is_a_vault_error_or_harmless(self, folder, page):
        file = folder / "vault.sqlite3"
        good, expected = file.read_bytes(), opened(folder)
        for filler in (bytes(4096), bytes(range(256)) * 16):
            file.write_bytes(good[: page * 4096] + filler + good[(page + 1) * 4096 :])
            try:
                assert opened(folder) == expected
            except VaultError:
                continue
            finally:
                file.write_bytes(good)

    @pytest.mark.parametrize("kept", [0, 1, 100, 4096, 9000])
    def test_a_cut_file_is_damaged(self, folder, kept):
        file = folder / "vault.sqlite3"
        file.write_bytes(file.read_bytes()[:kept])
        assert refusal(folder) is VaultDamagedError

    @pytest.mark.parametrize("content", [b"not a database", b"\x00" * 8192])
    def test_another_file_in_its_place_is_damaged(self, folder, content):
        (folder / "vault.sqlite3").write_bytes(content)
        assert refusal(folder) is VaultDamagedError

    @pytest.mark.parametrize("value", [None, 1, 1.5, "text", b"", b"x" * 10])
    def test_values_of_another_type_are_damaged(self, folder, value):
        for table, column in (("header", "body"), ("state", "sealed"), ("rows", "sealed")):
            copy = folder.with_name(f"{table}-copy")
            shutil.copytree(folder, copy)
            edit(
                copy,
                ("CREATE TABLE loose AS SELECT * FROM " + table,),
                ("DROP TABLE " + table,),
                ("ALTER TABLE loose RENAME TO " + table,),
                (f"UPDATE {table} SET {column} = ?", value),
            )
            assert refusal(copy) is VaultDamagedError
            shutil.rmtree(copy)


class TestRows:
    def test_two_rows_swapped(self, folder):
        (one, a, x), (two, b, y) = read(
            folder, "SELECT name, version, sealed FROM rows ORDER BY length(sealed), name LIMIT 2"
        )
        change = "UPDATE rows SET version = ?, sealed = ? WHERE name = ?"
        edit(folder, (change, b, y, one), (change, a, x, two))
        assert refusal(folder) is VaultDamagedError

    def test_a_row_deleted(self, folder):
        edit(folder, ("DELETE FROM rows WHERE name = (SELECT min(name) FROM rows)",))
        assert refusal(folder) is VaultDamagedError

    def test_all_rows_deleted(self, folder):
        edit(folder, ("DELETE FROM rows",))
        assert refusal(folder) is VaultDamagedError

    def test_a_row_copied_under_another_name(self, folder):
        edit(
            folder,
            ("INSERT INTO rows SELECT zeroblob(32), version, sealed FROM rows LIMIT 1",),
        )
        assert refusal(folder) is VaultDamagedError

    def test_a_row_put_back_to_its_older_version(self, folder):
        everything = "SELECT name, version, sealed FROM rows"
        before = set(read(folder, everything))
        with Vault.open(folder, "passphrase") as vault, vault.write() as tx:
            tx.put("fact", "07", {"text": "changed"})
        ((name, version, sealed),) = before - set(read(folder, everything))
        edit(
            folder,
            ("UPDATE rows SET version = ?, sealed = ? WHERE name = ?", version, sealed, name),
        )
        assert refusal(folder) is VaultDamagedError

    def test_a_deleted_row_put_back(self, folder):
        everything = "SELECT name, version, sealed FROM rows"
        before = set(read(folder, everything))
        with Vault.open(folder, "passphrase") as vault, vault.write() as tx:
            tx.delete("fact", "07")
        (row,) = before - set(read(folder, everything))
        edit(folder, ("INSERT INTO rows VALUES (?, ?, ?)", *row))
        assert refusal(folder) is VaultDamagedError

    def test_a_version_changed(self, folder):
        edit(folder, ("UPDATE rows SET version = version + 1",))
        assert refusal(folder) is VaultDamagedError

    def test_a_row_of_another_vault(self, folder, tmp_path):
        other = Vault.create(tmp_path / "other", "passphrase", kdf=FAST)
        with other.write() as tx:
            tx.put("fact", "07", {"text": "foreign"})
        other.close()
        row = read(tmp_path / "other", "SELECT name, version, sealed FROM rows")[0]
        edit(folder, ("INSERT INTO rows VALUES (?, ?, ?)", *row))
        assert refusal(folder) is VaultDamagedError

    def test_the_state_of_an_earlier_moment(self, folder):
        (state,) = read(folder, "SELECT sealed FROM state")[0]
        with Vault.open(folder, "passphrase") as vault, vault.write() as tx:
            tx.put("fact", "07", 1)
        edit(folder, ("UPDATE state SET sealed = ?", state))
        assert refusal(folder) is VaultDamagedError

    @pytest.mark.parametrize("table", ["header", "state", "rows"])
    def test_a_table_emptied_or_dropped(self, folder, table):
        edit(folder, (f"DELETE FROM {table}",))
        assert refusal(folder) is VaultDamagedError
        edit(folder, (f"DROP TABLE {table}",))
        assert refusal(folder) is VaultDamagedError

    def test_a_row_changed_while_the_vault_is_open_is_damaged_when_read(self, folder):
        with Vault.open(folder, "passphrase") as vault:
            edit(folder, ("UPDATE rows SET sealed = zeroblob(200)",))
            with pytest.raises(VaultDamagedError):
                vault.get("fact", "07")
            with pytest.raises(VaultDamagedError):
                vault.items("fact")
            with pytest.raises(VaultDamagedError):
                vault.export()

    def test_a_write_does_not_make_tampering_look_genuine(self, folder):
        vault = Vault.open(folder, "passphrase")
        edit(folder, ("DELETE FROM rows WHERE name = (SELECT min(name) FROM rows)",))
        with vault.write() as tx:
            tx.put("other", "new", 1)
        vault.close()
        assert refusal(folder) is VaultDamagedError


class TestRollback:
    def older(self, folder, tmp_path):
        """Keep a copy, go on writing, put the copy back."""
        shutil.copytree(folder, tmp_path / "older")
        with Vault.open(folder, "passphrase") as vault, vault.write() as tx:
            tx.put("fact", "07", "newer")
        shutil.copytree(folder, tmp_path / "newer")
        shutil.rmtree(folder)
        shutil.copytree(tmp_path / "older", folder)

    def test_an_old_vault_put_back_shows(self, folder, tmp_path):
        self.older(folder, tmp_path)
        assert refusal(folder) is VaultRolledBackError

    def test_it_goes_on_showing(self, folder, tmp_path):
        self.older(folder, tmp_path)
        assert refusal(folder) is VaultRolledBackError
        assert refusal(folder) is VaultRolledBackError

    def test_a_restore_that_the_person_meant_is_accepted_and_is_then_the_newest(
        self, folder, tmp_path
    ):
        self.older(folder, tmp_path)
        assert opened(folder, accept_restore=True)["fact"]["07"] == {"text": "fact 7"}
        opened(folder)
        shutil.rmtree(folder)
        shutil.copytree(tmp_path / "newer", folder)
        assert refusal(folder) is VaultRolledBackError

    def test_a_write_ahead_log_that_was_removed_shows(self, folder, tmp_path):
        vault = Vault.open(folder, "passphrase")
        with vault.write() as tx:
            tx.put("fact", "07", "newer")
        (tmp_path / "cut").mkdir()
        shutil.copy(folder / "vault.sqlite3", tmp_path / "cut")
        vault.close()
        assert refusal(tmp_path / "cut") is VaultRolledBackError

    def test_an_older_header_with_its_passphrase_shows(self, folder):
        (body,) = read(folder, "SELECT body FROM header")[0]
        with Vault.open(folder, "passphrase") as vault:
            vault.change_passphrase("passphrase", "another")
        edit(folder, ("UPDATE header SET body = ?", body))
        assert refusal(folder) is VaultDamagedError

    def test_an_older_vault_with_its_older_passphrase_shows(self, folder, tmp_path):
        shutil.copytree(folder, tmp_path / "older")
        with Vault.open(folder, "passphrase") as vault:
            vault.change_passphrase("passphrase", "another")
        assert refusal(tmp_path / "older") is VaultRolledBackError

    def test_a_missing_anchor_shows_and_can_be_accepted(self, folder, anchors):
        (anchor,) = [item for item in anchors.iterdir() if not item.suffix]
        anchor.unlink()
        assert refusal(folder) is VaultAnchorMissingError
        assert issubclass(VaultAnchorMissingError, VaultRolledBackError)
        opened(folder, accept_restore=True)
        opened(folder)

    @pytest.mark.parametrize(
        "content", [b"", b"{}", b"[]", b"null", b"\xff", b'{"counter":1,"mac":1}', b"[" * 9000]
    )
    def test_a_damaged_anchor_shows_and_can_be_accepted(self, folder, anchors, content):
        (anchor,) = [item for item in anchors.iterdir() if not item.suffix]
        anchor.write_bytes(content)
        assert refusal(folder) is VaultRolledBackError
        opened(folder, accept_restore=True)
        opened(folder)

    def test_an_anchor_lowered_without_the_key_shows(self, folder, anchors, tmp_path):
        self.older(folder, tmp_path)
        (anchor,) = [item for item in anchors.iterdir() if not item.suffix]
        anchor.write_bytes(anchor.read_bytes().replace(b'"counter":3', b'"counter":2'))
        assert refusal(folder) is VaultRolledBackError

    def test_accepting_a_restore_does_not_accept_damage(self, folder):
        edit(folder, ("DELETE FROM rows WHERE name = (SELECT min(name) FROM rows)",))
        assert refusal(folder, accept_restore=True) is VaultDamagedError


def test_every_error_has_a_sentence_and_a_remedy():
    kinds = {VaultError, *VaultError.__subclasses__(), VaultAnchorMissingError}
    assert all(issubclass(kind, CaretierError) and kind.remedy.endswith(".") for kind in kinds)
    assert len({kind.kind for kind in kinds}) == len(kinds)
    assert WrongPassphraseError in kinds
