"""SMART Backend Services: a signed assertion in, a token out, a resource read with it."""

from __future__ import annotations


async def test_a_program_gets_a_token_and_reads_with_it(backend, http):
    program = backend("system/*.rs")
    answer = await program.ask("system/Patient.rs")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["token_type"] == "Bearer"
    assert body["scope"] == "system/Patient.rs"
    assert body["expires_in"] == 300
    assert answer.headers["cache-control"] == "no-store"
    headers = {"authorization": f"Bearer {body['access_token']}"}
    assert (await http.get("/fhir/Patient/p07", headers=headers)).status_code == 200
    assert (await http.get("/fhir/Observation?patient=p07", headers=headers)).status_code == 403
