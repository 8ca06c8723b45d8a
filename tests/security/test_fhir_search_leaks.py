"""Searches that try to tell of what the caller may not read: by content, by count, by order.

Two people, Ada and Bea. Callers may read Ada's record: by a token that is bound to her, as a
clinician who treats her, or by scopes that let a part of each type out. Bea's is nobody's business
here, and no search may give away so much as that something matches in it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.fhir_store import fresh_store

from compliance.errors import CaretierError
from services.fhir.access import Access, ScopeError
from services.fhir.errors import FhirNotFoundError, FhirParameterError
from services.fhir.search.errors import FhirCursorError
from services.fhir.search.query import parse
from services.fhir.search.run import Found
from services.fhir.store import FhirStore

Resource = dict[str, Any]
FINAL = {"status": "final"}


class StrangerError(CaretierError):
    """The clinician does not treat this person."""


def only_ada(patient: str) -> None:
    if patient != "ada":
        raise StrangerError("not your patient")


BOUND = Access(patient="ada")
CLINICIAN = Access(relation=only_ada)


def reference(to: str) -> dict[str, str]:
    return {"reference": to}


def observation(identity: str, whose: str, code: str, **more: Any) -> Resource:
    coded = {"coding": [{"system": "http://loinc.org", "code": code}]}
    subject = reference(f"Patient/{whose}")
    base = {"resourceType": "Observation", "id": identity, **FINAL, "code": coded}
    return base | {"subject": subject} | more


def encounter(identity: str, whose: str, doctor: str) -> Resource:
    return {
        "resourceType": "Encounter",
        "id": identity,
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": reference(f"Patient/{whose}"),
        "participant": [{"individual": reference(f"Practitioner/{doctor}")}],
    }


def provenance(identity: str, *targets: Resource) -> Resource:
    return {
        "resourceType": "Provenance",
        "id": identity,
        "target": list(targets),
        "recorded": "2024-01-01T00:00:00Z",
        "agent": [{"who": reference("Practitioner/shared")}],
    }


def bea() -> Resource:
    return next(one for one in records() if one["id"] == "bea")


def records() -> Iterator[Resource]:
    for whose, family, doctor in (("ada", "Quill", "dee"), ("bea", "Wren", "eve")):
        yield {
            "resourceType": "Patient",
            "id": whose,
            "name": [{"family": family}],
            "generalPractitioner": [reference("Practitioner/shared")],
        }
        yield {"resourceType": "Practitioner", "id": doctor, "name": [{"family": f"Dr {doctor}"}]}
        yield encounter(f"{whose}-visit", whose, doctor)
        visit, performer = reference(f"Encounter/{whose}-visit"), reference("Practitioner/shared")
        yield observation(f"{whose}-hiv", whose, "75622-1", encounter=visit)
        yield observation(f"{whose}-a1c", whose, "4548-4", performer=[performer])
    yield {"resourceType": "Practitioner", "id": "shared", "name": [{"family": "Both"}]}
    # Ada's, but pointing into Bea's record: as a mistake or by somebody who wants to know
    yield observation("ada-bridge", "ada", "11111-1", encounter=reference("Encounter/bea-visit"),
                      hasMember=[reference("Observation/bea-hiv")],
                      focus=[reference("Patient/bea")])  # fmt: skip
    yield observation("bea-bridge", "bea", "22222-2", focus=[reference("Patient/ada")],
                      derivedFrom=[reference("Observation/ada-a1c")])  # fmt: skip
    for whose, more in (("ada", []), ("mixed", [reference("Observation/bea-a1c")])):
        yield provenance(f"{whose}-prov", reference("Observation/ada-a1c"), *more)
    yield provenance("bea-prov", reference("Observation/bea-hiv"), reference("Patient/bea"))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FhirStore]:
    with fresh_store(request, tmp_path_factory) as opened:
        assert not opened.put_many(list(records())).rejected
        yield opened


def ask(store: FhirStore, access: Access, query: str) -> Found:
    kind, _, rest = query.partition("?")
    pairs = [tuple(part.partition("=")[::2]) for part in rest.split("&")] if rest else []
    return store.find(parse(kind, pairs), access)  # type: ignore[arg-type]


def ids(found: Found) -> set[str]:
    return {f"{entry.type}/{entry.id}" for entry in (*found.entries, *found.included)}


def of_bea(found: Found) -> set[str]:
    return {one for one in ids(found) if "bea" in one or one == "Practitioner/eve"}


def named(query: str) -> str:
    """The query for a clinician, who has to name the chart."""
    return f"{query}{'&' if '?' in query else '?'}patient=ada"


READERS = [
    pytest.param(BOUND, lambda q: q, id="patient-bound"),
    pytest.param(CLINICIAN, named, id="clinician"),
]
Asks = Callable[[str], str]


@pytest.mark.parametrize(("access", "asking"), READERS)
@pytest.mark.parametrize(
    "rule",
    ["_include=Observation:encounter", "_include=Observation:has-member", "_include=*",
     "_include=Observation:focus", "_include=Observation:*&_include:iterate=Encounter:*",
     "_include:iterate=*"],
)  # fmt: skip
def test_include_does_not_leak_another_compartment(store: FhirStore, access, asking: Asks, rule):
    found = ask(store, access, asking(f"Observation?{rule}"))
    assert {"Observation/ada-bridge", "Observation/ada-hiv"} <= ids(found)
    assert not of_bea(found)


@pytest.mark.parametrize(("access", "asking"), READERS)
@pytest.mark.parametrize(
    "rule",
    ["_revinclude=Observation:derived-from", "_revinclude=*", "_revinclude=Observation:focus",
     "_revinclude:iterate=*", "_revinclude=Provenance:target"],
)  # fmt: skip
def test_revinclude_does_not_leak_another_compartment(store: FhirStore, access, asking: Asks, rule):
    found = ask(store, access, asking(f"Observation?{rule}"))
    assert "Observation/ada-a1c" in ids(found)
    assert not of_bea(found)


def test_revinclude_of_a_shared_practitioner_does_not_leak_who_else_is_seen(store: FhirStore):
    found = ask(store, BOUND, "Practitioner?_revinclude=Observation:performer&_revinclude=*")
    assert "Observation/ada-a1c" in ids(found)
    assert not of_bea(found)
    by_clinician = ask(store, CLINICIAN, "Practitioner?_revinclude=*")
    assert {one.split("/")[0] for one in ids(by_clinician)} == {"Practitioner"}


@pytest.mark.parametrize(("access", "asking"), READERS)
@pytest.mark.parametrize(
    "query",
    ["Observation?encounter.participant=Practitioner/eve", "Observation?focus:Patient.family=Wren",
     "Observation?has-member.code=75622-1", "Observation?encounter:Encounter._id=bea-visit",
     "Observation?encounter.subject:Patient.family=Wren", "Observation?focus:Patient._id=bea"],
)  # fmt: skip
def test_chained_search_does_not_tell_what_another_record_holds(
    store: FhirStore, access, asking: Asks, query
):
    found = ask(store, access, asking(query))
    assert (found.total, found.entries) == (0, ())
    assert ask(store, Access(), query).total


@pytest.mark.parametrize(("access", "asking"), READERS)
@pytest.mark.parametrize(
    "query",
    ["Observation?_has:Observation:derived-from:code=22222-2",
     "Observation?_has:Observation:derived-from:_has:Provenance:target:agent=Practitioner/shared"],
)  # fmt: skip
def test_has_does_not_tell_what_points_here_from_another_record(
    store: FhirStore, access, asking: Asks, query
):
    found = ask(store, access, asking(query))
    assert (found.total, found.entries) == (0, ())


def test_has_does_not_tell_what_points_at_the_patient_or_a_shared_practitioner(store: FhirStore):
    assert ask(store, Access(), "Patient?_has:Observation:focus:code=22222-2").total == 1
    assert ask(store, BOUND, "Patient?_has:Observation:focus:code=22222-2").total == 0
    assert ask(store, CLINICIAN, "Patient?_id=ada&_has:Observation:focus:code=22222-2").total == 0
    assert ask(store, BOUND, "Practitioner?_has:Encounter:practitioner:_id=bea-visit").total == 0
    query = "Practitioner?_has:Provenance:agent:target=Observation/bea-hiv"
    assert ask(store, Access(), query).total == 1
    assert ask(store, BOUND, query).total == 0


@pytest.mark.parametrize(("access", "asking"), READERS)
def test_a_provenance_comes_along_only_where_all_it_is_about_is_the_callers(
    store: FhirStore, access, asking: Asks
):
    found = ask(store, access, asking("Observation?code=4548-4&_revinclude=Provenance:target"))
    assert ids(found) == {"Observation/ada-a1c", "Provenance/ada-prov"}
    assert ids(ask(store, BOUND, "Provenance")) == {"Provenance/ada-prov"}
    assert store.owners([("Provenance", "mixed-prov")]) == {
        ("Provenance", "mixed-prov"): {"ada", "bea"}
    }


@pytest.mark.parametrize(
    "query",
    ["Practitioner?_has:Observation:performer:code=75622-1", "Observation", "Patient",
     "Patient?family=Wren", "Observation?patient.family=Wren", "Observation?subject.family=Quill",
     "Observation?patient=ada,bea", "Observation?patient=ada&patient=bea",
     "Observation?code=75622-1&_summary=count", "Patient?_id=ada,bea", "Encounter?_count=0",
     "Observation?subject:missing=false", "Provenance?target=Observation/bea-hiv"],
)  # fmt: skip
def test_a_clinician_asks_one_named_chart_and_no_other_way(store: FhirStore, query):
    with pytest.raises((FhirParameterError, StrangerError)):
        ask(store, CLINICIAN, query)


def test_a_clinician_cannot_name_a_stranger(store: FhirStore):
    for query in ("Observation?patient=bea", "Patient?_id=bea", "Encounter?subject=Patient/bea"):
        with pytest.raises(StrangerError):
            ask(store, CLINICIAN, query)


def test_a_patient_cannot_name_another(store: FhirStore):
    for query in ("Observation?patient=bea", "Encounter?subject=Patient/bea"):
        with pytest.raises(FhirNotFoundError):
            ask(store, BOUND, query)
    assert ask(store, BOUND, "Patient?_id=bea").total == 0
    assert ids(ask(store, BOUND, "Patient?_id=ada,bea")) == {"Patient/ada"}
    assert not of_bea(ask(store, BOUND, "Observation?patient=ada,bea"))


@pytest.mark.parametrize(("access", "asking"), READERS)
def test_the_total_counts_nothing_of_another_record(store: FhirStore, access, asking: Asks):
    assert ask(store, access, asking("Observation?_summary=count")).total == 3
    assert ask(store, access, asking("Observation?code=75622-1&_count=0")).total == 1
    assert ask(store, access, asking("Observation?code:not=75622-1&_count=0")).total == 2
    assert ask(store, access, asking("Observation?focus:missing=false&_count=0")).total == 1
    assert ask(store, access, asking("Encounter?_count=0")).total == 1
    assert ask(store, Access(), "Observation?_count=0").total == 6


def test_supporting_resources_of_another_record_are_neither_found_nor_counted(store: FhirStore):
    found = ask(store, BOUND, "Practitioner")
    assert ids(found) == {"Practitioner/dee", "Practitioner/shared"}
    assert found.total == 2
    assert ask(store, BOUND, "Practitioner?name=Dr").total == 1
    assert ask(store, BOUND, "Practitioner?_id=eve").total == 0


@pytest.mark.parametrize(("access", "asking"), READERS)
@pytest.mark.parametrize("key", ["subject", "-focus", "has-member", "encounter", "_lastUpdated"])
def test_sort_orders_by_what_is_the_callers_own(store: FhirStore, access, asking: Asks, key):
    before = [e.id for e in ask(store, access, asking(f"Observation?_sort={key}")).entries]
    store.put(observation("bea-hiv", "bea", "75622-1", issued="1999-01-01T00:00:00Z"))
    store.put({**bea(), "name": [{"family": "Aaa"}]})
    after = [e.id for e in ask(store, access, asking(f"Observation?_sort={key}")).entries]
    store.put(bea())
    assert before == after
    assert set(before) == {"ada-hiv", "ada-a1c", "ada-bridge"}


NARROW = Access(
    patient="ada",
    queries=lambda kind, _: ("code=http://loinc.org|4548-4",) if kind == "Observation" else (),
)


def test_a_granular_scope_narrows_matches_includes_chains_and_counts(store: FhirStore):
    assert ids(ask(store, NARROW, "Observation")) == {"Observation/ada-a1c"}
    assert ask(store, NARROW, "Observation?_summary=count").total == 1
    assert ask(store, NARROW, "Observation?code=75622-1").total == 0
    found = ask(store, NARROW, "Encounter?_revinclude=Observation:encounter")
    assert ids(found) == {"Encounter/ada-visit"}
    assert ask(store, NARROW, "Encounter?_has:Observation:encounter:code=75622-1").total == 0
    found = ask(store, NARROW, "Practitioner?_revinclude=Observation:performer")
    assert "Observation/ada-a1c" in ids(found)


def test_a_granular_scope_that_is_not_understood_lets_nothing_out(store: FhirStore):
    for text in ("codee=x", "code=", "subject:Patient.family=Wren", "_count=5", "", "code",
                 "_has:Provenance:target:agent=x", "_include=Observation:subject"):  # fmt: skip
        odd = Access(queries=lambda _kind, _letter, text=text: (text,))
        assert ask(store, odd, "Observation").total == 0, text


def test_a_type_outside_of_the_scopes_is_neither_stepped_over_nor_included(store: FhirStore):
    few = Access(patient="ada", allows=lambda kind, letter: kind == "Observation" and letter == "s")
    assert ids(ask(store, few, "Observation?_include=*&_revinclude=*")) == {
        "Observation/ada-hiv", "Observation/ada-a1c", "Observation/ada-bridge",
    }  # fmt: skip
    for query in ("Encounter", "Observation?encounter.status=finished",
                  "Observation?_has:Provenance:target:agent=Practitioner/shared"):  # fmt: skip
        with pytest.raises(ScopeError):
            ask(store, few, query)


def test_a_cursor_of_one_caller_does_not_widen_the_view_of_another(store: FhirStore):
    everybody = ask(store, Access(), "Observation?_count=1")
    assert everybody.next is not None
    page = store.find(everybody.next, BOUND)
    assert not of_bea(page)
    assert page.total == 3
    with pytest.raises(FhirParameterError):
        store.find(everybody.next, CLINICIAN)
    of_bea_alone = ask(store, Access(), "Observation?patient=bea&_count=1").next
    assert of_bea_alone is not None
    with pytest.raises(FhirNotFoundError):
        store.find(of_bea_alone, BOUND)


def test_a_cursor_that_was_changed_or_comes_from_elsewhere_is_refused(store: FhirStore):
    cursor = ask(store, BOUND, "Observation?_count=1").next
    assert cursor is not None
    turned = cursor[:30] + ("A" if cursor[30] != "A" else "B") + cursor[31:]
    for text in (cursor[:-4], turned, "x", "", "é", "A" * 200, cursor + "AAAA"):
        with pytest.raises(FhirCursorError):
            store.find(text, BOUND)


def test_a_cursor_does_not_show_what_was_searched(store: FhirStore):
    cursor = ask(store, BOUND, "Observation?code=75622-1,4548-4&_count=1").next
    assert cursor is not None
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    assert b"75622" not in raw
