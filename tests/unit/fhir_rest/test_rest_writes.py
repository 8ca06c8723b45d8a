"""Create, update, patch and delete: what comes back, and what is refused."""

from __future__ import annotations

import json
from uuid import UUID

PATCH = {"content-type": "application/json-patch+json"}
TEXT = (
    '{ "resourceType" : "Patient", "extension":[{"url":"urn:x","valueDecimal":1.50}],'
    ' "active" : true}'
)


def issue(response):
    body = response.json()
    assert body["resourceType"] == "OperationOutcome"
    assert response.headers["content-type"].startswith("application/fhir+json")
    return body["issue"][0]


def test_a_created_resource_keeps_its_text_and_gets_an_id_of_the_servers(client, store):
    response = client.post("/fhir/Patient", content=TEXT)
    assert response.status_code == 201
    identity = response.json()["id"]
    assert UUID(identity)
    assert response.headers["location"].endswith(f"/fhir/Patient/{identity}/_history/1")
    assert response.headers["etag"] == 'W/"1"'
    assert response.headers["last-modified"].endswith("GMT")
    assert store.entry("Patient", identity).text == f'{{ "id":"{identity}",{TEXT[2:]}'


def test_an_id_that_a_client_sends_for_a_creation_is_not_taken(client, make):
    response = client.post("/fhir/Patient", json=make.patient("mine"))
    assert response.json()["id"] != "mine"
    assert client.get("/fhir/Patient/mine").status_code == 404


def test_prefer_says_what_comes_back(client, make):
    for prefer, expected in [
        ("return=minimal", ""),
        ("return=representation", "Patient"),
        ("return=OperationOutcome", "OperationOutcome"),
        ("respond-async, return=minimal", ""),
        ("", "Patient"),
    ]:
        for method, url in (("POST", "/fhir/Patient"), ("PUT", "/fhir/Patient/q")):
            body = make.patient("q", birthDate=f"2000-01-{len(prefer) + 1:02}")
            response = client.request(method, url, json=body, headers={"prefer": prefer})
            assert response.status_code in {200, 201}
            assert (response.json()["resourceType"] if response.content else "") == expected


def test_an_update_makes_the_next_version_and_equal_text_does_not(client, make):
    assert client.put("/fhir/Patient/p", json=make.patient()).status_code == 201
    again = client.put("/fhir/Patient/p", json=make.patient())
    assert (again.status_code, again.headers["etag"]) == (200, 'W/"1"')
    changed = client.put("/fhir/Patient/p", json=make.patient(active=True))
    assert (changed.status_code, changed.headers["etag"]) == (200, 'W/"2"')


def test_if_match_lets_only_the_expected_version_be_changed(client, make):
    client.put("/fhir/Patient/p", json=make.patient())
    for tag, status in (('W/"2"', 412), ('W/"1"', 200), ('W/"1"', 412), ('W/"7", W/"2"', 200)):
        body = make.patient(active=status == 200, birthDate=f"2000-01-0{len(tag) % 9 + 1}")
        response = client.put("/fhir/Patient/p", json=body, headers={"if-match": tag})
        assert response.status_code == status, tag
    assert issue(client.delete("/fhir/Patient/p", headers={"if-match": 'W/"1"'}))["code"] == (
        "conflict"
    )
    patch = [{"op": "remove", "path": "/active"}]
    stale = client.patch("/fhir/Patient/p", json=patch, headers=PATCH | {"if-match": 'W/"1"'})
    assert stale.status_code == 412
    assert client.put(
        "/fhir/Patient/new", json=make.patient("new"), headers={"if-match": 'W/"1"'}
    ).status_code == 412  # fmt: skip
    assert client.get("/fhir/Patient/new").status_code == 404


def test_if_none_match_star_makes_a_put_a_creation_only(client, make):
    star = {"if-none-match": "*"}
    assert client.put("/fhir/Patient/p", json=make.patient(), headers=star).status_code == 201
    changed = make.patient(active=True)
    assert client.put("/fhir/Patient/p", json=changed, headers=star).status_code == 412


def test_what_is_no_entity_tag_is_refused(client, make):
    for header in ["1", "W/1", '"a', 'W/"1" W/"2"']:
        client.put("/fhir/Patient/p", json=make.patient())
        response = client.put("/fhir/Patient/p", json=make.patient(), headers={"if-match": header})
        assert response.status_code == 400


