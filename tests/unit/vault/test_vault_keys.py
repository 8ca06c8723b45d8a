from __future__ import annotations

import builtins
import importlib
import sys
import types

import pytest
from pydantic import ValidationError

from compliance.errors import BadInputError
from patient_app.vault import (
    KdfParameters,
    KeyProvider,
    KeyringProvider,
    Vault,
    VaultError,
    VaultKeyUnavailableError,
    VaultMissingError,
    VaultReopenError,
    WrongPassphraseError,
)
from patient_app.vault.outer import OuterKey

FAST = KdfParameters(memory_kib=64, passes=1, lanes=1)


class MemoryProvider:
    """A key store for tests."""

    def __init__(self):
        self.keys = {}

    def fetch(self, name):
        if name not in self.keys:
            raise VaultKeyUnavailableError("none")
        return self.keys[name]

    def store(self, name, key):
        self.keys[name] = key

    def erase(self, name):
        self.keys.pop(name, None)


def filled(vault):
    with vault.write() as tx:
        for number in range(30):
            tx.put("fact", str(number), number)
    return vault


def test_the_default_cost_is_above_owasps_minimum():
    cost = KdfParameters()
    assert cost.memory_kib >= 19 * 1024
    assert cost.passes >= 2


@pytest.mark.parametrize(
    "change",
    [{"memory_kib": 1 << 30}, {"passes": 1000}, {"lanes": 0}, {"memory_kib": 0}, {"passes": 2.0}],
)
def test_parameters_that_would_take_all_memory_or_none_are_refused(change):
    with pytest.raises(ValidationError):
        KdfParameters(**change)


def test_a_passphrase_is_the_same_in_either_unicode_form():
    assert FAST.derive("caf\u00e9", bytes(16)) == FAST.derive("cafe\u0301", bytes(16))


def test_salt_and_cost_change_the_key():
    keys = {
        FAST.derive("a", bytes(16)),
        FAST.derive("a", b"1" * 16),
        KdfParameters(memory_kib=128, passes=1, lanes=1).derive("a", bytes(16)),
        FAST.derive("b", bytes(16)),
    }
    assert len(keys) == 4


@pytest.mark.parametrize("passphrase", ["", "\ud800"])
def test_a_passphrase_that_is_no_text_is_refused(passphrase):
    with pytest.raises(BadInputError):
        FAST.derive(passphrase, bytes(16))


class TestChangingThePassphrase:
    def test_the_new_one_opens_and_the_old_one_does_not(self, vault, folder):
        filled(vault).change_passphrase("passphrase", "another")
        assert len(vault.items("fact")) == 30
        vault.close()
        with pytest.raises(WrongPassphraseError):
            Vault.open(folder, "passphrase")
        with Vault.open(folder, "another") as again:
            assert again.items("fact") == vault_items()

    def test_a_wrong_old_one_changes_nothing(self, vault, folder):
        with pytest.raises(WrongPassphraseError):
            filled(vault).change_passphrase("wrong", "another")
        vault.close()
        with Vault.open(folder, "passphrase") as again:
            assert len(again.items("fact")) == 30

    def test_an_empty_new_one_changes_nothing(self, vault, folder):
        with pytest.raises(BadInputError):
            filled(vault).change_passphrase("passphrase", "")
        vault.close()
        Vault.open(folder, "passphrase").close()

    def test_nothing_of_the_old_ciphertext_is_left_in_the_file(self, vault, folder):
        filled(vault)
        old = vault._database.execute("SELECT name, sealed FROM rows")
        vault.change_passphrase("passphrase", "another")
        vault.close()
        content = (folder / "vault.sqlite3").read_bytes()
        assert not any(name in content or sealed in content for name, sealed in old)

    def test_the_vault_goes_on_being_written(self, vault, folder):
        filled(vault).change_passphrase("passphrase", "another")
        with vault.write() as tx:
            tx.put("fact", "new", 1)
        vault.change_passphrase("another", "third")
        vault.close()
        with Vault.open(folder, "third") as again:
            assert again.get("fact", "new") == 1

    def test_another_process_is_told_to_open_it_again(self, vault, folder):
        filled(vault)
        other = Vault.open(folder, "passphrase")
        vault.change_passphrase("passphrase", "another")
        for use in (
            lambda: other.get("fact", "1"),
            lambda: other.items("fact"),
            other.export,
            other.verify,
            lambda: other.write().__enter__(),
            lambda: other.change_passphrase("passphrase", "fourth"),
        ):
            with pytest.raises(VaultReopenError):
                use()
        other.close()

    def test_an_anchor_from_before_is_still_understood(self, vault, folder, anchors):
        before = (anchors / vault.id).read_bytes()
        filled(vault).change_passphrase("passphrase", "another")
        vault.close()
        (anchors / vault.id).write_bytes(before)  # killed before the anchor was written
        Vault.open(folder, "another").close()


