"""What a second reading of the authorization server found, each held by a test of its own."""
# ruff: noqa: F811  # fixtures are imported by their names

from __future__ import annotations

import time

from support.smart import (  # noqa: F401  # fixtures
    BACK,
    CHALLENGE,
    HOST,
    app_of,
    ec_key,
    hospital,
    http,
    person,
    redeem,
    seeded,
)

SOON_SECONDS = 2.0


async def test_a_token_that_leaves_the_patient_scopes_out_stays_with_the_patient(
    person, app_of, redeem, http
):
    app, _ = app_of("patient/*.rs user/*.rs offline_access")
    told = await person.allow(app.id, "patient/*.rs user/*.rs offline_access", patient="p07")
    first = (await redeem(app.id, told["code"])).json()
    http.cookies.clear()
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    less = await http.post("/oauth/token", data={**form, "scope": "user/*.rs"})
    assert less.json()["scope"] == "user/*.rs"
    headers = {"authorization": f"Bearer {less.json()['access_token']}"}
    assert (await http.get("/fhir/Patient/p07", headers=headers)).status_code == 200
    assert (await http.get("/fhir/Patient/p01", headers=headers)).status_code == 404
    whole = await http.get("/fhir/Patient/p01/$everything", headers=headers)
    assert whole.status_code == 404


async def test_a_scope_of_a_stranger_does_not_keep_the_server_busy(app_of, http):
    app, _ = app_of("patient/*.rs")
    asked = {
        "response_type": "code",
        "client_id": app.id,
        "redirect_uri": BACK,
        "state": "s",
        "aud": f"{HOST}/fhir",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "scope": "patient/Observation.rs?date=" + "T" * 3_000,
    }
    began = time.perf_counter()
    answer = await http.get("/oauth/authorize", params=asked)
    assert "error=invalid_scope" in answer.headers["location"]
    assert time.perf_counter() - began < SOON_SECONDS
