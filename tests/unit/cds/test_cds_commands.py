"""``caretier hospital cds``: registering EHRs, and trying a request without a server."""

from __future__ import annotations

import json
import shutil

import pytest
from support.cds import allergy, draft, sign, view
from typer.testing import CliRunner

from services.hospital.commands import app

JWKS = "https://ehr.example.org/jwks.json"
ISSUER = "https://ehr.example.org"


@pytest.fixture
def run(tmp_path, _migrated_sqlite):
    (tmp_path / "hospital").mkdir()
    shutil.copyfile(_migrated_sqlite, tmp_path / "hospital" / "hospital.db")
    return lambda *args: CliRunner().invoke(app, ["--data", str(tmp_path), "cds", *args])


def test_an_ehr_is_trusted_listed_and_distrusted(run):
    made = run("trust", ISSUER, JWKS, "--fhir", f"{ISSUER}/fhir", "--origin", "https://app.org")
    assert made.exit_code == 0, made.output
    listed = run("list").output
    assert JWKS in listed
    assert "https://app.org" in listed
    assert run("distrust", ISSUER).exit_code == 0
    assert run("list").output == ""
    assert run("distrust", ISSUER).exit_code == 3


@pytest.mark.parametrize(
    "address", ["ehr", "ftp://ehr.example.org", "https://user@ehr.example.org", "file:///etc"]
)
def test_an_address_that_is_none_is_refused(run, address):
    assert run("trust", ISSUER, address).exit_code != 0
    assert run("trust", ISSUER, JWKS, "--fhir", address).exit_code != 0


def test_a_request_in_a_file_is_tried(run, tmp_path):
    file = tmp_path / "call.json"
    request = sign(draft("Amoxicillin 500 MG"), record=(allergy("Penicillin"),))
    file.write_text(json.dumps(request), encoding="utf-8")
    answer = run("try", str(file))
    assert answer.exit_code == 0, answer.output
    cards = json.loads(answer.output)["cards"]
    assert cards[0]["indicator"] == "critical"


def test_a_file_for_a_hook_that_is_not_offered_is_refused(run, tmp_path):
    file = tmp_path / "call.json"
    file.write_text(json.dumps(view(hook="order-dispatch")), encoding="utf-8")
    assert run("try", str(file)).exit_code != 0