def vault_items():
    return sorted(((str(n), n) for n in range(30)), key=lambda item: item[0])


class TestProviders:
    def test_a_vault_without_passphrase_opens_with_its_provider(self, folder):
        provider = MemoryProvider()
        filled(Vault.create(folder, provider)).close()
        with Vault.open(folder, provider) as vault:
            assert len(vault.items("fact")) == 30
        assert isinstance(provider, KeyProvider)

    def test_the_key_store_never_holds_the_data_key_itself(self, folder):
        provider = MemoryProvider()
        vault = Vault.create(folder, provider)
        (key,) = provider.keys.values()
        assert vault._header.unwrap(provider, OuterKey(vault.id).read()) != key
        vault.close()

    def test_an_empty_key_store_is_unavailable(self, folder):
        Vault.create(folder, MemoryProvider()).close()
        with pytest.raises(VaultKeyUnavailableError):
            Vault.open(folder, MemoryProvider())

    @pytest.mark.parametrize("key", [bytes(32), b"short", b""])
    def test_a_wrong_key_does_not_open(self, folder, key):
        provider = MemoryProvider()
        Vault.create(folder, provider).close()
        provider.keys = dict.fromkeys(provider.keys, key)
        with pytest.raises(WrongPassphraseError):
            Vault.open(folder, provider)

    def test_a_passphrase_does_not_open_a_providers_vault_nor_the_reverse(self, folder, tmp_path):
        Vault.create(folder, MemoryProvider()).close()
        with pytest.raises(WrongPassphraseError):
            Vault.open(folder, "passphrase")
        Vault.create(tmp_path / "two", "passphrase", kdf=FAST).close()
        with pytest.raises(WrongPassphraseError):
            Vault.open(tmp_path / "two", MemoryProvider())

    def test_moving_to_a_passphrase_erases_the_stored_key(self, folder):
        provider = MemoryProvider()
        vault = filled(Vault.create(folder, provider, kdf=FAST))
        vault.change_passphrase(provider, "passphrase")
        vault.close()
        assert provider.keys == {}
        Vault.open(folder, "passphrase").close()

    def test_changing_the_key_within_one_provider_keeps_the_new_one(self, folder):
        provider = MemoryProvider()
        vault = filled(Vault.create(folder, provider, kdf=FAST))
        vault.change_passphrase(provider, provider)
        vault.close()
        assert len(provider.keys) == 1
        Vault.open(folder, provider).close()

    def test_erasing_erases_the_stored_key(self, folder):
        provider = MemoryProvider()
        Vault.create(folder, provider).erase()
        assert provider.keys == {}


