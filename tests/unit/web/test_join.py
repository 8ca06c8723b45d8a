"""Routes that are taken in as they are."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.testclient import TestClient

from services.web.app import create_app, join


def test_routes_answer_refuse_and_are_told_of_as_if_they_were_made_here():
    router, hidden = APIRouter(prefix="/v1"), APIRouter(include_in_schema=False)

    @router.get("/things/{id}", responses={404: {"description": "There is none."}})
    def thing(id: int) -> dict[str, int]:  # noqa: A002
        return {"id": id}

    @hidden.get("/page")
    def page() -> str:
        return "page"

    app = create_app("Test", ready=dict)
    join(app, router, hidden)
    client = TestClient(app, base_url="http://localhost")
    assert client.get("/v1/things/3").json() == {"id": 3}
    assert client.get("/page").json() == "page"
    assert client.get("/v1/things/x").headers["content-type"] == "application/problem+json"
    assert client.post("/v1/things/3").status_code == 405
    assert client.get("/v1/others").status_code == 404
    told = app.openapi()["paths"]
    assert set(told) == {"/v1/things/{id}"}
    assert {"200", "404", "default"} <= set(told["/v1/things/{id}"]["get"]["responses"])
