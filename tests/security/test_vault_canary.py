"""Nothing that is put into the vault is readable in any file, before, while and after."""

from __future__ import annotations

import base64
import logging

import pytest

from patient_app.vault import KdfParameters, Vault, VaultError

FAST = KdfParameters(memory_kib=64, passes=1, lanes=1)
CANARY = "Zebulon Quackenbush 1931-04-17"
KIND, ID = "canarykind", "canary-id-4711"
PASSPHRASE = "canary-passphrase-0815"


@pytest.fixture(autouse=True)
def anchors(tmp_path, monkeypatch):
    monkeypatch.setenv("CARETIER_ANCHORS", str(tmp_path / "all" / "anchors"))


def spellings():
    for text in (CANARY, KIND, ID, PASSPHRASE, *CANARY.split()):
        raw = text.encode()
        yield raw
        yield raw.hex().encode()
        yield text.encode("utf-16-le")
        yield base64.b64encode(raw)[: len(raw) // 3 * 4]


def found(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [
        (path.name, spelling)
        for path in files
        for spelling in spellings()
        if spelling in path.read_bytes() or spelling in path.name.encode()
    ]


def test_the_canary_is_in_no_file_at_any_moment(tmp_path):
    everything = tmp_path / "all"
    vault = Vault.create(everything / "vault", PASSPHRASE, kdf=FAST)
    with vault.write() as tx:
        for number in range(200):
            tx.put(KIND, f"{ID}/{number}", {"name": CANARY, "more": [CANARY] * 20})
        assert found(everything) == []
    assert (everything / "vault" / "vault.sqlite3-wal").stat().st_size > 0
    assert found(everything) == []
    with vault.write() as tx:
        tx.delete(KIND, f"{ID}/7")
    assert found(everything) == []
    vault.backup(everything / "backup")
    vault.change_passphrase(PASSPHRASE, PASSPHRASE + "2")
    assert found(everything) == []
    vault.close()
    assert found(everything) == []


def test_the_canary_is_in_no_error_and_no_log(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    vault = Vault.create(tmp_path / "all" / "vault", PASSPHRASE, kdf=FAST)
    with vault.write() as tx:
        tx.put(KIND, ID, CANARY)
    texts = []
    vault.close()
    for attempt in (
        lambda: Vault.open(tmp_path / "all" / "vault", CANARY),
        lambda: Vault.create(tmp_path / "all" / "vault", PASSPHRASE),
        lambda: vault.get(KIND, ID),
        lambda: vault.items(KIND),
    ):
        with pytest.raises(VaultError) as refusal:
            attempt()
        texts.append(repr(refusal.value) + refusal.value.advice)
    whole = caplog.text + "".join(texts)
    assert not any(word in whole for word in (CANARY, KIND, ID, PASSPHRASE))


def test_equal_values_are_stored_differently(tmp_path):
    vault = Vault.create(tmp_path / "vault", PASSPHRASE, kdf=FAST)
    with vault.write() as tx:
        tx.put(KIND, "a", CANARY)
        tx.put(KIND, "b", CANARY)
    (one,), (two,) = vault._database.execute("SELECT sealed FROM rows")
    vault.close()
    assert len(one) == len(two)
    assert one[12:] != two[12:]


def test_lengths_tell_steps_of_128_bytes_only(tmp_path):
    vault = Vault.create(tmp_path / "vault", PASSPHRASE, kdf=FAST)
    with vault.write() as tx:
        for length in range(1, 60):
            tx.put("k", str(length), "x" * length)
    lengths = {len(sealed) for (sealed,) in vault._database.execute("SELECT sealed FROM rows")}
    vault.close()
    assert lengths == {12 + 128 + 16}


def test_names_differ_between_vaults(tmp_path):
    names = []
    for folder in ("one", "two"):
        vault = Vault.create(tmp_path / folder, PASSPHRASE, kdf=FAST)
        with vault.write() as tx:
            tx.put(KIND, ID, 1)
        names.append(vault._database.execute("SELECT name FROM rows")[0][0])
        vault.close()
    assert names[0][:16] != names[1][:16]
    assert names[0][16:] != names[1][16:]
