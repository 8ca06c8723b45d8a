from __future__ import annotations

import sqlite3
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compliance.errors import BadInputError
from patient_app.vault import (
    KdfParameters,
    Vault,
    VaultBusyError,
    VaultError,
    VaultExistsError,
    VaultMissingError,
    WrongPassphraseError,
)
from patient_app.vault import database as database_module

FAST = KdfParameters(memory_kib=64, passes=1, lanes=1)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"]), max_size=8), inner, max_size=4
        )
    ),
    max_leaves=10,
)


def test_what_was_put_is_there_after_opening_again(vault, folder):
    with vault.write() as tx:
        tx.put("profile", "me", {"language": "es"})
    vault.close()
    with Vault.open(folder, "passphrase") as again:
        assert again.get("profile", "me") == {"language": "es"}
        assert again.id == vault.id


def test_what_was_never_put_is_none(vault):
    assert vault.get("profile", "me") is None
    assert vault.items("profile") == []


@given(value=JSON)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_json_value_comes_back_as_it_was(vault, value):
    with vault.write() as tx:
        tx.put("kind", "id", value)
    assert vault.get("kind", "id") == value


def test_putting_again_takes_the_place_of_what_was_there(vault):
    for value in (1, 2):
        with vault.write() as tx:
            tx.put("kind", "id", value)
    assert vault.items("kind") == [("id", 2)]
    vault.verify()


def test_items_are_of_one_kind_and_ordered_by_id(vault):
    with vault.write() as tx:
        for id_ in ("b", "a", "c"):
            tx.put("fact", id_, id_.upper())
        tx.put("fac", "t", 0)
        tx.put("factx", "a", 0)
    assert vault.items("fact") == [("a", "A"), ("b", "B"), ("c", "C")]


@pytest.mark.parametrize(
    ("one", "two"), [(("ab", "c"), ("a", "bc")), (("a", "b\x00c"), ("a\x00b", "c"))]
)
def test_kind_and_id_do_not_run_into_each_other(vault, one, two):
    with vault.write() as tx:
        tx.put(*one, 1)
        tx.put(*two, 2)
    assert (vault.get(*one), vault.get(*two)) == (1, 2)


def test_deleting_says_whether_there_was_something(vault):
    with vault.write() as tx:
        tx.put("kind", "id", 1)
        assert tx.delete("kind", "id")
        assert not tx.delete("kind", "id")
    assert vault.get("kind", "id") is None
    vault.verify()


def test_a_transaction_sees_its_own_changes(vault):
    with vault.write() as tx:
        tx.put("kind", "id", 1)
        assert tx.get("kind", "id") == 1
        assert tx.items("kind") == [("id", 1)]


def test_a_block_that_raises_changes_nothing(vault):
    with vault.write() as tx:
        tx.put("kind", "kept", 1)

    def fail():
        with vault.write() as tx:
            tx.put("kind", "kept", 2)
            tx.put("kind", "new", 3)
            tx.delete("kind", "kept")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert vault.items("kind") == [("kept", 1)]
    vault.verify()


def test_a_refused_value_undoes_the_whole_block(vault):

    def fail():
        with vault.write() as tx:
            tx.put("kind", "a", 1)
            tx.put("kind", "b", object())

    with pytest.raises(BadInputError):
        fail()
    assert vault.items("kind") == []


@pytest.mark.parametrize("value", [object(), float("nan"), {1, 2}, "\ud800", b"bytes"])
def test_what_is_not_json_is_refused(vault, value):
    with pytest.raises(BadInputError), vault.write() as tx:
        tx.put("kind", "id", value)


@pytest.mark.parametrize(("kind", "id_"), [("", "id"), ("kind", "")])
def test_a_value_needs_kind_and_id(vault, kind, id_):
    with pytest.raises(BadInputError), vault.write() as tx:
        tx.put(kind, id_, 1)


def test_a_value_beyond_16_mib_is_refused(vault):
    with pytest.raises(BadInputError), vault.write() as tx:
        tx.put("kind", "id", "a" * (16 << 20))


def test_a_transaction_is_of_no_use_afterwards(vault):
    with vault.write() as tx:
        tx.put("kind", "id", 1)
    for use in (
        lambda: tx.put("kind", "id", 2),
        lambda: tx.delete("kind", "id"),
        lambda: tx.get("kind", "id"),
        lambda: tx.items("kind"),
    ):
        with pytest.raises(VaultError):
            use()
    assert vault.get("kind", "id") == 1


def test_one_write_inside_another_is_refused_and_harmless(vault):
    with vault.write() as tx:
        tx.put("kind", "id", 1)
        with pytest.raises(VaultError), vault.write():
            pass
    assert vault.get("kind", "id") == 1


def test_the_vault_can_be_read_inside_a_write_block(vault):
    with vault.write() as tx:
        tx.put("kind", "id", 1)
        assert vault.get("kind", "id") == 1
        assert vault.items("kind") == [("id", 1)]


