"""Types, cardinality, targets and contained resources: what a refusal names, and what is taken."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from services.fhir.validate import faults, type_names
from services.fhir.validate.primitives import CHECKS, MAX_CHARS, rule_broken

PATIENT: dict[str, Any] = {"resourceType": "Patient", "id": "a"}
OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "a",
    "status": "final",
    "code": {"text": "x"},
}
INNER = {"resourceType": "Patient", "id": "p"}
ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
UNKNOWN = {"extension": [{"url": ABSENT, "valueCode": "unknown"}]}

BROKEN = [
    ({**PATIENT, "name": []}, "Patient.name", "ele-1"),
    ({**PATIENT, "name": [{}]}, "Patient.name[0]", "ele-1"),
    ({**PATIENT, "maritalStatus": {}}, "Patient.maritalStatus", "ele-1"),
    ({**PATIENT, "language": ""}, "Patient.language", "ele-1"),
    ({**PATIENT, "birthDate": None}, "Patient.birthDate", "null"),
    ({**PATIENT, "name": [None]}, "Patient.name[0]", "null"),
    ({**PATIENT, "name": [{"given": [None]}]}, "Patient.name[0].given[0]", "null"),
    ({**PATIENT, "name": [{"given": ["x", None]}]}, "Patient.name[0].given[1]", "null"),
    (
        {**PATIENT, "name": [{"given": [None, "x"], "_given": [None, UNKNOWN]}]},
        "Patient.name[0].given[0]",
        "null",
    ),
    (
        {**PATIENT, "name": [{"given": ["x"], "_given": [None, UNKNOWN]}]},
        "Patient.name[0]._given",
        "more items",
    ),
    ({**PATIENT, "name": [{"_given": [None]}]}, "Patient.name[0]._given[0]", "both sides"),
    ({**PATIENT, "_birthDate": "x"}, "Patient._birthDate", "object"),
    ({**PATIENT, "_birthDate": {"value": "x"}}, "Patient._birthDate.value", "not an element"),
    ({**PATIENT, "_name": [UNKNOWN]}, "Patient._name", "not an element"),
    ({**PATIENT, "birthDate": ["2020"]}, "Patient.birthDate", "string"),
    ({**PATIENT, "maritalStatus": [{"text": "x"}]}, "Patient.maritalStatus", "object"),
    ({**PATIENT, "maritalStatus": "x"}, "Patient.maritalStatus", "object"),
    ({**PATIENT, "photo": [{"contentType": "jpg"}]}, "Patient.photo[0].contentType", "MIME type"),
    ({**PATIENT, "fhir_comments": ["x"]}, "Patient.fhir_comments", "not an element"),
    ({**PATIENT, "maritalStatus": {"resourceType": "x"}}, "Patient.maritalStatus.resourceType", ""),
    (
        {**PATIENT, "deceasedBoolean": True, "_deceasedDateTime": UNKNOWN},
        "Patient.deceased",
        "more than one",
    ),
    (
        {
            "resourceType": "MedicationRequest",
            "id": "a",
            "status": "active",
            "intent": "order",
            "subject": {"reference": "Patient/p"},
        },
        "MedicationRequest.medication",
        "is required",
    ),
    (
        {
            **PATIENT,
            "extension": [
                {"valueCodeableReference": {"concept": {"text": "x"}}, "url": "http://example.org"}
            ],
        },
        "Patient.extension[0].valueCodeableReference",
        "not an element of R4",
    ),
    (
        {**OBSERVATION, "subject": {"reference": "Observation/b"}},
        "Observation.subject.reference",
        "reference target",
    ),
    (
        {**OBSERVATION, "subject": {"reference": "https://ehr.example.org/r4/Practitioner/b"}},
        "Observation.subject.reference",
        "reference target",
    ),
    (
        {**OBSERVATION, "subject": {"reference": "Practitioner/b/_history/2"}},
        "Observation.subject.reference",
        "reference target",
    ),
    (
        {**OBSERVATION, "subject": {"reference": "Practitioner?identifier=http://x|1"}},
        "Observation.subject.reference",
        "reference target",
    ),
    (
        {**OBSERVATION, "subject": {"type": "Practitioner", "display": "x"}},
        "Observation.subject.reference",
        "reference target",
    ),
    (
        {**OBSERVATION, "subject": {"reference": "Patient/a", "type": "Group"}},
        "Observation.subject.reference",
        "another type",
    ),
    ({**OBSERVATION, "subject": {"reference": "a"}}, "Observation.subject.reference", "ref-1"),
    (
        {**OBSERVATION, "subject": {"reference": "Nonsense/a"}},
        "Observation.subject.reference",
        "ref-1",
    ),
    ({**OBSERVATION, "subject": {"reference": "#p"}}, "Observation.subject.reference", "ref-1"),
    ({**OBSERVATION, "subject": {"reference": "#"}}, "Observation.subject.reference", "ref-1"),
    (
        {
            **OBSERVATION,
            "contained": [{"resourceType": "Practitioner", "id": "p"}],
            "subject": {"reference": "#p"},
        },
        "Observation.subject.reference",
        "reference target",
    ),
    ({**OBSERVATION, "contained": [INNER]}, "Observation.contained[0]", "dom-3"),
    (
        {**OBSERVATION, "contained": [{"resourceType": "Patient"}]},
        "Observation.contained[0].id",
        "dom-3",
    ),
    (
        {**OBSERVATION, "contained": [INNER, INNER], "subject": {"reference": "#p"}},
        "Observation.contained[1].id",
        "another contained",
    ),
    (
        {
            **OBSERVATION,
            "contained": [{**INNER, "contained": [INNER]}],
            "subject": {"reference": "#p"},
        },
        "Observation.contained[0].contained",
        "dom-2",
    ),
    (
        {
            **OBSERVATION,
            "contained": [{**INNER, "meta": {"versionId": "1"}}],
            "subject": {"reference": "#p"},
        },
        "Observation.contained[0].meta.versionId",
        "dom-4",
    ),
    (
        {
            **OBSERVATION,
            "contained": [{**INNER, "meta": {"security": [{"code": "R"}]}}],
            "subject": {"reference": "#p"},
        },
        "Observation.contained[0].meta.security",
        "dom-5",
    ),
    (
        {**OBSERVATION, "contained": [{"resourceType": "x", "id": "p"}]},
        "Observation.contained[0]",
        "resource of R4",
    ),
    ({**OBSERVATION, "contained": ["x"]}, "Observation.contained[0]", "resource of R4"),
    (
        {
            "resourceType": "Bundle",
            "id": "a",
            "type": "collection",
            "entry": [{"resource": {"resourceType": "Patient", "gender": "f"}}],
        },
        "Bundle.entry[0].resource.gender",
        "value set",
    ),
    (
        {
            "resourceType": "Bundle",
            "id": "a",
            "type": "collection",
            "entry": [{"resource": {"resourceType": "Nonsense"}}],
        },
        "Bundle.entry[0].resource.resourceType",
        "must name",
    ),
]

SOUND = [
    {**PATIENT, "_birthDate": UNKNOWN, "name": [{"_family": UNKNOWN}]},
    {**PATIENT, "name": [{"given": ["x", None], "_given": [None, UNKNOWN]}]},
    {**PATIENT, "name": [{"given": ["x", "y"], "_given": [UNKNOWN]}]},
    {**PATIENT, "extension": [{"url": "http://example.org", "_valueString": UNKNOWN}]},
    {**PATIENT, "modifierExtension": [{"url": "urn:oid:1.2", "valueBoolean": False}]},
    {**PATIENT, "deceasedBoolean": False, "_deceasedBoolean": UNKNOWN},
    {**OBSERVATION, "_status": UNKNOWN, "status": "final"},
    {k: v for k, v in {**OBSERVATION, "_status": UNKNOWN}.items() if k != "status"},
    {**OBSERVATION, "valueQuantity": {"value": Decimal("1.50")}},
    *(
        {**OBSERVATION, "subject": {"reference": reference}}
        for reference in (
            "Patient/a",
            "Patient/a/_history/1",
            "http://ehr.example.org/fhir/Patient/a",
            "https://ehr.example.org/fhir/Unheard/a",
            "urn:uuid:2f8bd1c4-1f1e-4a5c-8d2f-6a3f0c5b7e11",
            "urn:oid:1.2.3",
            "Patient?identifier=http://example.org/mrn|1 2",
        )
    ),
    {**OBSERVATION, "subject": {"identifier": {"value": "x"}, "type": "Patient"}},
    {**OBSERVATION, "subject": {"display": "somebody"}},
    {**OBSERVATION, "subject": {"type": "http://example.org/logical", "display": "x"}},
    {**OBSERVATION, "contained": [INNER], "subject": {"reference": "#p"}},
    {
        **OBSERVATION,
        "contained": [
            {
                "resourceType": "Provenance",
                "id": "v",
                "target": [{"reference": "#"}],
                "recorded": "2020-01-01T00:00:00Z",
                "agent": [{"who": {"display": "x"}}],
            }
        ],
    },
    {
        **PATIENT,
        "contained": [{"resourceType": "Basic", "id": "b", "code": {"text": "x"}}],
        "extension": [{"url": "http://example.org", "valueUri": "#b"}],
    },
    {
        "resourceType": "Parameters",
        "id": "a",
        "parameter": [{"name": "x", "resource": {"resourceType": "Patient"}}],
    },
]

FORMS = {
    "MIME type": (
        ["text/plain", "text/plain; charset=utf-8", "application/fhir+json;fhirVersion=4.0"],
        ["pdf", "text plain", "text/", "/x", "text/plain;", ""],
    ),
    "base64Binary": (["eA==", "e A\n= ="], ["", "eA", "e*==", 5]),
    "boolean": ([True, False], [1, "true"]),
    "canonical": (["http://example.org/x|1.0", "#x"], ["a b", ""]),
    "code": (["a", "a b", "<="], ["a  b", " a", "a ", "a\n"]),
    "currency": (["USD", "EUR"], ["usd", "dollars", "US", ""]),
    "date": (
        ["2020", "2020-02", "2020-02-29", "0001"],
        [
            "2023-02-29",
            "2023-02-30",
            "2020-13",
            "2020-1-1",
            "20",
            "0000",
            "2020-04-31",
            "2020-01-01T00:00:00Z",
            "٢٠٢٠",
            2020,
        ],
    ),
    "dateTime": (
        ["2020", "2020-02-29T23:59:60Z", "2020-01-01T00:00:00.123+14:00"],
        [
            "2020-01-01T00:00:00",
            "2020-01-01T24:00:00Z",
            "2020-01-01T10:00Z",
            "2020-01T10:00:00Z",
            "2023-02-29T10:00:00Z",
            "2020-01-01T00:00:00+15:00",
            "2020-01-01 00:00:00Z",
        ],
    ),
    "decimal": ([0, -1, 1.5, Decimal("1.50")], ["1.5", True, float("inf"), float("nan")]),
    "id": (["a", "A-1.b", "a" * 64], ["a_b", "a" * 65, "", "a/b", "a\n"]),
    "instant": (
        ["2020-01-01T00:00:00Z", "2020-01-01T00:00:00.824-05:00"],
        ["2020-01-01", "2020", "2020-01-01T00:00:00", "2021-02-29T00:00:00Z"],
    ),
    "integer": ([0, -2147483648, 2147483647], [2147483648, 1.0, 1.5, "1", True]),
    "markdown": (["# x\n\ty"], ["", "\x00", 5]),
    "oid": (["urn:oid:1.2.3"], ["1.2.3", "urn:oid:1.02", "urn:oid:3.1"]),
    "positiveInt": ([1, 2147483647], [0, -1, 2147483648, 1.5]),
    "string": (["x", "a\tb\r\nc", "é"], ["", "\x00", "\x1b", "\ud800", 5, None]),
    "time": (["00:00:00", "23:59:59.5"], ["24:00:00", "10:00", "10:00:00Z", "1:00:00"]),
    "unsignedInt": ([0, 2147483647], [-1, 2147483648, "0"]),
    "uri": (["urn:x", "http://example.org/é"], ["a b", "a\tb", ""]),
    "url": (["http://example.org"], ["http://a b", ""]),
    "uuid": (
        ["urn:uuid:2f8bd1c4-1f1e-4a5c-8d2f-6a3f0c5b7e11"],
        ["2f8bd1c4-1f1e-4a5c-8d2f-6a3f0c5b7e11", "urn:uuid:x"],
    ),
    "xhtml": (["<div/>"], ["", 5]),
}


@pytest.mark.parametrize(("resource", "element", "rule"), BROKEN)
def test_a_fault_of_structure_is_named_with_its_element(
    resource: Any, element: str, rule: str
) -> None:
    found = faults(resource)
    assert element in [fault.element for fault in found]
    assert rule in " ".join(fault.rule for fault in found if fault.element == element)


@pytest.mark.parametrize("resource", SOUND)
def test_what_real_servers_send_is_taken(resource: Any) -> None:
    assert faults(resource) == ()


@pytest.mark.parametrize("kind", sorted(CHECKS))
def test_a_primitive_value_has_the_form_of_its_type(kind: str) -> None:
    good, bad = FORMS[kind]
    assert [value for value in good if rule_broken(kind, value)] == []
    assert [value for value in bad if not rule_broken(kind, value)] == []


def test_a_string_may_have_a_million_characters_and_no_more() -> None:
    assert rule_broken("string", "x" * MAX_CHARS) is None
    assert rule_broken("markdown", "x" * (MAX_CHARS + 1)) == "is longer than 1 MB"


@pytest.mark.parametrize("resource", [None, [], "x", 5, {}, {"resourceType": ["Patient"]}])
def test_what_is_no_resource_is_refused_without_an_error(resource: Any) -> None:
    assert [fault.element for fault in faults(resource)] == ["resourceType"]


def test_a_resource_that_gets_its_id_from_the_server_needs_none() -> None:
    assert faults({"resourceType": "Patient"}, identified=False) == ()
    assert faults({"resourceType": "Patient"}) != ()


@pytest.mark.parametrize("key", ["extension", "contained", "item"])
def test_deep_nesting_is_refused_and_does_not_exhaust_the_stack(key: str) -> None:
    kind = "Questionnaire" if key == "item" else "Patient"
    node: Any = {"url": "http://example.org", "valueString": "x", "resourceType": kind}
    for _ in range(900):
        node = {"url": "http://example.org", "resourceType": kind, "linkId": "1", key: [node]}
    assert faults({"resourceType": kind, "id": "a", "status": "draft", key: [node]})


def test_a_flood_of_faults_ends_early() -> None:
    assert len(faults({**PATIENT, "name": [{"use": "x"}] * 100_000})) == 20


def test_names_of_types_that_are_not_stored_may_be_named() -> None:
    assert {"MedicinalProduct", "Resource", "Patient"} <= type_names()


def test_faults_of_any_kind_can_be_written_down() -> None:
    for resource, _, _ in BROKEN:
        assert json.dumps([str(fault) for fault in faults(resource)])
