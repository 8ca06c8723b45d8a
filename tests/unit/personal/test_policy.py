"""What a person chose is a brick with versions, in the vault and nowhere else."""

from __future__ import annotations

import pytest

from compliance.errors import NotFoundError
from patient_app.personal import policy
from patient_app.vault import Vault


@pytest.fixture
def vault(tmp_path):
    held = Vault.create(tmp_path / "v", "correct horse battery")
    yield held
    held.close()


def test_each_change_is_a_version_with_its_lineage(vault):
    policy.change_policy(vault, {})
    policy.change_policy(vault, {"units": "us"})
    newest, first = policy.versions(vault)
    assert (first.version, first.lineage.operation) == (1, "made")
    assert (newest.version, newest.lineage.parents) == (2, ("personal@1",))
    assert newest.files[0].digest != first.files[0].digest


def test_a_change_that_changes_nothing_makes_no_version(vault):
    policy.change_policy(vault, {"units": "us"})
    policy.change_policy(vault, {"units": "us"})
    assert len(policy.versions(vault)) == 1


def test_a_former_version_can_be_put_back(vault):
    policy.change_policy(vault, {"reading_level": "simple"})
    policy.change_policy(vault, {"reading_level": "detailed"})
    assert policy.put_back(vault, 1).reading_level == "simple"
    assert policy.read_policy(vault).reading_level == "simple"
    assert policy.versions(vault)[0].version == 3


def test_a_version_that_is_not_there_is_said(vault):
    with pytest.raises(NotFoundError):
        policy.put_back(vault, 9)


def test_only_the_newest_versions_are_kept(vault):
    for at in range(policy.MAX_VERSIONS + 5):
        policy.change_policy(vault, {"interests": (f"subject {at}",)})
    held = policy.versions(vault)
    assert len(held) == policy.MAX_VERSIONS
    assert held[0].version == policy.MAX_VERSIONS + 5


def test_a_profile_of_an_earlier_release_is_read(vault):
    with vault.write() as tx:
        tx.put("profile", "me", {"language": "es", "reading_level": "simple", "unknown": 1})
    assert policy.read_policy(vault).language == "es"
