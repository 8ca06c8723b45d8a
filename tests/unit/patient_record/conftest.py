"""A person whose vault costs next to nothing, and what the device knows."""

from __future__ import annotations

import pytest

from patient_app.leaflets import Leaflets
from patient_app.member import Member
from patient_app.vault import KdfParameters, vault
from services.bricks.knowledge import Knowledge
from services.fhir.sandbox import generate


@pytest.fixture(autouse=True)
def cheap_vaults(monkeypatch):
    cheap = KdfParameters(memory_kib=64, passes=1, lanes=1)
    monkeypatch.setattr(vault, "KdfParameters", lambda: cheap)


@pytest.fixture
def member(tmp_path):
    made = Member.create(tmp_path / "vaults" / "p01", "correct horse")
    yield made
    made.vault.close()


@pytest.fixture
def ill(member):
    """The sandbox's person with the longest record."""
    member.import_record([r for r in generate() if r["id"].startswith("p01")])
    return member


@pytest.fixture(scope="session")
def knowledge():
    return Knowledge.load("device")


@pytest.fixture(scope="session")
def of_tests(knowledge):
    return Leaflets(knowledge, "test")


@pytest.fixture(scope="session")
def of_medicines(knowledge):
    return Leaflets(knowledge, "medicine")
