"""Identifiers out of FHIR."""

from __future__ import annotations

from typing import Any

import pytest

from compliance.deidentify import Deidentifier, KnownIdentifiers, KnownIdentifiersError
from compliance.deidentify.record import KnownName, KnownValue, read_record


def _values(*resources: Any) -> set[tuple[str, str]]:
    return {(k.type, k.value) for k in read_record(resources) if isinstance(k, KnownValue)}


def _names(*resources: Any) -> set[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    return {(k.role, k.given, k.family) for k in read_record(resources) if isinstance(k, KnownName)}


def test_roles_follow_the_resource() -> None:
    name = [{"given": ["Ann"], "family": "Lee"}]
    assert _names({"resourceType": "Patient", "name": name}) == {("PATIENT", ("ann",), ("lee",))}
    assert _names({"resourceType": "RelatedPerson", "name": name}) == {
        ("RELATIVE", ("ann",), ("lee",))
    }
    assert _names({"resourceType": "Practitioner", "name": name}) == {
        ("CLINICIAN", ("ann",), ("lee",))
    }


def test_contacts_contained_and_extensions_are_read() -> None:
    patient = {
        "resourceType": "Patient",
        "contained": [{"resourceType": "Practitioner", "name": [{"family": "Quispe"}]}],
        "contact": [
            {
                "name": {"given": ["Mary"], "family": "Long"},
                "telecom": [{"system": "phone", "value": "1"}],
                "address": {"city": "Zamora"},
            }
        ],
        "extension": [
            {"url": "http://x/patient-mothersMaidenName", "valueString": "Ida Vandenberg"},
            {"url": "http://x/birthPlace", "valueAddress": {"city": "Olathe"}},
            {
                "url": "http://x/n",
                "extension": [
                    {"url": "y", "valueContactPoint": {"system": "email", "value": "a@b.c"}}
                ],
            },
        ],
        "photo": [{"url": "http://x/p.jpg"}],
    }
    assert _names(patient) == {
        ("CLINICIAN", (), ("quispe",)),
        ("RELATIVE", ("mary",), ("long",)),
        ("RELATIVE", ("ida",), ("vandenberg",)),
    }
    assert {
        ("LOCATION", "Zamora"),
        ("LOCATION", "Olathe"),
        ("EMAIL_ADDRESS", "a@b.c"),
        ("BIOMETRIC_ID", "http://x/p.jpg"),
    } <= _values(patient)


def test_references_in_any_resource_name_people_and_places() -> None:
    encounter = {
        "resourceType": "Encounter",
        "subject": {"reference": "Patient/1", "display": "Ann Lee"},
        "participant": [
            {
                "individual": {
                    "reference": "Practitioner?identifier=x|9",
                    "display": "Dr. Irvin Emard",
                }
            }
        ],
        "serviceProvider": {"reference": "Organization/2", "display": "NEWMAN REGIONAL HEALTH"},
        "type": [{"coding": [{"display": "Office Visit"}]}],
    }
    assert _names(encounter) == {
        ("PATIENT", ("ann",), ("lee",)),
        ("CLINICIAN", ("irvin",), ("emard",)),
    }
    assert ("ORGANIZATION", "NEWMAN REGIONAL HEALTH") in _values(encounter)


def test_identifiers_are_typed_and_coverage_is_read() -> None:
    patient = {
        "resourceType": "Patient",
        "id": "abc-1",
        "identifier": [
            {"type": {"coding": [{"code": "SS"}]}, "value": "1"},
            {"value": "urn:uuid:2"},
        ],
    }
    coverage = {"resourceType": "Coverage", "subscriberId": "S77", "identifier": [{"value": "C1"}]}
    assert _values(patient, coverage) == {
        ("UNIQUE_CODE", "abc-1"),
        ("US_SSN", "1"),
        ("UNIQUE_CODE", "2"),
        ("HEALTH_PLAN_NUMBER", "S77"),
        ("UNIQUE_CODE", "C1"),
    }


def test_states_and_countries_are_not_taken() -> None:
    assert (
        _values({"resourceType": "Patient", "address": [{"state": "KS", "country": "US"}]}) == set()
    )


def test_a_bundle_is_its_entries() -> None:
    bundle = {
        "resourceType": "Bundle",
        "entry": [
            {"resource": {"resourceType": "Patient", "name": [{"text": "Ann Lee"}]}},
            {},
            {"resource": None},
        ],
    }
    assert _names(bundle) == {("PATIENT", ("ann",), ("lee",))}


@pytest.mark.parametrize("bad", [{}, "Patient", None, {"resourceType": 1}, []])
def test_what_is_no_resource_is_refused(bad: Any) -> None:
    with pytest.raises(KnownIdentifiersError):
        KnownIdentifiers.from_record([bad])


@pytest.mark.parametrize(
    "odd",
    [
        {
            "name": None,
            "telecom": 5,
            "address": "x",
            "identifier": [1, None],
            "contact": ["x"],
            "photo": [None],
            "birthDate": "1990",
        },
        {"name": [[], 5, {"given": "Ann", "family": None}], "extension": [1, {"url": None}]},
        {"birthDate": "not a date", "telecom": [{"value": 5}], "contained": [None]},
    ],
)
def test_odd_shapes_break_nothing(detector: Deidentifier, odd: dict[str, Any]) -> None:
    known = KnownIdentifiers.from_record([{"resourceType": "Patient", **odd}])
    assert detector.deidentify("I have a cough.", known=known).text == "I have a cough."


def test_a_record_nested_without_end_is_refused() -> None:
    node: dict[str, Any] = {"resourceType": "Patient"}
    for _ in range(60):
        node = {"resourceType": "Patient", "contained": [node]}
    with pytest.raises(KnownIdentifiersError):
        KnownIdentifiers.from_record([node])


def test_repr_shows_no_identifier() -> None:
    assert "Lee" not in repr(
        KnownIdentifiers.from_record([{"resourceType": "Patient", "name": [{"family": "Lee"}]}])
    )