def test_a_deleted_resource_is_gone_and_its_versions_go_on_counting(client, make):
    client.put("/fhir/Patient/p", json=make.patient())
    deleted = client.delete("/fhir/Patient/p")
    assert (deleted.status_code, deleted.headers["etag"]) == (204, 'W/"2"')
    assert issue(client.get("/fhir/Patient/p"))["code"] == "deleted"
    assert client.get("/fhir/Patient/p").status_code == 410
    assert client.get("/fhir/Patient").json()["total"] == 0
    assert client.delete("/fhir/Patient/p").status_code == 204
    told = client.delete("/fhir/Patient/p", headers={"prefer": "return=OperationOutcome"})
    assert (told.status_code, told.json()["resourceType"]) == (200, "OperationOutcome")
    again = client.put("/fhir/Patient/p", json=make.patient())
    assert (again.status_code, again.headers["etag"]) == (201, 'W/"3"')
    assert client.get("/fhir/Patient/p").status_code == 200
    assert client.delete("/fhir/Patient/never").status_code == 404


def test_a_patch_changes_what_it_names_and_keeps_every_digit(client):
    identity = client.post("/fhir/Patient", content=TEXT).json()["id"]
    patch = [
        {"op": "test", "path": "/active", "value": True},
        {"op": "replace", "path": "/active", "value": False},
        {"op": "add", "path": "/extension/-", "value": {"url": "urn:y", "valueDecimal": 0}},
    ]
    text = json.dumps(patch).replace('"valueDecimal": 0', '"valueDecimal": 2.00')
    response = client.patch(f"/fhir/Patient/{identity}", content=text, headers=PATCH)
    assert response.status_code == 200
    assert response.headers["etag"] == 'W/"2"'
    assert '"valueDecimal":1.50' in response.text
    assert '"valueDecimal":2.00' in response.text
    assert response.json()["active"] is False


def test_a_patch_that_does_not_fit_changes_nothing(client, make):
    for patch, status in [
        ([{"op": "test", "path": "/active", "value": False}], 422),
        ([{"op": "test", "path": "/active", "value": 1}], 422),
        ([{"op": "test", "path": "/nothing", "value": None}], 422),
        ([{"op": "remove", "path": "/birthDate"}], 422),
        ([{"op": "replace", "path": "/gender", "value": "zzz"}], 422),
        ([{"op": "add", "path": "/gender/deep/er", "value": 1}], 422),
        ([{"op": "replace", "path": "/id", "value": "other"}], 400),
        ([{"op": "replace", "path": "", "value": []}], 400),
        ([{"op": "replace", "path": "/resourceType", "value": "Group"}], 400),
        ([{"op": "add", "path": "/active"}], 400),
        ([{"op": "brew", "path": "/active"}], 400),
        ([{"op": "add", "path": "active", "value": 1}], 400),
        (["add"], 400),
        ({"op": "add"}, 400),
        ([], 400),
    ]:
        client.put("/fhir/Patient/p", json=make.patient(active=True))
        response = client.patch("/fhir/Patient/p", json=patch, headers=PATCH)
        assert response.status_code == status
        issue(response)
        assert client.get("/fhir/Patient/p").headers["etag"] == 'W/"1"'


def test_copies_that_double_a_resource_are_stopped(client, make):
    more = {"extension": [{"url": "urn:x", "valueString": "x" * 1000}]}
    client.put("/fhir/Patient/p", json=make.patient(**more))
    copies = [{"op": "copy", "from": "/extension", "path": "/extension/-"}] * 60
    response = client.patch("/fhir/Patient/p", json=copies, headers=PATCH)
    assert response.status_code == 422


def test_a_patch_is_json_patch_and_nothing_else(client, make):
    client.put("/fhir/Patient/p", json=make.patient())
    response = client.patch("/fhir/Patient/p", json={"resourceType": "Parameters"})
    assert response.status_code == 415
    assert client.patch("/fhir/Patient/no", json=[], headers=PATCH).status_code == 400
    patch = [{"op": "add", "path": "/active", "value": True}]
    assert client.patch("/fhir/Patient/no", json=patch, headers=PATCH).status_code == 404
    client.delete("/fhir/Patient/p")
    assert client.patch("/fhir/Patient/p", json=patch, headers=PATCH).status_code == 410


NUMBER = {"system": "urn:mrn", "value": "17"}
WHERE = "identifier=urn:mrn|17"


