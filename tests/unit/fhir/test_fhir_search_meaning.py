"""What parameters, modifiers and controls mean, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import pytest
from support.fhir_store import fresh_store

from services.fhir.search.query import parse
from services.fhir.search.run import Found
from services.fhir.store import FhirStore

Resource = dict[str, Any]
LOINC = "http://loinc.org"
UCUM = {"system": "http://unitsofmeasure.org", "code": "mm[Hg]", "unit": "mmHg"}
MRN = {"system": "urn:mrn", "value": "7"}
NUMBER = {"system": "http://hl7.org/fhir/sid/us-npi", "value": "999"}


def coded(code: str, text: str | None = None, system: str = LOINC) -> Resource:
    concept: Resource = {"coding": [{"system": system, "code": code}]}
    return concept | ({"text": text} if text else {})


def observation(identity: str, **more: Any) -> Resource:
    base = {"resourceType": "Observation", "id": identity, "status": "final", "code": coded("x")}
    return base | more


def pressure(identity: str, systolic: float, diastolic: float) -> Resource:
    parts = [("8480-6", systolic), ("8462-4", diastolic)]
    component = [{"code": coded(c), "valueQuantity": {"value": v, **UCUM}} for c, v in parts]
    return observation(identity, code=coded("85354-9"), component=component)


def to(reference: str, **more: Any) -> Resource:
    return {"reference": reference, **more}


def resources() -> Iterator[Resource]:
    yield {
        "resourceType": "Patient",
        "id": "p",
        "gender": "female",
        "deceasedBoolean": False,
        "name": [{"family": "Quill", "given": ["Ada", "Maria"]}],
        "telecom": [{"system": "email", "value": "ada@example.org"},
                    {"system": "phone", "value": "555"}],
        "address": [{"line": ["12 Main St."], "city": "Springfield", "postalCode": "01101"}],
        "extension": [{"url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race",
                       "extension": [{"url": "ombCategory", "valueCoding": {
                           "system": "urn:oid:2.16.840.1.113883.6.238", "code": "2106-3"}},
                           {"url": "text", "valueString": "White"}]}],
    }  # fmt: skip
    yield {"resourceType": "Practitioner", "id": "d", "identifier": [NUMBER],
           "name": [{"family": "Door"}]}  # fmt: skip
    yield {"resourceType": "Organization", "id": "o", "name": "Ward", "alias": ["Wing B"]}
    yield {"resourceType": "PractitionerRole", "id": "r", "practitioner": to("Practitioner/d"),
           "organization": to("Organization/o")}  # fmt: skip
    yield {"resourceType": "Medication", "id": "m", "code": coded("1", "Aspirin"),
           "manufacturer": to("Organization/o")}  # fmt: skip
    yield {"resourceType": "MedicationRequest", "id": "mr", "status": "active", "intent": "order",
           "subject": to("Patient/p"), "medicationReference": to("Medication/m"),
           "requester": to("PractitionerRole/r")}  # fmt: skip
    yield pressure("high", 160, 70)
    yield pressure("crossed", 90, 160)
    yield observation("hba1c", code=coded("4548-4", "Haemoglobin A1c"), subject=to("Patient/p"),
                      valueQuantity={"value": 7.1, "unit": "%"},
                      performer=[to("Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|999")],
                      category=[coded("laboratory", system="urn:c")],
                      meta={"profile": ["http://example.org/profiles/lab|2.0"],
                            "tag": [{"system": "urn:t", "code": "a"}],
                            "security": [{"system": "urn:s", "code": "R"}],
                            "source": "http://example.org/a/b"})  # fmt: skip
    yield observation("named", valueCodeableConcept=coded("pos", "Positive Result"),
                      performer=[{"identifier": NUMBER, "display": "Dr Door"}],
                      subject=to("Patient/p", identifier=MRN))  # fmt: skip
    yield {"resourceType": "QuestionnaireResponse", "id": "q", "status": "completed",
           "questionnaire": "http://example.org/q|1.2", "authored": "2024-05-01T10:00:00Z",
           "subject": to("Patient/p")}  # fmt: skip
    yield {"resourceType": "ImagingStudy", "id": "i", "status": "available",
           "subject": to("Patient/p")}  # fmt: skip
    yield {"resourceType": "Basic", "id": "b", "code": coded("b"), "subject": to("Patient/p")}
    yield {"resourceType": "Provenance", "id": "v", "target": [to("Observation/hba1c")],
           "recorded": "2024-01-01T00:00:00Z",
           "agent": [{"who": to("Practitioner/d")}]}  # fmt: skip


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FhirStore]:
    with fresh_store(request, tmp_path_factory) as opened:
        report = opened.put_many(list(resources()))
        assert not report.rejected, report.rejected
        yield opened


def ask(store: FhirStore, query: str) -> Found:
    kind, _, rest = query.partition("?")
    return store.find(parse(kind, parse_qsl(rest)))


MEANING = [
    ("Patient?name=qui", "p"),
    ("Patient?name=Mar", "p"),
    ("Patient?name:exact=quill", ""),
    ("Patient?name:exact=Quill", "p"),
    ("Patient?name:contains=UIL", "p"),
    ("Patient?given=Ada&given=Maria", "p"),
    ("Patient?given=Ada,Zoe", "p"),
    ("Patient?gender=http://hl7.org/fhir/administrative-gender|female", "p"),
    ("Patient?gender=|female", ""),
    ("Patient?deceased=false", "p"),
    ("Patient?email=ada@example.org", "p"),
    ("Patient?email=555", ""),
    ("Patient?telecom=555", "p"),
    ("Patient?address=12 main st", "p"),
    ("Patient?address-postalcode=011", "p"),
    ("Patient?race=2106-3", "p"),
    ("Patient?birthdate:missing=true", "p"),
    ("Patient?general-practitioner:missing=false", ""),
    ("Organization?name=wing", "o"),
    ("Observation?code:text=haemo", "hba1c"),
    ("Observation?code:text=A1", "hba1c"),
    ("Observation?value-concept:text=result", "named"),
    ("Observation?value-string=positive", "named"),
    ("Observation?code:not=4548-4&subject=p", "named"),
    ("Observation?combo-code=8480-6", "crossed high"),
    ("Observation?component-code-value-quantity=8480-6$gt140", "high"),
    (f"Observation?component-code-value-quantity={LOINC}|8462-4$gt140", "crossed"),
    ("Observation?component-code-value-quantity=|8462-4$gt140", ""),
    ("Observation?component-code-value-quantity=8480-6$gt140||mm[Hg]", "high"),
    ("Observation?component-code-value-quantity=8480-6$gt140||kPa", ""),
    ("Observation?combo-code-value-quantity=8480-6$lt100,4548-4$gt7", "crossed hba1c"),
    ("Observation?code-value-quantity=4548-4$7.1", "hba1c"),
    ("Observation?code-value-concept=x$pos", "named"),
    ("Observation?value-quantity=7.1||%", "hba1c"),
    ("Observation?value-quantity=7", "hba1c"),
    ("Observation?value-quantity=7.0", ""),
    ("Observation?value-quantity=ap7", "hba1c"),
    ("Observation?component-value-quantity=160|http://unitsofmeasure.org|mm[Hg]", "crossed high"),
    ("Observation?combo-value-quantity:missing=true", "named"),
    ("Observation?_profile=http://example.org/profiles/lab|2.0", "hba1c"),
    ("Observation?_profile:below=http://example.org/profiles", "hba1c"),
    ("Observation?_source:above=http://example.org/a/b/c", "hba1c"),
    ("Observation?_source:below=http://example.org/a/bb", ""),
    ("Observation?_tag=urn:t|a&_security=R", "hba1c"),
    ("Observation?performer=Practitioner/d", "hba1c named"),
    ("Observation?performer=d&code=4548-4", ""),
    ("Observation?performer:Practitioner=d", "hba1c named"),
    ("Observation?performer:Practitioner.name=door", "hba1c named"),
    ("Observation?performer:identifier=http://hl7.org/fhir/sid/us-npi|999", "hba1c named"),
    ("Observation?performer:identifier=999", "hba1c named"),
    ("Observation?subject:identifier=urn:mrn|7", "named"),
    ("Observation?patient.name=quill", "hba1c named"),
    ("Observation?patient.gender:not=male&code=4548-4", "hba1c"),
    ("Observation?_has:Provenance:target:agent=d", "hba1c"),
    ("Practitioner?_has:Observation:performer:code=4548-4", "d"),
    ("Practitioner?_has:PractitionerRole:practitioner:organization.name=ward", "d"),
    ("Patient?_has:Observation:patient:performer:Practitioner.name=door", "p"),
    ("MedicationRequest?requester:PractitionerRole.practitioner.family=door", "mr"),
    ("MedicationRequest?medication.code:text=aspirin", "mr"),
    ("QuestionnaireResponse?questionnaire=http://example.org/q", "q"),
    ("QuestionnaireResponse?questionnaire=http://example.org/q|1.2", "q"),
    ("QuestionnaireResponse?questionnaire=http://example.org/q|1", ""),
    ("Basic?patient=p&code=b", "b"),
    ("Observation?_lastUpdated=gt2020-01-01", "crossed hba1c high named"),
    ("Observation?_lastUpdated=lt2020-01-01", ""),
    ("Observation?_lastUpdated=ne2020-01-01&_id=high,named,nobody", "high named"),
]


@pytest.mark.parametrize(("query", "ids"), MEANING)
def test_a_search_finds_what_it_means(store: FhirStore, query, ids):
    assert sorted(entry.id for entry in ask(store, query).entries) == ids.split()


ORDER = "MedicationRequest?_include=MedicationRequest:"
INCLUDES = [
    ("MedicationRequest?_include=MedicationRequest:medication", "Medication/m"),
    ("MedicationRequest?_include=MedicationRequest:subject:Patient", "Patient/p"),
    ("MedicationRequest?_include=MedicationRequest:subject:Group", ""),
    (f"{ORDER}requester&_include:iterate=PractitionerRole:practitioner",
     "Practitioner/d PractitionerRole/r"),
    (f"{ORDER}medication&_include=PractitionerRole:practitioner", "Medication/m"),
    (f"{ORDER}medication&_include:iterate=Medication:manufacturer",
     "Medication/m Organization/o"),
    ("Observation?code=4548-4&_include=Observation:performer", "Practitioner/d"),
    ("Observation?_id=named&_include=Observation:performer", "Practitioner/d"),
    ("Observation?code=4548-4&_revinclude=Provenance:target", "Provenance/v"),
    ("Practitioner?_revinclude=Observation:performer", "Observation/hba1c Observation/named"),
    ("Observation?code=4548-4&_revinclude=Provenance:target&_include:iterate=Provenance:agent",
     "Practitioner/d Provenance/v"),
    ("Patient?_revinclude=ImagingStudy:patient&_revinclude=Basic:subject",
     "Basic/b ImagingStudy/i"),
    ("Patient?name=nobody&_revinclude=*", ""),
]  # fmt: skip


@pytest.mark.parametrize(("query", "wanted"), INCLUDES)
def test_what_comes_along_is_what_the_rules_say(store: FhirStore, query, wanted):
    found = ask(store, query)
    assert sorted(f"{e.type}/{e.id}" for e in found.included) == wanted.split()
    assert not found.cut


def test_what_is_a_match_does_not_come_along_as_well(store: FhirStore):
    found = ask(store, "Organization?_include=*&_revinclude=*&_revinclude:iterate=*")
    keys = [(e.type, e.id) for e in (*found.entries, *found.included)]
    assert len(keys) == len(set(keys))


def test_more_than_can_come_along_is_cut_and_said(store: FhirStore, monkeypatch):
    monkeypatch.setattr("services.fhir.search.include.MAX_INCLUDED", 2)
    found = ask(store, "Patient?_revinclude=*")
    assert (len(found.included), found.cut) == (2, True)