class TestKeyring:
    @pytest.fixture
    def store(self, monkeypatch):
        """The package `keyring` with a store in memory."""
        errors = types.ModuleType("keyring.errors")
        errors.KeyringError = type("KeyringError", (Exception,), {})
        module = types.ModuleType("keyring")
        module.kept = {}
        module.get_password = lambda service, name: module.kept.get((service, name))
        module.set_password = lambda service, name, key: module.kept.update({(service, name): key})
        module.delete_password = lambda service, name: module.kept.pop((service, name))
        module.errors = errors
        monkeypatch.setitem(sys.modules, "keyring", module)
        monkeypatch.setitem(sys.modules, "keyring.errors", errors)
        return module

    def test_it_keeps_gives_and_forgets_keys(self, store, folder):
        provider = KeyringProvider()
        filled(Vault.create(folder, provider)).close()
        vault = Vault.open(folder, provider)
        assert len(store.kept) == 1
        vault.erase()
        assert store.kept == {}
        provider.erase("unknown")

    def test_a_store_without_the_key_is_unavailable(self, store):
        with pytest.raises(VaultKeyUnavailableError):
            KeyringProvider().fetch("name")

    def test_a_store_with_a_broken_key_is_unavailable(self, store):
        store.kept["caretier-vault", "name"] = "!"
        with pytest.raises(VaultKeyUnavailableError):
            KeyringProvider().fetch("name")

    @pytest.mark.parametrize("use", ["fetch", "store", "erase"])
    def test_a_locked_store_is_unavailable(self, store, use):
        def locked(*_):
            raise store.errors.KeyringError("locked")

        store.get_password = store.set_password = locked
        arguments = ("name", bytes(32)) if use == "store" else ("name",)
        with pytest.raises(VaultKeyUnavailableError) as refusal:
            getattr(KeyringProvider(), use)(*arguments)
        assert refusal.value.__suppress_context__

    def test_without_the_package_it_says_what_to_install(self, monkeypatch):
        real = importlib.import_module

        def missing(name, *args):
            if name.startswith("keyring"):
                raise ImportError(name)
            return real(name, *args)

        monkeypatch.setattr(importlib, "import_module", missing)
        with pytest.raises(VaultKeyUnavailableError) as refusal:
            KeyringProvider().fetch("name")
        assert "device" in refusal.value.advice

    def test_the_package_is_not_imported_for_a_passphrase(self, monkeypatch, folder):
        real = builtins.__import__

        def guarded(name, *args, **kwargs):
            assert not name.startswith("keyring")
            return real(name, *args, **kwargs)

        monkeypatch.setattr(builtins, "__import__", guarded)
        Vault.create(folder, "passphrase", kdf=FAST).close()


class TestErasing:
    def test_nothing_is_left(self, vault, folder, anchors):
        filled(vault).erase()
        assert list(folder.iterdir()) == []
        assert list(anchors.iterdir()) == []
        with pytest.raises(VaultMissingError):
            Vault.open(folder, "passphrase")

    def test_a_new_vault_can_be_made_in_its_place(self, vault, folder):
        filled(vault).erase()
        with Vault.create(folder, "new", kdf=FAST) as again:
            assert again.items("fact") == []

    def test_a_vault_whose_passphrase_is_forgotten_can_be_discarded(self, vault, folder, anchors):
        filled(vault).close()
        Vault.discard(folder)
        assert list(folder.iterdir()) == []
        assert list(anchors.iterdir()) == []
        with pytest.raises(VaultMissingError):
            Vault.discard(folder)

    def test_a_damaged_vault_can_be_discarded(self, vault, folder):
        vault.close()
        (folder / "vault.sqlite3").write_bytes(b"noise" * 1000)
        Vault.discard(folder)
        assert list(folder.iterdir()) == []

    def test_another_process_can_neither_read_nor_write(self, vault, folder):
        filled(vault)
        other = Vault.open(folder, "passphrase")
        vault.erase()
        with pytest.raises(VaultError), other.write() as tx:
            tx.put("fact", "new", 1)
        with pytest.raises(VaultError):
            other.items("fact")
        other.close()
        assert not Vault.exists(folder)

    def test_the_keys_are_gone_before_the_files(self, vault, folder, monkeypatch):
        filled(vault)
        monkeypatch.setattr("patient_app.vault.vault.shred", lambda _: None)
        before = vault._header.dump()
        vault.erase()
        content = b"".join(item.read_bytes() for item in folder.iterdir())
        assert before not in content
        assert before[-40:] not in content
