"""Erasing a person's health record: what goes, what stays, and what is told of it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from compliance.audit import AuditError
from compliance.errors import BadInputError, NotFoundError
from compliance.sealing.encoding import canonical_json, from_text
from compliance.sealing.identity import IdentityPublic, signed_bytes
from services.hospital import commands
from services.hospital.audited import Caller
from services.hospital.erasure import PURPOSE
from services.hospital.errors import HeldError
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings
from tests.support.trail import Trail

BY = Caller.shell()
ODD = "Quonsetterly"
"""A word that stands in the record and nowhere else."""


def observation(id_, patient, **more):
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": {"text": ODD},
        "subject": {"reference": f"Patient/{patient}"},
        **more,
    }


@pytest.fixture
def hospital(tmp_path):
    made = Hospital(HospitalSettings(data=tmp_path / "hospital"))
    made.intake.audit = Trail()
    for name in ("a", "b"):
        made.records.put({"resourceType": "Patient", "id": name, "name": [{"family": ODD}]})
    made.records.put(observation("one", "a"))
    made.records.put(observation("one", "a", status="amended"))
    made.records.put(observation("gone", "a"))
    made.records.delete("Observation", "gone")
    made.records.put(observation("both", "b", performer=[{"reference": "Patient/a"}]))
    made.records.put(
        {
            "resourceType": "Provenance",
            "id": "of-one",
            "target": [{"reference": "Observation/one"}],
            "recorded": "2026-01-01T00:00:00Z",
            "agent": [{"who": {"display": ODD}}],
        }
    )
    yield made
    made.database.close()


def test_the_plan_counts_what_goes_and_what_stays_and_changes_nothing(hospital):
    plan = hospital.record_erasures.plan("a")
    assert dict(plan.resources) == {"Observation": 1, "Patient": 1, "Provenance": 1}
    assert (plan.total, plan.versions, plan.shared, plan.held) == (3, 3, 1, False)
    assert hospital.record_erasures.plan("a") == plan


def test_an_erasure_destroys_the_record_with_its_history_and_nobody_elses(hospital):
    receipt = hospital.record_erasures.erase("a", "person", BY)
    assert receipt["versions_destroyed"] == 6
    assert receipt["shared_kept"] == 1
    for kind, id_ in (("Patient", "a"), ("Observation", "one"), ("Provenance", "of-one")):
        assert hospital.records.entry(kind, id_) is None
    assert hospital.records.entry("Observation", "both") is not None
    assert hospital.records.entry("Patient", "b") is not None
    with pytest.raises(NotFoundError):
        hospital.record_erasures.plan("a")


def test_nothing_of_an_erased_record_is_left_in_the_files_of_the_database(hospital):
    hospital.records.put({"resourceType": "Patient", "id": "c", "name": [{"family": "Zzyvirl"}]})
    hospital.record_erasures.erase("c", "person", BY)
    for file in hospital.settings.data.glob("hospital.db*"):
        assert b"Zzyvirl" not in file.read_bytes(), file.name


def test_a_receipt_is_signed_and_kept_and_names_the_id_alone(hospital):
    receipt = hospital.record_erasures.erase("a", "court", BY)
    signature = from_text(receipt.pop("signature"))
    public = IdentityPublic.from_text(receipt["hospital"])
    public.verify(signature, signed_bytes(PURPOSE, canonical_json(receipt)))
    (kept,) = hospital.erasures.receipts()
    assert json.loads(kept)["patient"] == "a"
    assert ODD not in kept


def test_a_record_under_legal_hold_is_not_erased_until_it_is_lifted(hospital):
    hospital.holds.place("patient:a", "case 7", BY)
    assert hospital.record_erasures.plan("a").held
    with pytest.raises(HeldError):
        hospital.record_erasures.erase("a", "person", BY)
    assert hospital.records.entry("Patient", "a") is not None
    hospital.holds.lift("patient:a", BY)
    assert hospital.record_erasures.erase("a", "person", BY)


def test_an_erasure_that_cannot_be_written_down_does_not_happen(hospital, monkeypatch):
    def full(_events):
        raise AuditError("the disk is full")

    monkeypatch.setattr(hospital.auditor, "_record_all", full)
    with pytest.raises(AuditError):
        hospital.record_erasures.erase("a", "person", BY)
    assert hospital.record_erasures.plan("a").total == 3
    assert not hospital.erasures.receipts()


def test_an_erasure_is_on_the_trail_with_who_and_whose(hospital):
    hospital.record_erasures.erase("a", "person", BY)
    told = json.dumps(hospital.intake.audit.events[-1])
    assert '"Patient/a"' in told
    assert '"delete"' in told


def test_keys_for_the_erased_record_open_nothing_any_more(hospital):
    mine = hospital.accounts.keys.make("app", "patient/*.rs", patient="a")
    other = hospital.accounts.keys.make("other", "patient/*.rs", patient="b")
    hospital.record_erasures.erase("a", "person", BY)
    assert hospital.accounts.keys.find(mine) is None
    assert hospital.accounts.keys.find(other) is not None


@pytest.mark.parametrize("patient", ["nobody", "", "a/../b", "%", "a" * 65])
def test_what_is_nobodys_record_is_refused(hospital, patient):
    with pytest.raises(NotFoundError):
        hospital.record_erasures.erase(patient, "person", BY)


def test_an_erasure_needs_a_reason_of_the_list(hospital):
    with pytest.raises(BadInputError):
        hospital.record_erasures.erase("a", "because", BY)


def test_the_command_destroys_only_when_the_id_is_typed_again(hospital):
    data = str(hospital.settings.data.parent)
    run = lambda typed: CliRunner().invoke(  # noqa: E731  # reads as one
        commands.app, ["--data", data, "erase-record", "a"], input=typed
    )
    refused = run("b\n")
    assert refused.exit_code == 1
    assert hospital.records.entry("Patient", "a") is not None
    done = run("a\n")
    assert done.exit_code == 0
    assert json.loads(done.stdout[done.stdout.index("{") :])["patient"] == "a"
    assert hospital.records.entry("Patient", "a") is None