def test_a_conditional_creation_makes_one_resource(client, make):
    body = make.patient(None, identifier=[NUMBER])
    asked = {"if-none-exist": WHERE}
    first = client.post("/fhir/Patient", json=body, headers=asked)
    second = client.post("/fhir/Patient", json=body, headers=asked)
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.headers["location"] == first.headers["location"]
    client.post("/fhir/Patient", json=body)
    third = client.post("/fhir/Patient", json=body, headers=asked)
    assert third.status_code == 412
    assert issue(third)["code"] == "multiple-matches"


def test_a_condition_that_says_nothing_is_refused(client, make):
    for asked in ["_format=json", "?", "nonsense=1", "identifier=a%00b"]:
        response = client.post(
            "/fhir/Patient", json=make.patient(), headers={"if-none-exist": asked}
        )
        assert response.status_code == 400


def test_a_conditional_update_creates_updates_or_refuses(client, make):
    url = f"/fhir/Patient?{WHERE}"
    body = make.patient(None, identifier=[NUMBER])
    created = client.put(url, json=body)
    assert created.status_code == 201
    updated = client.put(url, json={**body, "active": True})
    assert (updated.status_code, updated.headers["etag"]) == (200, 'W/"2"')
    identity = updated.json()["id"]
    assert client.put(url, json={**body, "id": identity}).status_code == 200
    assert client.put(url, json={**body, "id": "other"}).status_code == 400
    elsewhere = "/fhir/Patient?identifier=urn:mrn|18"
    assert client.put(elsewhere, json={**body, "id": identity}).status_code == 409
    assert client.put(elsewhere, json={**body, "id": "chosen"}).status_code == 201
    assert client.get("/fhir/Patient/chosen").status_code == 200
    assert client.put(url, json=body).status_code == 412


def test_a_conditional_patch_and_deletion_find_the_one(client, make):
    url = f"/fhir/Patient?{WHERE}"
    patch = [{"op": "add", "path": "/active", "value": True}]
    assert client.patch(url, json=patch, headers=PATCH).status_code == 404
    assert client.delete(url).status_code == 204
    client.put("/fhir/Patient/p", json=make.patient(identifier=[NUMBER]))
    assert client.patch(url, json=patch, headers=PATCH).json()["active"] is True
    assert client.delete(url).status_code == 204
    assert client.get("/fhir/Patient/p").status_code == 410
    for identity in ("a", "b"):
        client.put(f"/fhir/Patient/{identity}", json=make.patient(identity, identifier=[NUMBER]))
    assert client.delete(url).status_code == 412
    assert client.patch(url, json=patch, headers=PATCH).status_code == 412
    assert client.delete("/fhir/Patient").status_code == 400
    assert client.get("/fhir/Patient").json()["total"] == 2


def test_json_that_could_be_read_in_two_ways_is_refused(client):
    for body, said in [
        ('{"resourceType":"Patient","active":true,"active":false}', "twice"),
        ('{"resourceType":"Patient","active":NaN}', "NaN"),
        ('{"resourceType":"Patient","multipleBirthInteger":1' + "0" * 60 + "}", "number"),
        ('{"resourceType":"Patient","birthDate":"\\ud800"}', "surrogate"),
        ('{"resourceType":"Patient","birthDate":"\\u0000"}', "NUL"),
        ('{"resourceType":"Patient","x":' + "[" * 200 + "]" * 200 + "}", "nested"),
        ('{"resourceType":"Patient","x":' + "[" * 100_000, "nested"),
        (b'{"resourceType":"Patient","x":"\xff"}', "UTF-8"),
        ('{"resourceType":"Patient"', "column"),
        ("", "column"),
    ]:
        response = client.post("/fhir/Patient", content=body)
        assert response.status_code == 400
        assert said in issue(response)["diagnostics"]


