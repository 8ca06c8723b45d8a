"""Bundles: a transaction is done as a whole or not at all, a batch entry by entry."""

from __future__ import annotations

import base64
import json

from services.fhir.validate import check

NAME = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"
OTHER = "urn:uuid:88f151c0-a954-468a-88bd-5ae15c08e059"
NUMBER = {"system": "urn:mrn", "value": "17"}
WHERE = "identifier=urn:mrn|17"
NPI = "Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|999"


def basic(identity="b", text="x"):
    return {"resourceType": "Basic", "id": identity, "code": {"text": text}}


def patch(*operations):
    data = base64.b64encode(json.dumps(operations).encode()).decode()
    return {
        "resourceType": "Binary",
        "contentType": "application/json-patch+json",
        "data": data,
    }


def statuses(response):
    bundle = response.json()
    check({**bundle, "id": "x"})
    return [e["response"]["status"][:3] for e in bundle.get("entry", [])]


def refused(client, bundle, number, status):
    response = client.post("/fhir", json=bundle)
    assert response.status_code == status, response.text
    issue = response.json()["issue"][0]
    assert issue["diagnostics"].startswith(f"entry {number}: ")
    assert issue["expression"][0].startswith(f"Bundle.entry[{number}]")
    return issue


def test_entries_that_name_one_another_are_stored_under_their_ids(client, make):
    link = {"url": NAME, "title": f"about {NAME}", "contentType": "text/plain"}
    document = {
        "resourceType": "DocumentReference",
        "status": "current",
        "subject": {"reference": NAME},
        "content": [{"attachment": link}],
        "text": {
            "status": "generated",
            "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><a href="{NAME}">{NAME}</a></div>',
        },
        "extension": [{"url": "urn:x", "valueUri": NAME}, {"url": "urn:y", "valueString": NAME}],
    }
    bundle = make.bundle(
        make.entry("POST", "DocumentReference", document, OTHER),
        make.entry("POST", "Patient", make.patient("old"), NAME),
    )
    response = client.post("/fhir", json=bundle, headers={"prefer": "return=representation"})
    assert statuses(response) == ["201", "201"]
    made, person = [entry["resource"] for entry in response.json()["entry"]]
    name = f"Patient/{person['id']}"
    assert made["subject"]["reference"] == name
    assert made["content"][0]["attachment"] == {**link, "url": name}
    assert f'href="{name}"' in made["text"]["div"]
    assert f">{NAME}</a>" in made["text"]["div"]
    assert [e.get("valueUri", e.get("valueString")) for e in made["extension"]] == [name, NAME]
    location = response.json()["entry"][1]["response"]["location"]
    assert location.endswith(f"/fhir/{name}/_history/1")


def test_relative_references_follow_an_entry_that_gets_another_id(client, make):
    base = "http://elsewhere.example.org/fhir"
    bundle = make.bundle(
        make.entry("POST", "Patient", make.patient("old"), f"{base}/Patient/old"),
        make.entry("POST", "Observation", make.observation("Patient/old"), f"{base}/Observation/o"),
        make.entry("POST", "Observation", make.observation("Patient/old"), OTHER),
    )
    response = client.post("/fhir", json=bundle, headers={"prefer": "return=representation"})
    person, seen, foreign = [entry["resource"] for entry in response.json()["entry"]]
    assert seen["subject"]["reference"] == f"Patient/{person['id']}"
    assert foreign["subject"]["reference"] == "Patient/old"


def test_decimals_of_a_bundle_keep_their_digits(client, make, store):
    quantity = make.observation(valueQuantity={"value": 1})
    bundle = make.bundle(make.entry("PUT", "Observation/o", {**quantity, "id": "o"}))
    text = json.dumps(bundle).replace('"value": 1}', '"value": 1.50}')
    assert client.post("/fhir", content=text).status_code == 200
    assert '"value":1.50' in store.entry("Observation", "o").text


def test_deletions_come_first_and_reads_last(client, make):
    client.put("/fhir/Patient/p", json=make.patient(identifier=[NUMBER]))
    bundle = make.bundle(
        make.entry("GET", "Basic/b"),
        make.entry("GET", f"Patient?{WHERE}"),
        make.entry("PUT", "Basic/b", basic()),
        make.entry("POST", "Patient", make.patient(None, identifier=[NUMBER]), ifNoneExist=WHERE),
        make.entry("DELETE", "Patient/p"),
    )
    response = client.post("/fhir", json=bundle)
    assert statuses(response) == ["200", "200", "201", "201", "204"]
    read, found = [entry["resource"] for entry in response.json()["entry"][:2]]
    assert read == basic()
    assert found["total"] == 1
    assert found["entry"][0]["resource"]["id"] != "p"


def test_a_conditional_creation_that_finds_one_lends_its_name(client, make):
    client.put("/fhir/Patient/p", json=make.patient(identifier=[NUMBER]))
    known = make.entry("POST", "Patient", make.patient(None), NAME, ifNoneExist=WHERE)
    seen = make.entry("POST", "Observation", make.observation(NAME))
    response = client.post("/fhir", json=make.bundle(seen, known))
    assert statuses(response) == ["201", "200"]
    assert client.get("/fhir/Observation?patient=p").json()["total"] == 1
    assert client.get("/fhir/Patient").json()["total"] == 1


