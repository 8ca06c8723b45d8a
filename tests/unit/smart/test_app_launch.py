"""SMART App Launch: a person lets an app in, and the app reads what it was given."""

from __future__ import annotations

import jwt

HOST = "http://localhost"
ALL = "launch/patient openid fhirUser profile offline_access patient/*.cruds user/*.rs launch"


async def test_an_app_that_starts_by_itself_gets_one_patient(person, app_of, redeem, http):
    app, _ = app_of(ALL)
    scope = "launch/patient openid fhirUser patient/Observation.rs patient/Patient.r"
    said = await person.allow(app.id, scope, patient="p07", nonce="n-1")
    assert said["state"] == "a-state"
    answer = await redeem(app.id, said["code"])
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["patient"] == "p07"
    assert body["fhirUser"] == f"{HOST}/fhir/Practitioner/me"
    assert set(body["scope"].split()) == set(scope.split())
    assert "refresh_token" not in body
    (key,) = (await http.get("/oauth/jwks")).json()["keys"]
    claims = jwt.decode(
        body["id_token"], jwt.PyJWK(key).key, ["RS256"], audience=app.id, issuer=HOST
    )
    assert claims["nonce"] == "n-1"
    assert claims["fhirUser"] == body["fhirUser"]
    http.cookies.clear()
    headers = {"authorization": f"Bearer {body['access_token']}"}
    assert (await http.get("/fhir/Patient/p07", headers=headers)).status_code == 200
    found = await http.get("/fhir/Observation", headers=headers)
    assert found.status_code == 200, found.text
    assert found.json()["total"] > 0
    assert (await http.get("/fhir/Patient/p01", headers=headers)).status_code == 404
    own = await http.get(body["fhirUser"].removeprefix(HOST), headers=headers)
    assert own.json()["name"] == [{"family": "Ruiz"}]
    for path in ("Practitioner/dr-okafor", "Practitioner?_id=me"):
        assert (await http.get(f"/fhir/{path}", headers=headers)).status_code in {403, 404}


async def test_an_app_that_is_launched_from_a_chart_gets_its_patient(
    person, app_of, redeem, hospital
):
    app, _ = app_of(ALL, launch_url="https://app.example.org/launch")
    chart = await person.http.get("/portal/patients/p07")
    assert 'value="' + app.id in chart.text
    assert "form-action 'self' https://app.example.org;" in chart.headers["content-security-policy"]
    launched = await person.post("/portal/patients/p07/launch", app=app.id)
    address = launched.headers["location"]
    assert address.startswith("https://app.example.org/launch?iss=http%3A%2F%2Flocalhost%2Ffhir&")
    launch = address.partition("launch=")[2]
    said = await person.allow(app.id, "launch patient/*.rs", launch=launch)
    body = (await redeem(app.id, said["code"])).json()
    assert body["patient"] == "p07"
    assert body["scope"] == "launch patient/*.rs"
    again = await person.authorize(app.id, "launch patient/*.rs", launch=launch)
    assert "error=invalid_request" in again.headers["location"]
