"""Clients with a secret, with a key, with neither; and what they may ask about tokens."""

from __future__ import annotations

import pytest
from support.smart import ASSERTION, BACK, Backend, jwks

from services.hospital.smart.limits import Limit

SCOPES = "openid fhirUser launch/patient patient/*.rs offline_access"


@pytest.fixture
async def confidential(person, app_of):
    """An app with a secret, and a code for it."""
    app, secret = app_of(SCOPES, "symmetric")
    said = await person.allow(app.id, "openid fhirUser patient/*.rs offline_access", patient="p07")
    return app, secret, said["code"]


def form(code: str, **more: str) -> dict[str, str]:
    return {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": BACK,
        "code_verifier": "v" * 64,
        **more,
    }


async def test_a_secret_is_taken_in_the_header_and_in_the_form(confidential, http):
    app, secret, code = confidential
    wrong = await http.post("/oauth/token", data=form(code), auth=(app.id, "wrong"))
    assert wrong.status_code == 401
    assert wrong.headers["www-authenticate"].startswith("Basic")
    for sent in ({"client_id": app.id}, {"client_id": app.id, "client_secret": "wrong"}):
        assert (await http.post("/oauth/token", data=form(code, **sent))).status_code == 400
    answer = await http.post("/oauth/token", data=form(code), auth=(app.id, secret))
    assert answer.status_code == 200, answer.text
    sent = {
        "grant_type": "refresh_token",
        "refresh_token": answer.json()["refresh_token"],
        "client_id": app.id,
        "client_secret": secret,
    }
    assert (await http.post("/oauth/token", data=sent)).status_code == 200


async def test_a_secret_is_kept_as_a_digest_only(confidential, hospital):
    _, secret, _ = confidential
    (row,) = hospital.smart.clients.listing()
    assert secret not in str(vars(row))


async def test_an_app_with_a_key_proves_itself_by_it(person, app_of, ec_key, http):
    app, _ = app_of(SCOPES, "asymmetric", jwks=jwks(ec_key))
    said = await person.allow(app.id, "patient/*.rs", patient="p07")
    bare = await http.post("/oauth/token", data=form(said["code"], client_id=app.id))
    assert bare.json()["error"] == "invalid_client"
    proof = Backend(http, app.id, ec_key).assertion()
    sent = form(said["code"], client_assertion_type=ASSERTION, client_assertion=proof)
    assert (await http.post("/oauth/token", data=sent)).status_code == 200


async def test_a_resource_server_may_ask_what_a_token_stands_for(confidential, http, hospital):
    app, secret, code = confidential
    body = (await http.post("/oauth/token", data=form(code), auth=(app.id, secret))).json()
    asked = {"token": body["access_token"]}
    told = (await http.post("/oauth/introspect", data=asked, auth=(app.id, secret))).json()
    assert told["active"] is True
    assert told["client_id"] == app.id
    assert told["patient"] == "p07"
    assert told["scope"] == body["scope"]
    assert told["fhirUser"].endswith("/Practitioner/me")
    server, key = hospital.smart.clients.add("Server", "symmetric", "introspect")
    assert (await http.post("/oauth/introspect", data=asked, auth=(server.id, key))).json() == told
    other, key = hospital.smart.clients.add("Other", "symmetric", "patient/*.rs")
    answer = await http.post("/oauth/introspect", data=asked, auth=(other.id, key))
    assert answer.json() == {"active": False}
    assert (await http.post("/oauth/introspect", data=asked)).status_code == 400
    unknown = await http.post("/oauth/introspect", data={"token": "x"}, auth=(app.id, secret))
    assert unknown.json() == {"active": False}


async def test_a_token_is_ended_early_by_its_own_client_only(confidential, http, hospital):
    app, secret, code = confidential
    body = (await http.post("/oauth/token", data=form(code), auth=(app.id, secret))).json()
    http.cookies.clear()
    headers = {"authorization": f"Bearer {body['access_token']}"}
    refresh = {"token": body["refresh_token"]}
    other, key = hospital.smart.clients.add("Other", "symmetric", "patient/*.rs")
    answer = await http.post("/oauth/revoke", data=refresh, auth=(other.id, key))
    assert answer.status_code == 400
    assert (await http.get("/fhir/Patient/p07", headers=headers)).status_code == 200
    unknown = await http.post("/oauth/revoke", data={"token": "x"}, auth=(app.id, secret))
    assert unknown.status_code == 200
    assert (
        await http.post("/oauth/revoke", data=refresh, auth=(app.id, secret))
    ).status_code == 200
    assert (await http.get("/fhir/Patient/p07", headers=headers)).status_code == 401


async def test_parameters_that_are_given_twice_and_other_bodies_are_refused(http):
    twice = "grant_type=client_credentials&grant_type=refresh_token"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    for content, sent in ((twice, headers), ('{"grant_type": 1}', {}), (b"\xff\xfe=", headers)):
        answer = await http.post("/oauth/token", content=content, headers=sent)
        assert answer.status_code == 400
        assert answer.json()["error"] == "invalid_request"


async def test_who_fails_too_often_has_to_wait(http, monkeypatch):
    monkeypatch.setattr(Limit, "wait", lambda self, who: 7 if self._seen.get(who) else 0)
    sent = {"grant_type": "client_credentials", "client_id": "nobody"}
    assert (await http.post("/oauth/token", data=sent)).status_code == 400
    answer = await http.post("/oauth/token", data=sent)
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "7"


def test_a_limit_counts_by_name_and_begins_anew_after_its_window():
    now = [0.0]
    limit = Limit(2, lambda: now[0])
    for _ in range(2):
        assert limit.wait("a") == 0
        limit.count("a")
    assert limit.wait("a") > 0
    assert limit.wait("b") == 0
    now[0] = 61
    assert limit.wait("a") == 0


async def test_what_is_granted_and_refused_is_written_down(confidential, http, hospital):
    app, secret, code = confidential
    events = []
    record = hospital.intake.audit.record_all
    hospital.intake.audit.record_all = lambda made: (events.extend(made), record(made))[1]
    await http.post("/oauth/token", data=form(code), auth=(app.id, "wrong"))
    body = (await http.post("/oauth/token", data=form(code), auth=(app.id, secret))).json()
    http.cookies.clear()
    headers = {"authorization": f"Bearer {body['access_token']}"}
    await http.get("/fhir/Patient/p07", headers=headers)
    refused, given, read = events
    assert (refused["outcome"], given["outcome"]) == ("8", "0")
    people = [a["who"]["identifier"]["value"] for a in read["agent"] if a["requestor"]]
    assert f"smart-{app.id}" in str(read["agent"])
    assert people
    text = str(events)
    assert all(one not in text for one in (secret, code, body["access_token"]))
