"""SMART App Launch: a person lets an app in, and the app reads what it was given."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import jwt
from support.smart import PASSWORD, told

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


def visit(id_: str, status: str) -> dict:
    return {
        "resourceType": "Encounter",
        "id": id_,
        "status": status,
        "class": {"code": "AMB"},
        "subject": {"reference": "Patient/p07"},
        "period": {"start": "2026-11-20T09:00:00Z"},
    }


async def test_the_visit_that_runs_comes_along_with_a_launch_from_the_chart(
    person, app_of, redeem, hospital
):
    app, _ = app_of(ALL, launch_url="https://app.example.org/launch")
    hospital.records.put_many([visit("now", "in-progress"), visit("before", "finished")])
    launched = await person.post("/portal/patients/p07/launch", app=app.id)
    launch = launched.headers["location"].partition("launch=")[2]
    said = await person.allow(app.id, "launch patient/*.rs", launch=launch)
    assert (await redeem(app.id, said["code"])).json()["encounter"] == "now"


async def test_a_visit_is_chosen_where_the_app_asks_for_one(person, app_of, redeem, hospital):
    app, _ = app_of(f"{ALL} launch/encounter")
    hospital.records.put(visit("mine", "finished"))
    scope = "launch/patient launch/encounter patient/*.rs"
    path = person.onward(await person.authorize(app.id, scope))
    await person.post(f"{path}/patient", patient="p07")
    assert 'value="mine"' in (await person.http.get(path)).text
    done = await person.post(path, scope="patient/*.rs", answer="allow", visit="mine")
    body = (await redeem(app.id, told(done)["code"])).json()
    assert (body["encounter"], body["patient"]) == ("mine", "p07")
    assert "launch/encounter" in body["scope"]


async def test_a_visit_that_was_not_offered_is_not_taken(person, app_of, redeem):
    app, _ = app_of(f"{ALL} launch/encounter")
    scope = "launch/patient launch/encounter patient/*.rs"
    path = person.onward(await person.authorize(app.id, scope))
    await person.post(f"{path}/patient", patient="p07")
    done = await person.post(path, scope="patient/*.rs", answer="allow", visit="p01-visit-1")
    body = (await redeem(app.id, told(done)["code"])).json()
    assert "encounter" not in body
    assert "launch/encounter" not in body["scope"]


async def test_a_request_comes_in_a_form_too(person, app_of):
    app, _ = app_of(ALL)
    asked = await person.authorize(app.id, "patient/*.rs")
    fields = dict(parse_qsl(urlsplit(str(asked.request.url)).query))
    posted = await person.http.post("/oauth/authorize", data=fields)
    assert posted.status_code == 200
    assert person.onward(posted).startswith("/portal/authorize/")


async def test_who_is_not_signed_in_signs_in_first_and_comes_back(person, app_of):
    app, _ = app_of(ALL)
    path = person.onward(await person.authorize(app.id, "patient/*.rs"))
    person.http.cookies.clear()
    led = await person.http.get(path)
    assert led.headers["location"] == f"/portal/sign-in?next={path}"
    form = {"user": "ana", "password": PASSWORD, "next": path}
    entered = await person.http.post("/portal/sign-in", data=form)
    assert entered.headers["location"] == path


async def test_an_app_of_a_clinician_writes_to_the_charts_of_their_patients_only(
    person, app_of, redeem, http
):
    app, _ = app_of("user/*.cruds")
    said = await person.allow(app.id, "user/*.cruds")
    token = (await redeem(app.id, said["code"])).json()["access_token"]
    http.cookies.clear()
    headers = {"authorization": f"Bearer {token}"}
    note = {"resourceType": "Observation", "status": "final", "code": {"text": "Mood"}}
    for patient, expected in (("p07", {201}), ("p03", {403, 404})):
        sent = note | {"subject": {"reference": f"Patient/{patient}"}}
        answer = await http.post("/fhir/Observation", json=sent, headers=headers)
        assert answer.status_code in expected, answer.text
