"""Vaults with a cheap passphrase hash and anchors of their own."""

from __future__ import annotations

import pytest

from patient_app.vault import KdfParameters, Vault

FAST = KdfParameters(memory_kib=64, passes=1, lanes=1)


@pytest.fixture(autouse=True)
def anchors(tmp_path, monkeypatch):
    """Keep anchors out of the person's own state folder."""
    folder = tmp_path / "anchors"
    monkeypatch.setenv("CARETIER_ANCHORS", str(folder))
    return folder


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "vault"


@pytest.fixture
def vault(folder):
    made = Vault.create(folder, "passphrase", kdf=FAST)
    yield made
    made.close()
