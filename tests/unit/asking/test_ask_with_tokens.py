"""``$ask`` with tokens: of a program, and of an app that acts for a clinician."""

from __future__ import annotations

import pytest

BODY = {
    "resourceType": "Parameters",
    "parameter": [{"name": "question", "valueString": "I cannot breathe, crushing chest pain"}],
}


@pytest.fixture
def node_of_the_tier(hospital, node_of):
    hospital._node = node_of("hospital")
    return hospital


@pytest.mark.parametrize(
    ("scope", "status"),
    [("system/*.rs ask", 200), ("system/*.rs", 403), ("system/Patient.rs ask", 403)],
)
async def test_a_program_needs_the_word_and_the_whole_record(
    node_of_the_tier,
    http,
    backend,
    scope,
    status,
):
    headers = await backend("system/*.rs ask").headers(scope)
    answer = await http.post("/fhir/Patient/p07/$ask", json=BODY, headers=headers)
    assert answer.status_code == status
    if status == 200:
        first = answer.json()["parameter"][0]["part"][0]
        assert first == {"name": "level", "valueCode": "emergency"}


@pytest.mark.parametrize(("patient", "status"), [("p07", 200), ("p02", 403)])
async def test_an_app_asks_of_people_whom_its_clinician_treats(  # noqa: PLR0917 - fixtures
    node_of_the_tier,
    http,
    person,
    app_of,
    redeem,
    patient,
    status,
):
    client, _ = app_of("user/*.rs ask openid")
    code = (await person.allow(client.id, "user/*.rs ask openid"))["code"]
    token = (await redeem(client.id, code)).json()
    assert "ask" in token["scope"].split()
    http.cookies.clear()
    headers = {"authorization": f"Bearer {token['access_token']}"}
    answer = await http.post(f"/fhir/Patient/{patient}/$ask", json=BODY, headers=headers)
    assert answer.status_code == status


async def test_the_capability_statement_names_it(http):
    statement = (await http.get("/fhir/metadata")).json()
    patient = next(r for r in statement["rest"][0]["resource"] if r["type"] == "Patient")
    assert {"name": "ask", "definition": "urn:caretier:operation:ask"} in patient["operation"]