def test_what_fits_no_interaction_is_refused(client):
    for method, url, body, status in [
        ("POST", "/fhir/Patient", {"resourceType": "Group"}, 400),
        ("POST", "/fhir/Nonsense", {"resourceType": "Nonsense"}, 404),
        ("PUT", "/fhir/Patient/p", {"resourceType": "Patient", "id": "q"}, 400),
        ("PUT", "/fhir/Patient/p", {"resourceType": "Patient"}, 400),
        ("PUT", "/fhir/Patient/a_b", {"resourceType": "Patient", "id": "a_b"}, 400),
        ("PUT", "/fhir/Patient/p", {"resourceType": "Patient", "id": "p", "gender": "x"}, 422),
        ("POST", "/fhir/Patient", [], 422),
        ("POST", "/fhir/Patient/p", {"resourceType": "Patient"}, 405),
        ("POST", "/fhir/AuditEvent", {"resourceType": "AuditEvent"}, 405),
        ("DELETE", "/fhir/Provenance/x", None, 405),
        ("PUT", "/fhir/Provenance/x", {"resourceType": "Provenance", "id": "x"}, 405),
        ("DELETE", "/fhir/a/b/c/d", None, 404),
    ]:
        response = client.request(method, url, json=body)
        assert response.status_code == status
        issue(response)
        assert ("allow" in response.headers) is (status == 405 and url == "/fhir/Patient/p")


def test_only_json_of_r4_is_served(client, make):
    for headers, status in [
        ({"accept": "application/fhir+xml"}, 406),
        ({"accept": "application/fhir+json; fhirVersion=3.0"}, 406),
        ({"accept": "application/fhir+json; fhirVersion=4.0"}, 200),
        ({"accept": "application/fhir+xml, application/json;q=0.5"}, 200),
        ({"accept": "application/json;q=0"}, 406),
        ({"accept": "text/html,*/*;q=0.8"}, 200),
        ({"accept": ""}, 200),
    ]:
        client.put("/fhir/Patient/p", json=make.patient())
        assert client.get("/fhir/Patient/p", headers=headers).status_code == status


def test_format_stands_above_accept(client, make):
    client.put("/fhir/Patient/p", json=make.patient())
    xml = {"accept": "application/fhir+xml"}
    for format_ in ("json", "application/fhir+json", "application%2Ffhir%2Bjson", "text/json"):
        assert client.get(f"/fhir/Patient/p?_format={format_}", headers=xml).status_code == 200
    for format_ in ("xml", "application/fhir+xml", "ttl", "nonsense"):
        assert client.get(f"/fhir/Patient/p?_format={format_}").status_code == 406


def test_a_body_of_another_kind_is_refused(client):
    for kind in [
        "application/fhir+xml",
        "text/plain",
        "application/fhir+json; charset=latin-1",
        "application/fhir+json; fhirVersion=5.0",
        "",
    ]:
        response = client.post("/fhir/Patient", content=TEXT, headers={"content-type": kind})
        assert response.status_code == 415


def test_pretty_lays_the_resource_out_and_keeps_its_digits(client):
    identity = client.post("/fhir/Patient", content=TEXT).json()["id"]
    response = client.get(f"/fhir/Patient/{identity}?_pretty=true")
    assert '\n      "valueDecimal": 1.50\n' in response.text
    assert int(response.headers["content-length"]) == len(response.content)


def test_a_caller_who_has_the_version_gets_no_body(client, make):
    read = client.put("/fhir/Patient/p", json=make.patient())
    modified = {"if-modified-since": read.headers["last-modified"]}
    for headers in ({"if-none-match": 'W/"1"'}, {"if-none-match": '"0", "1"'}, modified):
        response = client.get("/fhir/Patient/p", headers=headers)
        assert (response.status_code, response.content) == (304, b"")
        assert response.headers["etag"] == 'W/"1"'
    old = {"if-modified-since": "Tue, 01 Jan 2019 00:00:00 GMT"}
    for headers in ({"if-none-match": 'W/"2"'}, old, {"if-modified-since": "nonsense"}):
        assert client.get("/fhir/Patient/p", headers=headers).status_code == 200


def test_head_is_a_read_without_its_body(client, make):
    client.put("/fhir/Patient/p", json=make.patient())
    response = client.head("/fhir/Patient/p")
    assert (response.status_code, response.headers["etag"]) == (200, 'W/"1"')
    assert client.head("/fhir/Patient/nobody").status_code == 404


def test_a_part_of_a_resource_is_tagged_as_one(client, make):
    client.put("/fhir/Patient/p", json=make.patient(birthDate="2000-01-01"))
    part = client.get("/fhir/Patient/p?_elements=gender").json()
    assert "birthDate" not in part
    assert part["meta"]["tag"][0]["code"] == "SUBSETTED"


def test_a_search_by_form_with_a_nul_is_refused(client):
    form = {"content-type": "application/x-www-form-urlencoded"}
    response = client.post("/fhir/Patient/_search", content="identifier=a%00b", headers=form)
    assert response.status_code == 400
