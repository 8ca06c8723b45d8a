"""The store: what goes in comes back, is found, and stays together."""

from __future__ import annotations

import json
import string
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.fhir import jsontext
from services.fhir.errors import FhirInvalidError, FhirParameterError, FhirUnknownTypeError
from services.fhir.sandbox import generate, people
from services.fhir.store import FhirStore
from services.store.database import Database

SUBJECT = {"reference": "Patient/p"}


def patient(identity: str = "p") -> dict[str, Any]:
    return {"resourceType": "Patient", "id": identity, "gender": "female"}


def observation(identity: str, subject: str = "p", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": identity,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "4548-4"}]},
        "subject": {"reference": f"Patient/{subject}"},
        **more,
    }


def test_a_resource_comes_back_as_it_came(store: FhirStore):
    resource = observation("o", valueQuantity={"value": 7.1, "unit": "%"}, _status={"id": "s"})
    stored = store.put(resource)
    assert (stored.type, stored.id, stored.version) == ("Observation", "o", 1)
    assert store.read("Observation", "o") == resource


def test_text_is_kept_to_the_last_digit_and_space(store: FhirStore):
    text = (
        '{"id":"o", "resourceType" : "Observation","status":"final",'
        '"code":{"text":"\\u00e9"},"valueQuantity":{"value":1.50}}'
    )
    store.put(text)
    entry = store.entry("Observation", "o")
    assert entry is not None
    assert entry.text == text


