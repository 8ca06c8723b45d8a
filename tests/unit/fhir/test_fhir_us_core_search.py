"""Every search that the US Core guides (3.1.1 to 7.0.0) ask of a server for our types.

SHALL and SHOULD alike, parameters and combinations, as their CapabilityStatements list them.
"""

from __future__ import annotations

import pytest

from services.fhir.search.parameters import parameters
from services.fhir.search.query import parse

US_CORE = {
    "AllergyIntolerance": "patient, patient+clinical-status",
    "CarePlan": "patient+category, patient+category+status, patient+category+date, "
    "patient+category+status+date",
    "CareTeam": "patient, patient+status, patient+role, role, status",
    "Condition": "patient, patient+category, patient+clinical-status, patient+code, "
    "patient+onset-date, patient+abatement-date, patient+asserted-date, patient+recorded-date, "
    "patient+_lastUpdated, patient+category+clinical-status, patient+category+encounter, encounter",
    "Coverage": "patient",
    "Device": "patient, patient+type, patient+status",
    "DiagnosticReport": "patient, patient+category, patient+category+date, patient+code, "
    "patient+code+date, patient+status, patient+category+_lastUpdated",
    "DocumentReference": "_id, patient, patient+category, patient+category+date, patient+type, "
    "patient+type+period, patient+status, patient+period, custodian",
    "Encounter": "_id, patient, date+patient, class+patient, identifier, patient+type, "
    "patient+status, location+patient, patient+discharge-disposition, date+patient+_lastUpdated",
    "Goal": "patient, patient+lifecycle-status, patient+target-date, patient+description",
    "Immunization": "patient, patient+status, patient+date",
    "Location": "name, address, address-city, address-state, address-postalcode",
    "MedicationDispense": "patient, patient+status, patient+type, patient+status+type",
    "MedicationRequest": "patient+intent, patient+intent+status, patient+intent+encounter, "
    "patient+intent+authoredon",
    "Observation": "patient+category, patient+category+date, patient+code, patient+code+date, "
    "patient+category+status, patient+category+_lastUpdated",
    "Organization": "name, address",
    "Patient": "_id, identifier, name, birthdate+name, gender+name, birthdate+family, "
    "family+gender, death-date+family, given, family, gender, birthdate, race, ethnicity",
    "Practitioner": "_id, name, identifier",
    "PractitionerRole": "practitioner, specialty",
    "Procedure": "patient, patient+date, patient+status, patient+code+date",
    "Provenance": "target, patient",
    "QuestionnaireResponse": "_id, patient, patient+status, patient+_tag, patient+authored, "
    "patient+questionnaire",
    "RelatedPerson": "_id, patient, name, patient+name",
    "ServiceRequest": "_id, patient, patient+category, patient+category+authored, patient+code, "
    "patient+code+authored, patient+status",
    "Specimen": "_id, patient",
}
VALUES = {"date": "ge2020-01-01", "reference": "x", "canonical": "http://example.org/q|1"}
SEARCHES = [
    (kind, tuple(names.strip().split("+")))
    for kind, listed in US_CORE.items()
    for names in listed.split(",")
]
INCLUDES = [
    ("MedicationRequest", "_include", "MedicationRequest:medication"),
    ("MedicationDispense", "_include", "MedicationDispense:medication"),
    ("PractitionerRole", "_include", "PractitionerRole:practitioner"),
    ("PractitionerRole", "_include", "PractitionerRole:endpoint"),
    *((kind, "_revinclude", "Provenance:target") for kind in US_CORE if kind != "Provenance"),
]


@pytest.mark.parametrize(
    ("kind", "names"), SEARCHES, ids=lambda v: v if isinstance(v, str) else "+".join(v)
)
def test_a_search_of_us_core_is_understood(kind, names):
    own = parameters(kind)
    pairs = [(name, VALUES.get(own[name].kind, "x")) for name in names]
    query = parse(kind, pairs)
    assert len(query.criteria) == len(names)


@pytest.mark.parametrize(("kind", "control", "rule"), INCLUDES)
def test_what_us_core_has_come_along_does(kind, control, rule):
    assert len(parse(kind, [(control, rule)]).controls.includes) == 1
