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


def test_numbers_of_every_resource_of_the_person_are_read() -> None:
    def numbered(kind: str, **more: Any) -> dict[str, Any]:
        return {"resourceType": kind, **more}

    values = _values(
        numbered(
            "Device",
            udiCarrier=[{"deviceIdentifier": "00844588003288", "carrierHRF": "(01)0084(21)S77K1"}],
            serialNumber="SN5521",
            lotNumber="L9001",
            distinctIdentifier="D-4431",
        ),
        numbered("Specimen", accessionIdentifier={"value": "ACC-2231"}),
        numbered(
            "Claim", identifier=[{"value": "CLM77120"}], insurance=[{"preAuthRef": ["PA551"]}]
        ),
        numbered("Account", identifier=[{"value": "55120031"}]),
        numbered("Encounter", id="3f6d2c1a-88aa", identifier=[{"value": "V-100231"}]),
        numbered("Coverage", subscriberId="W221", **{"class": [{"value": "GRP-12"}]}),
        numbered("ServiceRequest", requisition={"value": "REQ-8821"}),
        numbered("DocumentReference", masterIdentifier={"value": "urn:oid:1.2.3"}),
        numbered("Immunization", lotNumber="AB1234"),
        numbered("ImagingStudy", series=[{"uid": "1.2.840.99", "instance": [{"uid": "1.2.7"}]}]),
    )
    assert {value for _, value in values} == set(
        "00844588003288 (01)0084(21)S77K1 SN5521 L9001 D-4431 ACC-2231 CLM77120 PA551 55120031 "
        "3f6d2c1a-88aa V-100231 W221 GRP-12 REQ-8821 1.2.3 AB1234 1.2.840.99 1.2.7".split()
    )
    assert ("DEVICE_ID", "SN5521") in values
    assert ("ACCOUNT_NUMBER", "55120031") in values


def test_an_id_that_describes_is_not_taken_for_somebodys_number() -> None:
    ids = ("blood-pressure-1", "example", "obs-2", "condition-hypertension-12")
    assert _values(*({"resourceType": "Observation", "id": each} for each in ids)) == set()


def test_definitions_belong_to_nobody() -> None:
    library = {"resourceType": "ValueSet", "id": "20240101", "identifier": [{"value": "VS-1001"}]}
    assert _values(library) == set()


def test_dates_of_birth_and_death_are_read_as_precise_as_they_are() -> None:
    assert _values(
        {
            "resourceType": "Patient",
            "birthDate": "1931-05",
            "deceasedDateTime": "2019-02-03T10:00Z",
        },
        {"resourceType": "RelatedPerson", "birthDate": "1960"},
        {"resourceType": "FamilyMemberHistory", "bornDate": "1901-01-02"},
    ) == {
        ("DATE", "1931-05"),
        ("DATE", "2019-02-03T10:00Z"),
        ("DATE", "1960"),
        ("DATE", "1901-01-02"),
    }


def test_a_reference_by_urn_is_resolved_in_the_bundle_or_told_by_its_element() -> None:
    bundle = {
        "resourceType": "Bundle",
        "entry": [
            {"fullUrl": "urn:uuid:7", "resource": {"resourceType": "Practitioner", "id": "x"}},
            {
                "resource": {
                    "resourceType": "Encounter",
                    "participant": [
                        {"individual": {"reference": "urn:uuid:7", "display": "Dr. Irvin Emard"}},
                        {"individual": {"display": "Ludmila Quispe, MD"}},
                    ],
                    "serviceProvider": {"reference": "urn:uuid:9", "display": "Osprey Clinic"},
                    "diagnosis": [
                        {"condition": {"reference": "Condition/7", "display": "Asthma attack"}}
                    ],
                }
            },
        ],
    }
    assert _names(bundle) == {
        ("CLINICIAN", ("irvin",), ("emard",)),
        ("CLINICIAN", ("ludmila",), ("quispe",)),
    }
    assert ("ORGANIZATION", "Osprey Clinic") in _values(bundle)


def test_a_performer_with_an_institutions_name_is_an_organisation() -> None:
    report = {
        "resourceType": "DiagnosticReport",
        "performer": [{"display": "Quillmont Medical Laboratory"}],
    }
    assert _names(report) == set()
    assert _values(report) == {("ORGANIZATION", "Quillmont Medical Laboratory")}


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ({"given": ["Do"], "family": "Van"}, (("do",), ("van",))),
        ({"given": ["Van Anh"], "family": "Tran"}, (("van", "anh"), ("tran",))),
        ({"text": "Dr. Ann Lee, MD"}, (("ann",), ("lee",))),
        ({"text": "Lee, Ann"}, (("ann",), ("lee",))),
        ({"given": ["José"], "family": "García López"}, (("jose",), ("garcia", "lopez"))),
        ({"given": ["Jürgen"], "family": "Groß"}, (("juergen",), ("gross",))),
        ({"given": ["Éloïse"], "family": "de La Tour"}, (("eloise",), ("delatour",))),
    ],
)
def test_names_are_read_in_every_spelling(name: Any, read: Any) -> None:
    assert ("PATIENT", *read) in _names({"resourceType": "Patient", "name": [name]})


def test_a_persons_id_without_a_digit_is_a_word_and_stays() -> None:
    assert _values({"resourceType": "Patient", "id": "example"}) == set()


def test_no_insurance_is_no_organisation() -> None:
    payor = {"resourceType": "Coverage", "payor": [{"display": "NO_INSURANCE"}]}
    known = KnownIdentifiers.from_record([payor])
    assert not known.index.runs
