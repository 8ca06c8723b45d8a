"""The CapabilityStatement is true: what it claims is tried, and what is served is claimed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI, Response
from fastapi.testclient import TestClient

from services.fhir.access import Access
from services.fhir.capability import capability_statement, smart_security
from services.fhir.routes import router
from services.fhir.store import FhirStore
from services.fhir.validate import check, resource_types
from services.store.database import Database

VALUES = {
    "date": "ge2024", "quantity": "gt5", "number": "gt5", "token": "x", "string": "x",
    "uri": "http://example.org", "reference": "x",
}  # fmt: skip
COMPOSITES = {
    "code-value-quantity": "x$gt5", "combo-code-value-quantity": "x$gt5",
    "component-code-value-quantity": "x$gt5", "code-value-date": "x$2024",
}  # fmt: skip

TOGETHER = 20
"""Claims that are tried with one request."""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('capability')}/fhir.db")
    database.migrate("services.fhir")
    store = FhirStore(database)
    app = FastAPI()

    @app.get("/fhir/$export")
    def export() -> Response:
        return Response(status_code=202)

    app.include_router(router(lambda: store, lambda: Access()))  # noqa: PLW0108  # a dependency
    app.state.fhir_security = lambda base: smart_security(f"{base}/a", f"{base}/t", revoke="r")
    with TestClient(app) as opened:
        yield opened
    database.close()


@pytest.fixture(scope="module")
def statement(client: TestClient) -> dict[str, Any]:
    answer = client.get("/fhir/metadata")
    assert answer.status_code == 200
    return answer.json()


@pytest.fixture(scope="module")
def types(statement: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {resource["type"]: resource for resource in statement["rest"][0]["resource"]}


def test_it_is_valid_and_lists_every_type(statement, types):
    check({**statement, "id": "x"})
    assert set(types) == resource_types()


def test_security_says_where_tokens_come_from(statement):
    security = statement["rest"][0]["security"]
    addresses = {e["url"]: e["valueUri"] for e in security["extension"][0]["extension"]}
    assert addresses == {
        "token": "http://testserver/t", "authorize": "http://testserver/a", "revoke": "r",
    }  # fmt: skip
    assert security["service"][0]["coding"][0]["code"] == "SMART-on-FHIR"
    assert "security" not in capability_statement("http://x/fhir")["rest"][0]


def test_operations_are_those_that_have_routes(statement, types):
    assert [o["name"] for o in statement["rest"][0]["operation"]] == ["export"]
    names = {kind: {o["name"] for o in types[kind].get("operation", ())} for kind in types}
    assert names["Patient"] - names["Group"] == {"everything"}
    paths = ["/fhir/Group/{id}/$export", "/fhir/{kind}/$validate", "/fhir/{kind}/{id}/$validate"]
    own = {r["type"]: r for r in capability_statement("http://x", paths)["rest"][0]["resource"]}
    assert {o["name"] for o in own["Group"]["operation"]} == {"export", "validate"}
    assert [o["definition"] for o in own["Patient"]["operation"]] == [
        "http://hl7.org/fhir/OperationDefinition/Resource-validate"
    ]
    assert "operation" not in capability_statement("http://x/fhir")["rest"][0]


@pytest.mark.parametrize("kind", sorted(resource_types()))
def test_every_search_parameter_and_include_is_served(client: TestClient, types, kind):
    said = types[kind]
    asked = [
        (
            p["name"],
            COMPOSITES.get(p["name"], "x$y") if p["type"] == "composite" else VALUES[p["type"]],
        )
        for p in said["searchParam"]
    ]
    asked += [("_include", name) for name in said["searchInclude"]]
    asked += [("_revinclude", name) for name in said.get("searchRevInclude", ())]
    for start in range(0, len(asked), TOGETHER):
        pairs = [*asked[start : start + TOGETHER], ("_count", "1")]
        answer = client.get(f"/fhir/{kind}", params=pairs)
        assert answer.status_code == 200, (pairs, answer.text)


def test_every_interaction_has_an_address(client: TestClient, types):
    tried = {
        "read": ("GET", "/fhir/{kind}/x", {404}),
        "vread": ("GET", "/fhir/{kind}/x/_history/1", {404}),
        "history-instance": ("GET", "/fhir/{kind}/x/_history", {404}),
        "history-type": ("GET", "/fhir/{kind}/_history", {200}),
        "search-type": ("GET", "/fhir/{kind}", {200}),
        "create": ("POST", "/fhir/{kind}", {400, 403, 422}),
        "update": ("PUT", "/fhir/{kind}/x", {400, 403, 422}),
        "patch": ("PATCH", "/fhir/{kind}/x", {400, 403, 404, 415, 422}),
        "delete": ("DELETE", "/fhir/{kind}/x", {403, 404}),
    }
    kinds = {"application/fhir+json"}
    for kind in ("Patient", "Observation", "AuditEvent", "Provenance"):
        said = {one["code"] for one in types[kind]["interaction"]}
        for code, (method, path, statuses) in tried.items():
            headers = {"content-type": kinds.copy().pop()}
            answer = client.request(
                method,
                path.format(kind=kind),
                headers=headers,
                content=b"{}" if method != "GET" else None,
            )
            if code in said:
                assert answer.status_code in statuses, (kind, code, answer.status_code)


def test_what_is_not_claimed_is_refused(client: TestClient, types):
    claimed = {p["name"] for p in types["Observation"]["searchParam"]}
    for name in {"phonetic", "near", "_text", "_content", "_filter", "_list", "shoe"} - claimed:
        assert client.get("/fhir/Observation", params={name: "x"}).status_code == 400, name


def test_a_page_of_the_statement_does_not_depend_on_who_asks(client: TestClient, statement):
    assert client.get("/fhir/metadata").json() == statement
