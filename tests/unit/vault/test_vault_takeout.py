"""What the person takes along: FHIR that validates, a page to read, and no keys."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from compliance.access.takeout import as_page, collection
from compliance.consent import standing
from patient_app.vault.takeout import bundle_of, page_of
from services.fhir.validate import check

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
OBSERVATION = {
    "resourceType": "Observation", "id": "o1", "status": "final", "code": {"text": "Weight <b>"},
    "subject": {"reference": "Patient/p1"}, "valueQuantity": {"value": 71.5, "unit": "kg"},
    "effectiveDateTime": "2026-11-01",
}  # fmt: skip


@pytest.fixture
def filled(vault):
    patient = {
        "resourceType": "Patient",
        "id": "p1",
        "name": [{"given": ["Ana"], "family": "Ruiz"}],
    }
    consent = standing(destinations=("clinic",), now=NOW)
    with vault.write() as tx:
        tx.put("record", "Observation/o1", OBSERVATION)
        tx.put("record", "Patient/p1", patient)
        tx.put("consent", consent.id, consent.model_dump(mode="json"))
        tx.put("consult", "c1", {
            "question": "Is it flu?", "asked": NOW.isoformat(), "conversation": "t",
            "answer": {"text": "Rest and drink."},
        })  # fmt: skip
        tx.put("ledger", "r1", {"time": NOW.isoformat(), "text": "Is it [X]?", "state": "sent"})
        tx.put("keys", "identity", "PRIVATE-KEY")
        tx.put("map", "t", {"[X]": "SECRET"})
    return vault


def test_the_bundle_holds_everything_about_the_person_and_each_entry_validates(filled):
    bundle = bundle_of(filled, NOW)
    kinds = [e["resource"]["resourceType"] for e in bundle["entry"]]
    assert kinds[0] == "Patient"
    assert sorted(kinds) == ["Communication"] * 3 + ["Consent", "Observation", "Patient"]
    for entry in bundle["entry"]:
        check(entry["resource"])
    check({**bundle, "id": "x"})


def test_no_key_and_no_map_is_in_it(filled):
    text = json.dumps(bundle_of(filled)) + page_of(filled)
    assert "PRIVATE-KEY" not in text
    assert "SECRET" not in text


def test_an_empty_vault_gives_a_bundle_of_nobody(vault):
    bundle = bundle_of(vault)
    check({**bundle, "id": "x"})
    assert [e["resource"]["resourceType"] for e in bundle["entry"]] == ["Patient"]


@pytest.mark.parametrize(("language", "title"), [("en", "My health data"), ("es", "Mis datos")])
def test_the_page_is_one_file_in_the_persons_language(filled, language, title):
    page = page_of(filled, language, NOW)
    assert title in page
    for said in ("Ana Ruiz", "Weight &lt;b&gt;: 71.5 kg", "2026-11-01", "Rest and drink."):
        assert said in page
    for outside in ("<script", "http://", "https://", "<b>"):
        assert outside not in page.replace("http://terminology.hl7.org", "")


def test_every_kind_of_line_says_something():
    lines = [
        {"resourceType": "Immunization", "vaccineCode": {"coding": [{"display": "Tetanus"}]}},
        {
            "resourceType": "Observation",
            "code": {"coding": [{"code": "718-7"}]},
            "valueString": "ok",
        },
        {"resourceType": "Basic", "id": "b"},
    ]
    page = as_page(collection(lines, NOW))
    for said in ("Tetanus", "718-7: ok", "Basic/b"):
        assert said in page


def test_a_bundle_of_nothing_has_no_empty_list():
    assert "entry" not in collection([])
