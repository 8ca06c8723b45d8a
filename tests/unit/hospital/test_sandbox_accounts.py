"""The accounts that `caretier up` makes: what each of them may do."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from services.cli import sandbox
from services.fhir.sandbox import called, generate, people
from services.hospital.commands import app
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings


@pytest.fixture
def hospital(tmp_path):
    data = tmp_path / "hospital"
    for account in (
        sandbox.clinician_account(tmp_path),
        sandbox.privacy_account(tmp_path),
        sandbox.operator_account(tmp_path),
    ):
        done = CliRunner().invoke(app, ["--data", str(tmp_path), *account])
        assert done.exit_code == 0, done.output
    made = Hospital(HospitalSettings(data=data))
    made.records.put_many(generate())
    yield made
    made.database.close()


def test_the_clinician_treats_everybody_of_the_sandbox(hospital):
    users = {user.username: user for user in hospital.accounts.users()}
    clinician = users[sandbox.CLINICIAN]
    for person in people():
        assert hospital.relations.basis(clinician, person), person


def test_the_privacy_officer_treats_nobody(hospital):
    users = {user.username: user for user in hospital.accounts.users()}
    officer = users[sandbox.PRIVACY]
    assert officer.role == "privacy"
    assert not any(hospital.relations.basis(officer, person) for person in people())


def test_the_operator_treats_nobody_and_may_let_updates_out(hospital):
    users = {user.username: user for user in hospital.accounts.users()}
    operator = users[sandbox.OPERATOR]
    assert operator.role == "operator"
    assert not any(hospital.relations.basis(operator, person) for person in people())


def test_a_person_of_the_sandbox_is_called_so_that_nobody_takes_it_for_a_name():
    assert [called(one) for one in ("p01", "p10")] == ["Sandbox person 1", "Sandbox person 10"]
