"""Who may write what: scopes by letter, one person's record, treatment, and the audit trail."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from compliance.errors import CaretierError
from services.fhir._prepare import prepare
from services.fhir.access import Access, Change, Disclosure
from services.fhir.errors import FhirMethodError
from services.fhir.routes import router, unmatched
from services.fhir.store import FhirStore

JSON = {"content-type": "application/fhir+json"}
PATCH = {"content-type": "application/json-patch+json"}
SECRET = "Zebediah"


class NoTreatmentError(CaretierError):
    kind = "no-treatment-relation"
    status = 403


@dataclass
class Trail:
    changes: list[Change] = field(default_factory=list)
    disclosures: list[Disclosure] = field(default_factory=list)


@pytest.fixture
def trail() -> Trail:
    return Trail()


@pytest.fixture
def store(database) -> FhirStore:
    made = FhirStore(database)
    made.put_many(
        [
            {"resourceType": "Patient", "id": "a", "gender": "female"},
            {"resourceType": "Patient", "id": "b", "name": [{"family": SECRET}]},
            observation("oa", "a"),
            observation("ob", "b", note=[{"text": SECRET}]),
            {"resourceType": "Practitioner", "id": "d"},
            {"resourceType": "Basic", "id": "shared", "code": {"text": "x"}},
        ]
    )
    return made


@pytest.fixture
def enter(store, trail):
    """A client with some letters, and what else its access has."""

    def make(letters: str, **more: Any) -> TestClient:
        access = Access(
            **{
                "allows": lambda _kind, letter: letter in letters,
                "change": lambda *changes: trail.changes.extend(changes),
                "disclose": trail.disclosures.append,
                **more,
            }
        )
        app = FastAPI()
        app.include_router(router(lambda: store, lambda: access))
        app.include_router(unmatched())
        return TestClient(app, headers=JSON)

    return make


def observation(identity: str | None, subject: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        **({"id": identity} if identity else {}),
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": f"Patient/{subject}"},
        **more,
    }


def entry(method: str, url: str, resource: Any = None) -> dict[str, Any]:
    return {"request": {"method": method, "url": url}} | (
        {} if resource is None else {"resource": resource}
    )


def bundle(*entries: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}


ASKED = {
    "c": ("POST", "/fhir/Observation", observation(None, "a"), JSON),
    "u": (
        "PUT",
        "/fhir/Observation/oa",
        observation("oa", "a", issued="2026-01-01T00:00:00Z"),
        JSON,
    ),
    "d": ("DELETE", "/fhir/Observation/ob", None, JSON),
    "r": ("GET", "/fhir/Observation/oa", None, JSON),
    "s": ("GET", "/fhir/Observation", None, JSON),
}


@pytest.mark.parametrize("held", ["", "r", "s", "rs", "c", "u", "d", "cud", "cruds"])
def test_a_scope_lets_do_what_its_letters_say_and_nothing_else(enter, held):
    client = enter(held)
    for letter, (method, url, body, headers) in ASKED.items():
        response = client.request(method, url, json=body, headers=headers)
        assert (response.status_code == 403) is (letter not in held), (letter, response.text)


def test_a_scope_to_read_does_not_write_by_any_way(enter, trail):
    client = enter("rs")
    patch = [{"op": "add", "path": "/issued", "value": "2026-01-01T00:00:00Z"}]
    for response in (
        client.post("/fhir/Observation", json=observation(None, "a")),
        client.put("/fhir/Observation/oa", json=observation("oa", "b")),
        client.put("/fhir/Observation?_id=oa", json=observation("oa", "b")),
        client.patch("/fhir/Observation/oa", json=patch, headers=PATCH),
        client.patch("/fhir/Observation?_id=oa", json=patch, headers=PATCH),
        client.delete("/fhir/Observation/oa"),
        client.delete("/fhir/Observation?_id=oa"),
        client.post("/fhir", json=bundle(entry("DELETE", "Observation/oa"))),
        client.post("/fhir", json=bundle(entry("POST", "Observation", observation(None, "a")))),
        client.post("/fhir", json=bundle(entry("PUT", "Observation/oa", observation("oa", "b")))),
    ):
        assert response.status_code == 403
    assert trail.changes == []
    assert client.get("/fhir/_history").json()["total"] == 6


def test_a_scope_to_write_shows_nothing(enter, trail):
    client = enter("cud")
    wished = {"prefer": "return=representation"}
    created = client.post("/fhir/Observation", json=observation(None, "a"), headers=wished)
    assert (created.status_code, created.content) == (201, b"")
    patch = [{"op": "add", "path": "/issued", "value": "2026-01-01T00:00:00Z"}]
    patched = client.patch("/fhir/Observation/ob", json=patch, headers=PATCH | wished)
    assert (patched.status_code, patched.content) == (200, b"")
    made = entry("POST", "Observation", observation(None, "a"))
    in_bundle = client.post("/fhir", json=bundle(made), headers=wished)
    assert "resource" not in in_bundle.json()["entry"][0]
    for url in (
        "Observation/ob",
        "Observation/ob/_history",
        "Observation/ob/_history/1",
        "Observation",
    ):
        assert client.get(f"/fhir/{url}").status_code == 403, url
    reading = bundle(entry("GET", "Observation/ob"))
    assert client.post("/fhir", json=reading).status_code == 403
    asked = {"if-none-exist": "_id=ob"}  # a condition is a search: it would tell what is there
    guessed = client.post("/fhir/Observation", json=observation(None, "a"), headers=asked)
    assert guessed.status_code == 403
    assert client.delete("/fhir/Observation?_id=ob").status_code == 403
    assert trail.disclosures == []


def test_who_is_bound_to_a_patient_writes_in_that_record_only(enter, store, trail):
    client = enter("cruds", patient="a", whole=True)
    assert client.post("/fhir/Observation", json=observation(None, "a")).status_code == 201
    changed = observation("oa", "a", issued="2026-01-01T00:00:00Z")
    assert client.put("/fhir/Observation/oa", json=changed).status_code == 200
    doctor = {"resourceType": "Practitioner", "id": "d", "active": True}
    both = observation(None, "b", performer=[{"reference": "Patient/a"}])
    patch = [{"op": "replace", "path": "/subject/reference", "value": "Patient/b"}]
    refused = [
        client.post("/fhir/Observation", json=observation(None, "b")),
        client.post("/fhir/Observation", json=both),
        client.post("/fhir/Patient", json={"resourceType": "Patient"}),
        client.post("/fhir/Basic", json={"resourceType": "Basic", "code": {"text": "x"}}),
        client.put("/fhir/Observation/ob", json=observation("ob", "a")),  # to take it over
        client.put("/fhir/Observation/oa", json=observation("oa", "b")),  # to plant it
        client.put("/fhir/Observation/chosen", json=observation("chosen", "a")),
        client.put("/fhir/Practitioner/d", json=doctor),
        client.put(
            "/fhir/Basic/shared",
            json={"resourceType": "Basic", "id": "shared", "code": {"text": "y"}},
        ),
        client.patch("/fhir/Observation/oa", json=patch, headers=PATCH),
        client.patch("/fhir/Observation/ob", json=patch, headers=PATCH),
        client.delete("/fhir/Observation/ob"),
        client.delete("/fhir/Practitioner/d"),
        client.delete("/fhir/Observation/nobody"),
        client.delete("/fhir/Observation?_id=ob", headers={"prefer": "x"}),
        client.post("/fhir", json=bundle(entry("PUT", "Observation/ob", observation("ob", "a")))),
        client.post("/fhir", json=bundle(entry("POST", "Observation", observation(None, "b")))),
    ]
    for number, response in enumerate(refused):
        assert response.status_code in {403, 404} or (
            number == 14 and response.status_code == 204  # nothing that it sees matches
        ), (number, response.status_code)
        assert SECRET not in response.text
    assert store.read("Observation", "ob") == observation("ob", "b", note=[{"text": SECRET}])
    assert {patient for change in trail.changes for patient in change.patients} == {"a"}


def test_a_deletion_looks_alike_for_what_is_not_there_and_what_is_another_persons(enter):
    client = enter("cruds", patient="a")
    answers = [client.delete(f"/fhir/Observation/{name}") for name in ("ob", "nobody")]
    assert answers[0].json() == answers[1].json()
    assert {answer.status_code for answer in answers} == {404}


def test_versions_of_another_persons_time_are_not_shown(enter, store):
    store.put(observation("ob", "a"))  # what was about b is about a now
    store.delete("Observation", "oa")
    client = enter("rs", patient="a")
    assert client.get("/fhir/Observation/ob").status_code == 200
    assert client.get("/fhir/Observation/ob/_history/2").status_code == 200
    assert client.get("/fhir/Observation/ob/_history/1").status_code == 404
    for url in ("Observation/ob/_history", "Observation/_history", "Patient/_history"):
        response = client.get(f"/fhir/{url}")
        assert response.status_code == 200
        assert SECRET not in response.text
    assert client.get("/fhir/Patient/b/_history").status_code == 404
    assert client.get("/fhir/_history").status_code == 403
    assert client.get("/fhir/Observation/oa").status_code == 410
    assert enter("rs", patient="b").get("/fhir/Observation/oa").status_code == 404


def test_a_narrowed_scope_holds_before_and_after(enter):
    final = enter(
        "cruds", queries=lambda kind, _letter: ("status=final",) * (kind == "Observation")
    )
    assert final.post("/fhir/Observation", json=observation(None, "a")).status_code == 201
    open_ = {**observation("oa", "a"), "status": "preliminary"}
    assert final.put("/fhir/Observation/oa", json=open_).status_code == 403
    assert final.post("/fhir/Observation", json=open_).status_code == 403
    everything = enter("cruds")
    assert everything.put("/fhir/Observation/oa", json=open_).status_code == 200
    assert final.put("/fhir/Observation/oa", json=observation("oa", "a")).status_code == 404
    assert final.delete("/fhir/Observation/oa").status_code == 404
    assert final.get("/fhir/Observation/oa/_history/1").status_code == 404  # cannot be judged
    told = final.get("/fhir/Observation/oa/_history")
    assert told.status_code == 404 or told.json()["total"] == 0


def test_every_patient_concerned_has_to_be_treated_before_and_after(enter, trail):
    def relation(patient: str) -> None:
        if patient != "a":
            raise NoTreatmentError("not treated")

    client = enter("cruds", relation=relation)
    changed = observation("oa", "a", issued="2026-01-01T00:00:00Z")
    assert client.put("/fhir/Observation/oa", json=changed).status_code == 200
    nobody = {key: value for key, value in observation(None, "a").items() if key != "subject"}
    for response in (
        client.put("/fhir/Observation/oa", json=observation("oa", "b")),
        client.put("/fhir/Observation/ob", json=observation("ob", "a")),
        client.delete("/fhir/Observation/ob"),
        client.post("/fhir/Observation", json=observation(None, "b")),
        client.post("/fhir/Observation", json=nobody),
        client.post("/fhir", json=bundle(entry("DELETE", "Observation/ob"))),
    ):
        assert response.status_code in {403, 404}
    assert [change.what for change in trail.changes] == ["Observation/oa"]


def test_what_cannot_be_written_down_does_not_happen(enter, store):
    def fail(*_changes: Change) -> None:
        raise NoTreatmentError("the trail cannot be written")

    client = enter("cruds", change=fail)
    for response in (
        client.post("/fhir/Observation", json=observation(None, "a")),
        client.put("/fhir/Observation/oa", json=observation("oa", "b")),
        client.delete("/fhir/Observation/oa"),
        client.post("/fhir", json=bundle(entry("DELETE", "Observation/oa"))),
    ):
        assert response.status_code == 403
    assert store.read("Observation", "oa") == observation("oa", "a")
    assert client.get("/fhir/_history").json()["total"] == 6


def test_a_change_names_the_patients_of_before_and_after(enter, trail):
    client = enter("cruds")
    client.put("/fhir/Observation/oa", json=observation("oa", "b"))
    client.delete("/fhir/Observation/oa")
    client.put("/fhir/Observation/oa", json=observation("oa", "a"))
    client.put("/fhir/Observation/oa", json=observation("oa", "a"))  # nothing changes
    assert trail.changes == [
        Change("update", "Observation/oa", ("a", "b")),
        Change("delete", "Observation/oa", ("b",)),
        Change("create", "Observation/oa", ("a",)),
    ]


def test_a_provenance_can_be_added_and_never_altered(enter, store):
    client = enter("cruds")
    agent = {"who": {"reference": "Practitioner/d"}}
    body = {
        "resourceType": "Provenance",
        "target": [{"reference": "Observation/oa"}],
        "recorded": "2026-01-01T00:00:00Z",
        "agent": [agent],
    }
    made = client.post("/fhir/Provenance", json=body)
    assert made.status_code == 201
    url = f"/fhir/Provenance/{made.json()['id']}"
    changed = {**made.json(), "recorded": "2027-01-01T00:00:00Z"}
    patch = [{"op": "replace", "path": "/recorded", "value": "2027-01-01T00:00:00Z"}]
    for response in (
        client.put(url, json=changed),
        client.put("/fhir/Provenance?_id=x", json=changed),
        client.patch(url, json=patch, headers=PATCH),
        client.delete(url),
        client.delete("/fhir/Provenance?target=Observation/oa"),
        client.post("/fhir", json=bundle(entry("DELETE", url.removeprefix("/fhir/")))),
        client.post("/fhir", json=bundle(entry("PUT", url.removeprefix("/fhir/"), changed))),
    ):
        assert response.status_code == 405
    with pytest.raises(FhirMethodError):  # nor by whatever else writes in a caller's name
        store.write(
            lambda writer: writer.update(prepare(changed)),
            Access(allows=lambda _kind, _letter: True),
        )
    assert client.get(url).json()["recorded"] == "2026-01-01T00:00:00Z"
