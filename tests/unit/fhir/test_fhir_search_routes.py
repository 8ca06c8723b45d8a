"""Search over HTTP: forms, links, what is left out, and whole records in pages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.fhir.access import Access, Disclosure
from services.fhir.routes import router
from services.fhir.sandbox import generate
from services.fhir.store import FhirStore
from services.fhir.validate import check
from services.store.database import Database

FORM = {"content-type": "application/x-www-form-urlencoded"}
TOLD: list[Disclosure] = []


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('routes')}/fhir.db")
    database.migrate("services.fhir")
    store = FhirStore(database)
    store.put_many(generate())
    app = FastAPI()
    app.include_router(router(lambda: store, lambda: Access(disclose=TOLD.append)))
    with TestClient(app) as opened:
        yield opened
    database.close()


def found(bundle: dict[str, Any], mode: str = "match") -> list[str]:
    return [
        f"{e['resource']['resourceType']}/{e['resource']['id']}"
        for e in bundle.get("entry", ())
        if e["search"]["mode"] == mode
    ]


def link(bundle: dict[str, Any], relation: str) -> str | None:
    return next((k["url"] for k in bundle["link"] if k["relation"] == relation), None)


def walk(client: TestClient, url: str | None) -> list[str]:
    ids: list[str] = []
    while url:
        bundle = client.get(url).json()
        check({**bundle, "id": "x"})
        ids += found(bundle)
        url = link(bundle, "next")
    return ids


def test_a_form_finds_what_an_address_finds(client: TestClient):
    asked = [("patient", "p01"), ("_sort", "-date"), ("_count", "3")]
    by_address = client.get("/fhir/Observation", params=asked).json()
    by_form = client.post("/fhir/Observation/_search", content=urlencode(asked), headers=FORM)
    mixed = client.post(
        "/fhir/Observation/_search?patient=p01", content=urlencode(asked[1:]), headers=FORM
    )
    assert found(by_form.json()) == found(by_address) == found(mixed.json()) != []
    assert walk(client, link(by_form.json(), "next")) == walk(client, link(by_address, "next"))


def test_a_link_to_the_next_page_shows_no_criteria(client: TestClient):
    url = link(client.get("/fhir/Observation?patient=p01&_count=1").json(), "next")
    assert url is not None
    assert "p01" not in url


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({"content-type": "application/json"}, b"{}", 415),
        (FORM, b"patient=%ff", 400),
        (FORM, b"&".join([b"code=x"] * 500), 400),
        (FORM, b"shoe=1", 400),
        (FORM, b"", 200),
    ],
)
def test_a_form_that_cannot_be_read_is_refused(client: TestClient, headers, content, status):
    answer = client.post("/fhir/Observation/_search", content=content, headers=headers)
    assert answer.status_code == status
    assert answer.json()["resourceType"] == ("Bundle" if status == 200 else "OperationOutcome")


def test_unknown_parameters_are_refused_unless_the_caller_takes_less(client: TestClient):
    url = "/fhir/Observation?patient=p01&shoe=9"
    refused = client.get(url)
    assert refused.status_code == 400
    assert "shoe" in refused.json()["issue"][0]["diagnostics"]
    lenient = client.get(url, headers={"prefer": "handling=lenient"}).json()
    assert "shoe" not in (link(lenient, "self") or "")
    assert "patient=p01" in (link(lenient, "self") or "")
    strict = client.get(url, headers={"prefer": "handling=strict"})
    assert strict.status_code == 400


@pytest.mark.parametrize(
    "query", ["_page=x", "_page=x&code=y", "_page=x&_page=y", "_page=", "code=a&code="]
)
def test_what_is_no_page_of_this_server_is_refused(client: TestClient, query):
    answer = client.get(f"/fhir/Observation?{query}")
    assert answer.status_code == 400
    assert answer.json()["issue"][0]["diagnostics"]


def test_a_page_of_one_type_is_none_of_another(client: TestClient):
    url = link(client.get("/fhir/Observation?_count=1").json(), "next")
    assert url is not None
    answer = client.get(url.replace("/Observation?", "/Condition?"))
    assert answer.status_code == 400


def test_what_comes_along_is_marked_and_not_counted(client: TestClient):
    url = "/fhir/Observation?patient=p06&_count=2&_include=Observation:subject&_revinclude=*"
    bundle = client.get(url).json()
    check({**bundle, "id": "x"})
    assert len(found(bundle)) == 2
    assert "Patient/p06" in found(bundle, "include")
    assert bundle["total"] > 2


def test_only_the_count_is_given_where_only_that_is_asked(client: TestClient):
    for query in ("_summary=count", "_count=0"):
        bundle = client.get(f"/fhir/Observation?patient=p01&{query}").json()
        assert bundle["total"] > 0
        assert "entry" not in bundle
        assert link(bundle, "next") is None


def test_parts_of_a_resource_are_tagged_as_parts(client: TestClient):
    url = "/fhir/Observation?patient=p01&_count=1"
    whole = client.get(url).json()["entry"][0]["resource"]
    for query in ("_elements=subject,value", "_summary=true", "_summary=data", "_summary=text"):
        bundle = client.get(f"{url}&{query}").json()
        check({**bundle, "id": "x"})
        part = bundle["entry"][0]["resource"]
        tags = {tag["code"] for tag in part["meta"]["tag"]}
        assert "SUBSETTED" in tags
        assert {"id", "status", "code"} <= set(part)
        assert set(part) <= set(whole) | {"meta"}
    few = client.get(f"{url}&_elements=subject,value").json()["entry"][0]["resource"]
    assert "subject" in few
    assert "valueQuantity" in few
    assert not {"performer", "effectiveDateTime", "issued"} & set(few)


def test_digits_stay_where_a_part_goes_out(client: TestClient):
    text = client.get("/fhir/Observation?patient=p01&_elements=value").text
    whole = client.get("/fhir/Observation?patient=p01").text
    values = [json.dumps(e["resource"].get("valueQuantity")) for e in json.loads(whole)["entry"]]
    assert [
        json.dumps(e["resource"].get("valueQuantity")) for e in json.loads(text)["entry"]
    ] == values


def test_a_search_is_told_before_it_leaves(client: TestClient):
    TOLD.clear()
    client.get("/fhir/Observation?patient=p01&_include=Observation:subject&_count=2")
    told = TOLD[-1]
    assert (told.interaction, told.what, told.patients) == ("search", "Observation", ("p01",))
    assert told.request.startswith("Observation?patient=p01")
    assert told.entries == 3


def test_a_whole_record_goes_out_in_pages(client: TestClient):
    url = "/fhir/Patient/p07/$everything"
    whole = found(client.get(url).json())
    assert whole[0] == "Patient/p07"
    assert walk(client, f"{url}?_count=4") == whole
    kinds = walk(client, f"{url}?_type=Observation,Patient&_count=2")
    assert kinds == [r for r in whole if r.split("/")[0] in {"Observation", "Patient"}]
    assert walk(client, f"{url}?_since=2999-01-01T00:00:00Z") == []
    assert walk(client, f"{url}?_since=2000-01-01T00:00:00Z") == whole


@pytest.mark.parametrize(
    "query",
    ["_type=Nonsense", "_since=2024", "_since=x", "_count=0", "_count=x", "_count=1&_count=2",
     "start=2024", "code=x", "_page=x", "_type="],
)  # fmt: skip
def test_what_a_record_cannot_be_asked_is_refused(client: TestClient, query):
    assert client.get(f"/fhir/Patient/p07/$everything?{query}").status_code == 400


def test_a_page_of_one_record_is_none_of_anothers(client: TestClient):
    url = link(client.get("/fhir/Patient/p07/$everything?_count=1").json(), "next")
    assert url is not None
    assert client.get(url).status_code == 200
    assert client.get(url.replace("/p07/", "/p01/")).status_code == 404
    of_search = link(client.get("/fhir/Observation?_count=1").json(), "next") or ""
    assert (
        client.get(f"/fhir/Patient/p07/$everything?{of_search.partition('?')[2]}").status_code
        == 400
    )
