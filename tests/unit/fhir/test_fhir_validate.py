"""Which resources are R4, and which element and rule a refusal names."""

from __future__ import annotations

import pytest

from services.fhir.errors import FhirInvalidError, FhirUnknownTypeError
from services.fhir.validate import check, require_type, resource_types

PATIENT = {"resourceType": "Patient", "id": "a"}
OBSERVATION = {
    "resourceType": "Observation",
    "id": "a",
    "status": "final",
    "code": {"text": "x"},
}
CONDITION = {"resourceType": "Condition", "id": "a", "subject": {"reference": "Patient/a"}}
ALLERGY = {
    "resourceType": "AllergyIntolerance",
    "id": "a",
    "patient": {"reference": "Patient/a"},
}
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"


def coded(system: str, code: str) -> dict[str, object]:
    return {"coding": [{"system": system, "code": code}]}


ALLERGY_ACTIVE = coded(
    "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "active"
)

BROKEN = [
    ({"id": "a"}, "resourceType", "must name"),
    ({"resourceType": "Nonsense", "id": "a"}, "resourceType", "must name"),
    ({"resourceType": "SubscriptionTopic", "id": "a"}, "resourceType", "must name"),
    ({"resourceType": "Resource", "id": "a"}, "resourceType", "must name"),
    ({"resourceType": "Patient"}, "Patient.id", "is required"),
    ({**PATIENT, "id": "has space"}, "Patient.id", "is required"),
    ({**PATIENT, "id": "a" * 65}, "Patient.id", "is required"),
    ({**PATIENT, "id": 5}, "Patient.id", "is required"),
    ({**PATIENT, "gender": "zzz"}, "Patient.gender", "outside the required value set"),
    ({**PATIENT, "contact": [{"gender": "F"}]}, "Patient.contact[0].gender", "outside"),
    ({**PATIENT, "name": [{"text": "y"}, {"use": "x"}]}, "Patient.name[1].use", "outside"),
    ({**PATIENT, "birthDate": "2020-13-45"}, "Patient.birthDate", "form"),
    ({**PATIENT, "unheardOf": 1}, "Patient.unheardOf", "is not an element"),
    ({**PATIENT, "name": {"family": "x"}}, "Patient.name", "must be an array"),
    ({**PATIENT, "name": [{"family": 5}]}, "Patient.name[0].family", "must be a string"),
    ({**PATIENT, "active": "true"}, "Patient.active", "true or false"),
    (
        {**PATIENT, "deceasedBoolean": True, "deceasedDateTime": "2020"},
        "Patient.deceased",
        "more than one",
    ),
    ({**OBSERVATION, "status": "done"}, "Observation.status", "outside"),
    ({k: v for k, v in OBSERVATION.items() if k != "status"}, "Observation.status", "is required"),
    ({k: v for k, v in OBSERVATION.items() if k != "code"}, "Observation.code", "is required"),
    ({**OBSERVATION, "issued": "2020-01-01"}, "Observation.issued", "form"),
    (
        {**OBSERVATION, "valueQuantity": {"value": "1.5"}},
        "Observation.valueQuantity.value",
        "number",
    ),
    (
        {**OBSERVATION, "valueString": "x", "dataAbsentReason": {"text": "y"}},
        "Observation.dataAbsentReason",
        "obs-6",
    ),
    (
        {**CONDITION, "clinicalStatus": coded(CLINICAL, "zzz")},
        "Condition.clinicalStatus",
        "value set",
    ),
    ({**CONDITION, "clinicalStatus": {"text": "on"}}, "Condition.clinicalStatus", "value set"),
    ({**CONDITION, "abatementDateTime": "2020"}, "Condition.clinicalStatus", "con-4"),
    (
        {
            **CONDITION,
            "clinicalStatus": coded(CLINICAL, "active"),
            "verificationStatus": coded(VERIFICATION, "entered-in-error"),
        },
        "Condition.clinicalStatus",
        "con-5",
    ),
    (ALLERGY, "AllergyIntolerance.clinicalStatus", "ait-1"),
    (
        {**ALLERGY, "clinicalStatus": ALLERGY_ACTIVE, "criticality": "severe"},
        "AllergyIntolerance.criticality",
        "outside",
    ),
    (
        {
            **CONDITION,
            "subject": {"reference": "#p"},
            "contained": [{"resourceType": "Patient", "id": "p", "gender": "m"}],
        },
        "Condition.contained[0].gender",
        "outside",
    ),
]

SOUND = [
    PATIENT,
    {**PATIENT, "gender": "unknown", "birthDate": "1950"},
    {**PATIENT, "_birthDate": {"extension": [{"url": "http://example.org/x", "valueCode": "u"}]}},
    {**OBSERVATION, "status": "corrected", "valueQuantity": {"value": 1.50}},
    {**OBSERVATION, "status": "entered-in-error"},
    {**CONDITION, "clinicalStatus": coded(CLINICAL, "resolved"), "abatementDateTime": "2020"},
    {**CONDITION, "verificationStatus": coded(VERIFICATION, "entered-in-error")},
    {**ALLERGY, "clinicalStatus": ALLERGY_ACTIVE},
    {
        "resourceType": "CapabilityStatement",
        "id": "a",
        "status": "active",
        "date": "2026",
        "kind": "instance",
        "fhirVersion": "4.0.1",
        "format": ["json", "application/fhir+json"],
        "implementation": {"description": "x"},
        "rest": [{"mode": "server"}],
    },
    {"resourceType": "Encounter", "id": "a", "status": "unknown", "class": {"code": "AMB"}},
]


@pytest.mark.parametrize(("resource", "element", "rule"), BROKEN)
def test_a_broken_rule_is_named_with_its_element(resource, element, rule):
    with pytest.raises(FhirInvalidError) as caught:
        check(resource)
    assert caught.value.faults[0].element == element
    assert rule in caught.value.faults[0].rule


@pytest.mark.parametrize("resource", SOUND)
def test_a_sound_resource_is_accepted(resource):
    check(resource)


def test_a_refusal_does_not_repeat_what_the_resource_says():
    secret = "Xanthippe-0147"  # a value that must not reach a log
    with pytest.raises(FhirInvalidError) as caught:
        check({**PATIENT, "gender": secret, "name": [{"use": secret, "family": secret}]})
    assert secret not in str(caught.value)
    with pytest.raises(FhirInvalidError) as caught:
        check({**PATIENT, "birthDate": secret, "name": secret, secret: 1})
    assert secret not in str(caught.value)


def test_at_most_twenty_faults_are_listed():
    with pytest.raises(FhirInvalidError) as caught:
        check({**PATIENT, "name": [{"use": "x"}] * 50})
    assert len(caught.value.faults) == 20


def test_types_of_r4_are_known_and_newer_ones_are_not():
    assert {"Patient", "Observation", "AuditEvent", "Provenance", "Task"} <= resource_types()
    assert not {"SubscriptionTopic", "NutritionProduct", "DomainResource"} & resource_types()
    with pytest.raises(FhirUnknownTypeError):
        require_type("patient")