def test_conditional_references_find_what_is_there_and_what_comes_with_them(client, make):
    doctor = {
        "resourceType": "Practitioner",
        "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "999"}],
    }
    seen = make.observation(NAME, performer=[{"reference": NPI}])
    bundle = make.bundle(
        make.entry("POST", "Observation", seen),
        make.entry("POST", "Patient", make.patient(None), NAME),
        make.entry("POST", "Practitioner", doctor),
    )
    wished = {"prefer": "return=representation"}
    made = [
        e["resource"] for e in client.post("/fhir", json=bundle, headers=wished).json()["entry"]
    ]
    assert made[0]["performer"][0]["reference"] == f"Practitioner/{made[2]['id']}"
    nobody = make.bundle(
        make.entry("PUT", "Basic/b", basic()),
        make.entry("POST", "Observation", make.observation("Patient?identifier=nobody")),
    )
    refused(client, nobody, 1, 412)
    client.post("/fhir/Practitioner", json=doctor)
    refused(client, make.bundle(make.entry("POST", "Observation", seen, NAME)), 0, 412)
    assert client.get("/fhir/Basic/b").status_code == 404


def test_a_failing_entry_leaves_nothing_of_the_others(client, make):
    client.put("/fhir/Basic/old", json=basic("old"))
    good = [
        make.entry("DELETE", "Basic/old"),
        make.entry("POST", "Patient", make.patient(None), NAME),
        make.entry("PUT", "Basic/b", basic()),
    ]
    bad = [
        (make.entry("POST", "Patient", {**make.patient(None), "gender": "zzz"}), 422),
        (make.entry("PUT", "Basic/c", basic("d")), 400),
        (make.entry("PUT", "Basic/c", basic("c"), ifMatch='W/"3"'), 412),
        (make.entry("DELETE", "Basic/nobody"), 404),
        (make.entry("GET", "Basic/nobody"), 404),
        (make.entry("GET", "Nonsense/x"), 404),
        (make.entry("GET", "a/b/c/d"), 404),
        (make.entry("PATCH", "Basic/nobody", patch({"op": "remove", "path": "/x"})), 404),
        (make.entry("PATCH", "Basic/nobody", basic()), 415),
        (make.entry("POST", "Patient", make.patient(None), NAME), 400),
        (make.entry("PUT", "Basic/b", basic()), 400),
        (make.entry("PUT", "Basic/old", basic("old")), 400),
        (make.entry("PUT", "Basic", basic()), 400),
        (make.entry("POST", "Basic/b", basic()), 400),
        (make.entry("POST", "AuditEvent", {"resourceType": "AuditEvent"}), 405),
        (make.entry("POST", "Observation", make.observation(OTHER)), 400),
        (make.entry("POST", "Patient"), 400),
        (make.entry("BREW", "Patient"), 400),
        ({"resource": make.patient()}, 400),
    ]
    for entry, status in bad:
        refused(client, make.bundle(*good, entry), 3, status)
        assert client.get("/fhir/_history").json()["total"] == 1, entry


def test_a_conditional_update_and_a_patch_in_a_transaction(client, make):
    client.put("/fhir/Basic/b", json=basic())
    body = make.patient(None, identifier=[NUMBER])
    bundle = make.bundle(
        make.entry(
            "PATCH", "Basic/b", patch({"op": "replace", "path": "/code/text", "value": "z"})
        ),
        make.entry("PUT", f"Patient?{WHERE}", body, NAME),
        make.entry("POST", "Observation", make.observation(NAME)),
    )
    assert statuses(client.post("/fhir", json=bundle)) == ["200", "201", "201"]
    assert client.get("/fhir/Basic/b").json() == basic(text="z")
    person = client.get("/fhir/Patient").json()["entry"][0]["resource"]
    assert client.get(f"/fhir/Observation?patient={person['id']}").json()["total"] == 1
    again = make.bundle(make.entry("PUT", f"Patient?{WHERE}", {**body, "active": True}))
    assert statuses(client.post("/fhir", json=again)) == ["200"]


def test_the_entries_of_a_batch_stand_by_themselves(client, make):
    bundle = make.bundle(
        make.entry("PUT", "Basic/b", basic()),
        make.entry("PUT", "Basic/c", basic("d")),
        make.entry("BREW", "x"),
        make.entry("GET", "Basic/b"),
        make.entry("GET", "metadata"),
        make.entry("GET", "Basic/b", ifNoneMatch='W/"1"'),
        make.entry("GET", "Basic/b%00"),
        make.entry("DELETE", "Basic/nobody"),
        make.entry("HEAD", "Basic/b"),
        make.entry("POST", "", make.bundle(kind="batch")),
        kind="batch",
    )
    response = client.post("/fhir", json=bundle)
    found = statuses(response)
    assert found == ["201", "400", "400", "200", "200", "304", "400", "404", "200", "404"]
    entries = response.json()["entry"]
    assert entries[1]["response"]["outcome"]["issue"][0]["severity"] == "error"
    assert entries[3]["resource"] == basic()
    assert entries[4]["resource"]["resourceType"] == "CapabilityStatement"
    assert "resource" not in entries[8]


def test_what_is_no_bundle_to_be_done_is_refused(client, make):
    for body in (
        make.patient(),
        make.bundle(kind="collection"),
        make.bundle(kind="searchset"),
        {"resourceType": "Bundle", "type": "batch", "entry": {}},
        [],
    ):
        response = client.post("/fhir", json=body)
        assert response.status_code == 400
        assert response.json()["resourceType"] == "OperationOutcome"
    assert client.post("/fhir", content='{"a":1,"a":1}').status_code == 400
    assert client.post("/fhir", json=make.bundle()).json()["type"] == "transaction-response"