def test_decimals_given_as_decimals_keep_their_digits(store: FhirStore):
    store.put(observation("o", valueQuantity={"value": Decimal("1.50")}))
    entry = store.entry("Observation", "o")
    assert entry is not None
    assert '"value":1.50' in entry.text


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1).filter(
    lambda t: t.strip() == t and t != ""
)
EXTENSION = st.recursive(
    st.builds(
        lambda url, key, value: {"url": f"http://example.org/{url}", key: value},
        st.text(string.ascii_lowercase, min_size=1, max_size=8),
        st.just("valueString"),
        TEXT,
    )
    | st.builds(
        lambda value: {"url": "http://example.org/d", "valueDecimal": value},
        st.decimals(-(10**6), 10**6, allow_nan=False, places=2),
    )
    | st.builds(
        lambda ms: {
            "url": "http://example.org/i",
            "valueInstant": f"2024-02-29T01:02:03.{ms:03d}Z",
        },
        st.integers(0, 999),
    ),
    lambda inner: st.builds(
        lambda parts: {"url": "http://example.org/n", "extension": parts},
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=8,
)


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(extensions=st.lists(EXTENSION, min_size=1, max_size=4))
def test_nested_json_with_decimals_and_instants_survives_unchanged(store: FhirStore, extensions):
    resource = {**patient(), "extension": extensions}
    store.put(resource)
    entry = store.entry("Patient", "p")
    assert entry is not None
    assert jsontext.loads_exact(entry.text) == resource
    assert jsontext.dumps(jsontext.loads_exact(entry.text)) == entry.text


SCALAR = st.none() | st.booleans() | st.integers() | TEXT
NUMBER = st.decimals(allow_nan=False, allow_infinity=False)


@given(
    st.recursive(
        SCALAR | NUMBER,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    )
)
def test_exact_json_is_its_own_inverse(value):
    assert jsontext.loads_exact(jsontext.dumps(value)) == value


@pytest.mark.parametrize(
    "text", ["{", "", "NaN", '{"a": Infinity}', "[" * 100_000, b"\xff\xfe", "5", "[]", "null"]
)
def test_what_is_not_a_json_resource_is_refused(store: FhirStore, text):
    with pytest.raises(FhirInvalidError):
        store.put(text)


def test_a_refused_resource_leaves_the_stored_one_alone(store: FhirStore):
    store.put(patient())
    with pytest.raises(FhirInvalidError, match=r"Patient\.gender"):
        store.put({**patient(), "gender": "zzz"})
    assert store.read("Patient", "p") == patient()


def test_a_change_makes_the_next_version_and_the_same_text_does_not(store: FhirStore):
    assert store.put(patient()).version == 1
    assert store.put(patient()).version == 1
    second = store.put({**patient(), "active": True})
    assert second.version == 2
    assert second.updated.utcoffset() is not None


def test_what_is_not_there_is_none_and_unknown_types_are_refused(store: FhirStore):
    assert store.read("Patient", "nobody") is None
    with pytest.raises(FhirUnknownTypeError):
        store.read("Nonsense", "x")
    with pytest.raises(FhirUnknownTypeError):
        store.search("Nonsense")


def test_many_are_written_and_the_refused_are_listed_with_reasons(store: FhirStore):
    seen: list[int] = []
    items = [patient(), {**patient("q"), "gender": "zzz"}, observation("o"), "{"]
    report = store.put_many(items, seen.append)
    assert report.loaded == {"Patient": 1, "Observation": 1}
    assert report.rejected[0] == ("item 2", "Patient.gender: is outside the required value set")
    assert report.rejected[1][0] == "item 4"
    assert (report.total, seen) == (2, [4])


def test_the_last_of_two_with_one_id_in_a_batch_wins(store: FhirStore):
    store.put_many([patient(), {**patient(), "active": True}])
    assert store.read("Patient", "p") == {**patient(), "active": True}


def test_search_pages_through_everything_once_and_in_order(store: FhirStore):
    store.put_many([patient(), *(observation(f"o{n:03d}") for n in range(23))])
    found, after = [], None
    while True:
        page = store.search("Observation", patient="p", count=5, after=after)
        assert page.total == 23
        found += [r["id"] for r in page.resources]
        after = page.next
        if after is None:
            break
    assert found == [f"o{n:03d}" for n in range(23)]


def test_search_combines_its_criteria(store: FhirStore):
    vital = {"category": [{"coding": [{"system": "urn:c", "code": "vital-signs"}]}]}
    store.put_many(
        [
            patient(),
            patient("q"),
            observation("a"),
            observation("b", **vital),
            observation("c", "q"),
        ]
    )
    ids = lambda **by: [r["id"] for r in store.search("Observation", **by).resources]  # noqa: E731
    assert ids(patient="p") == ["a", "b"]
    assert ids(patient="Patient/p", category="vital-signs") == ["b"]
    assert ids(code="http://loinc.org|4548-4") == ["a", "b", "c"]
    assert ids(code="urn:other|4548-4") == []
    assert ids(code="4548-4,zzz", ids=["c", "a", "nobody"]) == ["a", "c"]
    assert ids(patient="nobody") == []
    assert [r["id"] for r in store.search("Patient", patient="q").resources] == ["q"]


@pytest.mark.parametrize("by", [{"count": -1}, {"count": 501}, {"patient": "a b"}, {"code": "x|"}])
def test_a_criterion_that_cannot_be_used_is_refused(store: FhirStore, by):
    with pytest.raises(FhirParameterError):
        store.search("Observation", **by)


def test_an_updated_resource_is_no_longer_found_by_what_it_said_before(store: FhirStore):
    store.put_many([patient(), patient("q"), observation("o")])
    store.put(observation("o", "q"))
    assert store.search("Observation", patient="p").total == 0
    assert store.search("Observation", patient="q").total == 1


def test_everything_is_the_record_of_one_person_and_those_named_in_it(store: FhirStore):
    store.put_many(generate())
    record = store.everything("p06")
    references = {f"{r['resourceType']}/{r['id']}" for r in record}
    assert record[0]["id"] == "p06"
    assert {
        "Practitioner/dr-okafor",
        "Organization/org-clinic",
        "Location/loc-clinic",
    } <= references
    assert "Observation/p06-inr-3" in references
    assert "Appointment/p06-appointment-1" in references
    others = set(people()) - {"p06"}
    assert not [r for r in references if r.split("/")[1].split("-")[0] in others]
    assert len(references) == len(record)


def test_everything_of_nobody_is_empty(store: FhirStore):
    store.put(observation("o", "ghost"))
    assert store.everything("ghost") == []


def test_practitioners_are_found_by_the_identifier_of_a_conditional_reference(store: FhirStore):
    identifier = {"system": "http://hl7.org/fhir/sid/us-npi", "value": "999"}
    by_identifier = {"reference": "Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|999"}
    store.put_many(
        [
            patient(),
            {"resourceType": "Practitioner", "id": "d", "identifier": [identifier]},
            {"resourceType": "Practitioner", "id": "e"},
            observation("o", performer=[by_identifier]),
        ]
    )
    assert [r["id"] for r in store.everything("p")] == ["p", "o", "d"]


def test_another_person_who_is_only_linked_is_not_part_of_the_record(store: FhirStore):
    link = [{"other": {"reference": "Patient/p"}, "type": "seealso"}]
    group = {"resourceType": "Group", "id": "g", "type": "person", "actual": True,
             "member": [{"entity": SUBJECT}, {"entity": {"reference": "Patient/q"}}]}  # fmt: skip
    store.put_many([patient(), {**patient("q"), "link": link}, group])
    assert [r["id"] for r in store.everything("p")] == ["p"]
    assert not store.belongs("Patient", "q", "p")


def test_tables_are_made_by_migrations_and_migrating_again_is_harmless(database: Database):
    database.migrate("services.fhir")
    assert FhirStore(database).search("Patient").total == 0


def test_long_and_odd_codes_do_not_stop_a_resource(store: FhirStore):
    odd = {"coding": [{"code": "x" * 5000}, {"system": "urn:" + "y" * 5000, "code": "z"}]}
    reference = {"identifier": {"system": "urn:s" * 200, "value": "v"}}
    resource = observation("o", code=odd, performer=[reference])
    store.put(resource)
    assert json.dumps(store.read("Observation", "o")) == json.dumps(resource)
