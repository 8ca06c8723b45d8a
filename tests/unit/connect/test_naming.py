"""Two servers' ids are told apart, and references follow."""

from __future__ import annotations

from decimal import Decimal

import pytest

from compliance.errors import BadInputError
from patient_app.connect.naming import Naming
from patient_app.connect.person import own_id
from patient_app.connect.places import origins_of, places_of
from patient_app.errors import OtherPersonError

BASE = "https://ehr.example.org/fhir"


def test_a_resource_gets_an_id_of_its_place_and_its_references_follow():
    naming = Naming("abc", BASE, ("9", "p01"))
    given = {
        "resourceType": "Observation",
        "id": "1",
        "subject": {"reference": "Patient/9"},
        "performer": [{"reference": f"{BASE}/Practitioner/7"}, {"reference": "#x"}],
        "encounter": {"reference": "https://other.example.org/fhir/Encounter/1"},
        "valueQuantity": {"value": Decimal("1.5")},
    }
    assert naming.localised(given) == {
        "resourceType": "Observation",
        "id": "abc.1",
        "subject": {"reference": "Patient/p01"},
        "performer": [{"reference": "Practitioner/abc.7"}, {"reference": "#x"}],
        "encounter": {"reference": "https://other.example.org/fhir/Encounter/1"},
        "valueQuantity": {"value": 1.5},
    }


def test_long_ids_stay_within_what_fhir_allows_and_differ():
    naming = Naming("abc", BASE)
    one, two = naming.id("Observation", "x" * 64), naming.id("Observation", "x" * 63 + "y")
    assert len(one) <= 64
    assert one != two


def patient(id_, born="1980-02-03", family="Example"):
    return {"resourceType": "Patient", "id": id_, "birthDate": born, "name": [{"family": family}]}


def test_the_vaults_own_patient_counts_where_it_is_the_same_person():
    assert own_id(patient("9"), [patient("p01", family="EXAMPLE")], "abc.9") == "p01"
    assert own_id(patient("9"), [], "abc.9") == "abc.9"


@pytest.mark.parametrize(
    "other", [patient("9", born="1980-02-04"), patient("9", family="Other"), {"id": "9"}]
)
def test_another_persons_record_is_refused(other):
    with pytest.raises(OtherPersonError):
        own_id(other, [patient("p01")], "abc.9")


def test_places_are_read_from_one_setting():
    text = f"City Hospital|{BASE}/|mine; Lab|http://127.0.0.1:9/fhir|x|https://login.example.org"
    found = list(places_of(text).values())
    assert [(p.name, p.base, p.client_id) for p in found] == [
        ("City Hospital", BASE, "mine"),
        ("Lab", "http://127.0.0.1:9/fhir", "x"),
    ]
    assert origins_of(found) == [
        "http://127.0.0.1:9",
        "https://ehr.example.org",
        "https://login.example.org",
    ]


@pytest.mark.parametrize("text", ["x", "name|base|id", "name||id", "a|https://x.example.org/f|"])
def test_a_setting_that_cannot_be_read_is_said(text):
    with pytest.raises(BadInputError):
        places_of(text)


def test_what_is_here_word_for_word_keeps_its_id_and_references_to_it_do_too():
    naming = Naming("abc", BASE, known=frozenset({"Practitioner/7"}))
    given = {
        "resourceType": "Observation",
        "id": "1",
        "performer": [{"reference": "Practitioner/7"}, {"reference": "Practitioner/8"}],
    }
    assert naming.localised(given)["performer"] == [
        {"reference": "Practitioner/7"},
        {"reference": "Practitioner/abc.8"},
    ]