def test_the_whole_vault_is_not_handled_inside_a_write_block(vault):
    for use in (vault.verify, lambda: vault.change_passphrase("passphrase", "other")):
        with vault.write() as tx:
            tx.put("kind", "id", 1)
            with pytest.raises(VaultError) as refusal:
                use()
            assert type(refusal.value) is VaultError
    assert vault.get("kind", "id") == 1


def test_a_block_without_changes_moves_nothing(vault, anchors):
    before = (anchors / vault.id).read_bytes()
    with vault.write() as tx:
        tx.get("kind", "id")
    assert (anchors / vault.id).read_bytes() == before


def test_threads_take_turns(vault):
    def count(name):
        for _ in range(20):
            with vault.write() as tx:
                tx.put("counter", "all", (tx.get("counter", "all") or 0) + 1)
                tx.put("counter", name, 1)
            assert vault.get("counter", name) == 1

    threads = [threading.Thread(target=count, args=(str(n),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert vault.get("counter", "all") == 80
    vault.verify()


def test_export_gives_everything(vault):
    with vault.write() as tx:
        tx.put("profile", "me", {"language": "en"})
        tx.put("fact", "a", 1)
        tx.put("fact", "b", 2)
    export = vault.export()
    assert export["kinds"] == {"profile": {"me": {"language": "en"}}, "fact": {"a": 1, "b": 2}}
    assert export["vault"] == vault.id


def test_a_wrong_passphrase_says_so_and_nothing_else(vault, folder):
    vault.close()
    for wrong in ("Passphrase", "passphrase ", "", "\ud800"):
        with pytest.raises(WrongPassphraseError) as refusal:
            Vault.open(folder, wrong)
        assert refusal.value.advice
        assert refusal.value.__suppress_context__
        assert "passphrase " not in refusal.value.message


def test_no_vault_is_missing(tmp_path):
    with pytest.raises(VaultMissingError):
        Vault.open(tmp_path / "none", "passphrase")
    assert not Vault.exists(tmp_path / "none")


def test_a_second_vault_in_the_folder_is_refused(vault, folder):
    assert Vault.exists(folder)
    with pytest.raises(VaultExistsError):
        Vault.create(folder, "other", kdf=FAST)
    Vault.open(folder, "passphrase").close()


def test_an_empty_passphrase_is_refused_and_leaves_nothing(folder):
    with pytest.raises(BadInputError):
        Vault.create(folder, "", kdf=FAST)
    assert not folder.exists()


def test_a_folder_that_cannot_be_made_is_a_vault_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(VaultError):
        Vault.create(tmp_path / "file" / "vault", "passphrase", kdf=FAST)


def test_a_vault_without_its_anchor_folder_is_not_created(folder, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CARETIER_ANCHORS", str(tmp_path / "file" / "x"))
    with pytest.raises(VaultError):
        Vault.create(folder, "passphrase", kdf=FAST)
    assert not folder.exists()


def test_only_the_owner_may_read_the_folder(vault, folder):
    with vault.write() as tx:
        tx.put("kind", "id", 1)
    assert folder.stat().st_mode & 0o077 == 0
    assert all(item.stat().st_mode & 0o077 == 0 for item in folder.iterdir())


def test_a_closed_vault_is_a_vault_error(vault):
    vault.close()
    vault.close()
    with pytest.raises(VaultError):
        vault.get("kind", "id")
    with pytest.raises(VaultError), vault.write():
        pass


def test_a_vault_that_another_process_keeps_is_busy(folder, monkeypatch):
    Vault.create(folder, "passphrase", kdf=FAST).close()
    monkeypatch.setattr(database_module, "BUSY_SECONDS", 0.1)
    vault = Vault.open(folder, "passphrase")
    other = sqlite3.connect(folder / "vault.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(VaultBusyError), vault.write():
        pass
    other.execute("ROLLBACK")
    other.close()
    vault.close()


def test_a_backup_opens_as_a_restored_vault(vault, folder, tmp_path):
    with vault.write() as tx:
        tx.put("kind", "id", 1)
    vault.backup(tmp_path / "backup")
    with pytest.raises(VaultExistsError):
        vault.backup(tmp_path / "backup")
    vault.close()
    with Vault.open(tmp_path / "backup", "passphrase") as copy:
        assert copy.get("kind", "id") == 1


def test_opening_5000_rows_takes_at_most_half_a_second(folder):
    vault = Vault.create(folder, "passphrase")  # with the full cost of the passphrase
    with vault.write() as tx:
        for number in range(5000):
            tx.put("fact", str(number), {"text": "x" * 200})
    vault.close()
    seconds = []
    for _ in range(3):  # of the processor: other work on the machine is not the vault's
        start = time.process_time()
        Vault.open(folder, "passphrase").close()
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.5
