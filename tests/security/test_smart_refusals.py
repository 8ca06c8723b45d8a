"""What a hostile or careless client tries at the authorization server, each named after it."""
# ruff: noqa: F811  # fixtures are imported by their names

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm
from sqlalchemy import update
from support.smart import (  # noqa: F401  # fixtures
    BACK,
    HOST,
    Backend,
    Key,
    app_of,
    backend,
    ec_key,
    hospital,
    http,
    jwks,
    person,
    redeem,
    rsa_key,
    seeded,
)

from services.hospital.models import SmartCode, SmartToken, User
from services.web.outbound import Outbound

KEYS_AT = "https://app.example.org/jwks.json"


class NoCalls(Outbound):
    """Fails the test when anything is called."""

    def client(self, **_more):
        raise AssertionError("An outbound call was made.")


def refused(answer: httpx.Response, code: str = "invalid_client") -> bool:
    """Whether a call was refused in OAuth's words, with no token."""
    assert answer.status_code in {400, 401}, answer.text
    assert "access_token" not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()["error"] == code


def bearer(answer: httpx.Response) -> dict[str, str]:
    """What to send with a call after an answer of the token endpoint."""
    assert answer.status_code == 200, answer.text
    return {"authorization": f"Bearer {answer.json()['access_token']}"}


async def refresh(http: httpx.AsyncClient, client: str, token: str, **form: str) -> httpx.Response:
    """Exchange a refresh token, as a public app does."""
    sent = {"grant_type": "refresh_token", "refresh_token": token, "client_id": client}
    return await http.post("/oauth/token", data=sent | form)


def signed_by_hand(header: dict, claims: dict, sign) -> str:
    """A JWT that no library would make."""
    parts = [json.dumps(part).encode() for part in (header, claims)]
    text = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    return (text + b"." + base64.urlsafe_b64encode(sign(text)).rstrip(b"=")).decode()


def claims_of(program: Backend) -> dict:
    """What a good assertion says."""
    exp = int((datetime.now(UTC) + timedelta(minutes=4)).timestamp())
    return {
        "iss": program.id, "sub": program.id, "aud": f"{HOST}/oauth/token",
        "exp": exp, "jti": str(uuid4()),
    }  # fmt: skip


# The assertion of a program


async def test_a_replayed_jti_is_refused(backend):
    program = backend()
    assertion = program.assertion()
    assert (await program.ask(assertion=assertion)).status_code == 200
    assert refused(await program.ask(assertion=assertion))


async def test_the_jti_of_one_assertion_in_another_is_refused(backend):
    program = backend()
    assert (await program.ask(assertion=program.assertion(jti="one"))).status_code == 200
    assert refused(await program.ask(assertion=program.assertion(jti="one")))


async def test_two_programs_may_use_one_jti(backend):
    for program in (backend(), backend()):
        assert (await program.ask(assertion=program.assertion(jti="one"))).status_code == 200


async def test_an_exp_more_than_five_minutes_ahead_is_refused(backend):
    program = backend()
    late = datetime.now(UTC) + timedelta(minutes=5, seconds=30)
    assert refused(await program.ask(assertion=program.assertion(exp=late)))


async def test_an_expired_assertion_is_refused(backend):
    program = backend()
    past = datetime.now(UTC) - timedelta(minutes=1)
    assert refused(await program.ask(assertion=program.assertion(exp=past)))


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("odd", [float("inf"), float("nan"), "soon", [1], -1e300, True])
async def test_a_time_that_is_none_is_refused(backend, claim, odd):
    program = backend()
    header = {"alg": "ES384", "typ": "JWT", "kid": program.key.id}
    algorithm = ECAlgorithm(ECAlgorithm.SHA384)
    claims = claims_of(program) | {claim: odd}
    signed = signed_by_hand(header, claims, lambda text: algorithm.sign(text, program.key.private))
    answer = await program.ask(assertion=signed)
    long_ago = claim != "exp" and odd in (-1e300, True)  # a number before now: it says nothing
    assert answer.status_code == (200 if long_ago else 400), answer.text


@pytest.mark.parametrize("missing", ["exp", "jti", "aud", "iss", "sub"])
async def test_an_assertion_without_a_claim_is_refused(backend, missing):
    program = backend()
    assert refused(await program.ask(assertion=program.assertion(**{missing: None})))


@pytest.mark.parametrize(
    "audience",
    [
        f"{HOST}/fhir",
        "https://other.example.org/oauth/token",
        f"{HOST}/oauth/token/",
        [f"{HOST}/oauth/token", "https://other.example.org/oauth/token"],
    ],
)
async def test_a_wrong_audience_is_refused(backend, audience):
    program = backend()
    assert refused(await program.ask(assertion=program.assertion(aud=audience)))


async def test_a_subject_that_is_not_the_issuer_is_refused(backend):
    program, other = backend(), backend()
    assert refused(await program.ask(assertion=program.assertion(sub=other.id)))


async def test_alg_none_is_refused(backend):
    program = backend()
    header = {"alg": "none", "typ": "JWT", "kid": program.key.id}
    forged = signed_by_hand(header, claims_of(program), lambda _text: b"")
    assert refused(await program.ask(assertion=forged))


async def test_hs256_with_the_public_key_as_its_secret_is_refused(backend, rsa_key):
    program = backend(key=rsa_key)
    pem = rsa_key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for secret in (pem, jwks(rsa_key).encode()):
        header = {"alg": "HS256", "typ": "JWT", "kid": rsa_key.id}
        forged = signed_by_hand(
            header, claims_of(program), lambda text, s=secret: hmac.digest(s, text, "sha256")
        )
        assert refused(await program.ask(assertion=forged))


@pytest.mark.parametrize("algorithm", ["RS256", "RS512", "PS384"])
async def test_another_algorithm_of_the_same_key_is_refused(backend, rsa_key, algorithm):
    program = backend(key=rsa_key)
    forged = jwt.encode(claims_of(program), rsa_key.private, algorithm, headers={"kid": rsa_key.id})
    assert refused(await program.ask(assertion=forged))


async def test_an_unknown_kid_is_refused(backend):
    program = backend()
    assert refused(await program.ask(assertion=program.assertion(headers={"kid": "other"})))


async def test_an_assertion_without_kid_is_refused(backend):
    program = backend()
    bare = jwt.encode(claims_of(program), program.key.private, "ES384")
    assert refused(await program.ask(assertion=bare))


async def test_a_critical_header_that_is_not_understood_is_refused(backend):
    program = backend()
    odd = program.assertion(headers={"crit": ["exp"], "exp": 1})
    assert refused(await program.ask(assertion=odd))


async def test_a_key_of_its_own_in_the_header_is_not_believed(backend):
    program, mine = backend(), Key.ec("mine")
    own = {"jwk": mine.public(), "kid": program.key.id}
    forged = jwt.encode(claims_of(program), mine.private, "ES384", headers=own)
    assert refused(await program.ask(assertion=forged))


async def test_a_foreign_jku_is_refused_and_not_called(backend, hospital):
    keys = hospital.smart.authentication._assertions._keys
    keys._outbound = NoCalls(["https://evil.example.org", "https://app.example.org"])
    for registered in ({}, {"jwks_uri": KEYS_AT}):
        program = backend(**registered)
        sent = program.assertion(headers={"jku": "https://evil.example.org/jwks.json"})
        assert refused(await program.ask(assertion=sent))


async def test_a_jku_beside_registered_keys_is_refused(backend):
    program = backend()
    assert refused(await program.ask(assertion=program.assertion(headers={"jku": KEYS_AT})))


@pytest.mark.parametrize(
    "address",
    [
        "https://127.0.0.1/jwks.json",
        "https://localhost/jwks.json",
        "https://10.0.0.8/jwks.json",
        "https://169.254.169.254/latest/meta-data",
        "https://app.example.org.evil.example/jwks.json",
    ],
)
async def test_the_hospitals_own_network_is_not_reached_through_a_jwks_uri(
    backend, hospital, address
):
    reached = []

    async def resolving(host, port):
        reached.append(host)
        return [host]

    listed = [address.rpartition("/")[0].partition("/latest")[0]]
    for origins in ([], listed):
        outbound = Outbound(origins, resolving=resolving)
        hospital.smart.authentication._assertions._keys._outbound = outbound
        program = backend(jwks_uri=address)
        if "evil" in address and origins:
            continue
        assert refused(await program.ask())
    assert all(host in address for host in reached)


async def test_a_jwks_uri_on_plain_http_is_not_registered(backend):
    with pytest.raises(Exception, match="https"):
        backend(jwks_uri="http://app.example.org/jwks.json")


async def test_a_duplicate_kid_is_refused_when_it_is_registered(backend, ec_key):
    with pytest.raises(Exception, match="one kid"):
        backend(jwks=jwks(ec_key, Key.ec(ec_key.id)))


@pytest.mark.parametrize(
    "weak",
    [
        Key.rsa("weak", 1024),
        Key.ec("p-256", __import__("cryptography").hazmat.primitives.asymmetric.ec.SECP256R1()),
    ],
)
async def test_a_weak_key_is_not_registered(backend, weak):
    with pytest.raises(Exception, match="None of the keys"):
        backend(jwks=jwks(weak))


async def test_a_private_key_is_not_registered(backend, ec_key):
    leaked = ECAlgorithm.to_jwk(ec_key.private, as_dict=True) | {"kid": "k"}
    with pytest.raises(Exception, match="private"):
        backend(jwks=json.dumps({"keys": [leaked]}))


async def test_an_assertion_of_another_program_opens_nothing_here(backend):
    program, other = backend(), backend()
    assert refused(await program.ask(client_id=other.id))


async def test_two_proofs_at_once_are_refused(backend):
    program = backend()
    assert refused(await program.ask(client_secret="x"), "invalid_request")


async def test_a_program_gets_no_scope_of_people_and_none_that_is_not_understood(backend):
    program = backend("system/*.cruds")
    for scope in ("patient/*.rs", "user/*.rs", "openid", "system/*.rs nonsense!", "", "launch"):
        assert refused(await program.ask(scope), "invalid_scope"), scope
    for scope in ("system/Nonsense.rs", "system/Observation.rs?nonsense=1"):
        assert refused(await program.ask(scope), "invalid_scope"), scope


async def test_a_program_gets_no_more_than_it_is_registered_for(backend):
    program = backend("system/Observation.rs")
    assert refused(await program.ask("system/Patient.rs"), "invalid_scope")
    answer = await program.ask("system/*.cruds")
    assert answer.json()["scope"] == "system/Observation.rs"


# What a token opens


async def test_a_scope_to_read_does_not_write(backend, http):
    headers = await backend("system/*.rs").headers("system/*.rs")
    body = {"resourceType": "Patient", "id": "p07"}
    for method, path in (("POST", "Patient"), ("PUT", "Patient/p07"), ("DELETE", "Patient/p07")):
        sent = {} if method == "DELETE" else {"json": body}
        answer = await http.request(method, f"/fhir/{path}", headers=headers, **sent)
        assert answer.status_code == 403, (method, answer.text)
        assert answer.json()["resourceType"] == "OperationOutcome"
    assert (await http.get("/fhir/Patient/p07", headers=headers)).status_code == 200


async def test_a_scope_to_write_does_not_read(backend, http):
    headers = await backend("system/*.cud").headers("system/*.cud")
    for path in ("/p07", "?_id=p07", "/p07/_history", "/p07/$everything"):
        answer = await http.get(f"/fhir/Patient{path}", headers=headers)
        assert answer.status_code == 403, (path, answer.text)
        assert "Patient/p07" not in answer.text


async def test_the_token_of_one_patient_opens_nothing_of_another(person, app_of, redeem, http):
    app, _ = app_of("launch/patient patient/*.cruds")
    said = await person.allow(app.id, "patient/*.cruds", patient="p07")
    headers = bearer(await redeem(app.id, said["code"]))
    http.cookies.clear()
    paths = ("Patient/p01", "Observation/p01-a1c-3", "Patient/p01/$everything")
    for path in (*paths, "Patient/p01/_history"):
        answer = await http.get(f"/fhir/{path}", headers=headers)
        assert answer.status_code in {403, 404}, path
        assert "p01-a1c" not in answer.text
    found = await http.get("/fhir/Observation?patient=p01", headers=headers)
    assert found.status_code in {403, 404} or found.json()["total"] == 0
    mine = await http.get("/fhir/Observation?_count=200", headers=headers)
    assert {e["resource"]["subject"]["reference"] for e in mine.json()["entry"]} == {"Patient/p07"}
    answer = await http.delete("/fhir/Observation/p01-a1c-3", headers=headers)
    assert answer.status_code in {403, 404}


async def test_an_app_loses_the_chart_when_its_clinician_does(
    person, app_of, redeem, http, hospital
):
    app, _ = app_of("launch/patient patient/*.rs")
    said = await person.allow(app.id, "patient/*.rs", patient="p07")
    headers = bearer(await redeem(app.id, said["code"]))
    http.cookies.clear()
    assert (await http.get("/fhir/Patient/p07", headers=headers)).status_code == 200
    order = hospital.records.read("ServiceRequest", "of-p07") | {"status": "completed"}
    hospital.records.put(order)
    assert (await http.get("/fhir/Patient/p07", headers=headers)).status_code == 403


async def test_an_app_of_a_clinician_reaches_the_charts_of_their_patients_only(
    person, app_of, redeem, http
):
    app, _ = app_of("user/*.rs")
    headers = bearer(await redeem(app.id, (await person.allow(app.id, "user/*.rs"))["code"]))
    http.cookies.clear()
    assert (await http.get("/fhir/Patient/p07", headers=headers)).status_code == 200
    assert (await http.get("/fhir/Patient/p03", headers=headers)).status_code in {403, 404}
    assert (await http.get("/fhir/Observation?patient=p03", headers=headers)).status_code == 403
    assert (await http.get("/fhir/Observation", headers=headers)).status_code == 400


async def test_a_granular_scope_shows_what_it_names_and_nothing_else(person, app_of, redeem, http):
    narrow = "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory"
    app, _ = app_of("patient/*.rs")
    said = await person.allow(app.id, narrow, patient="p07")
    answer = await redeem(app.id, said["code"])
    assert answer.json()["scope"] == narrow
    headers = bearer(answer)
    http.cookies.clear()
    found = (await http.get("/fhir/Observation?_count=200", headers=headers)).json()
    codes = {
        coding["code"]
        for entry in found["entry"]
        for category in entry["resource"]["category"]
        for coding in category["coding"]
    }
    assert codes == {"laboratory"}
    assert (await http.get("/fhir/Patient/p07", headers=headers)).status_code == 403
    everything = await http.get("/fhir/Patient/p07/$everything", headers=headers)
    assert everything.status_code == 403


async def test_an_expired_token_opens_nothing(backend, http, hospital):
    headers = await backend().headers()
    past = datetime.now(UTC) - timedelta(seconds=1)
    with hospital.database.transaction() as session:
        session.execute(update(SmartToken).values(expires=past))
    assert (await http.get("/fhir/Patient/p07", headers=headers)).status_code == 401


async def test_a_token_of_a_revoked_client_opens_nothing(backend, http, hospital):
    program = backend()
    headers = await program.headers()
    hospital.smart.clients.revoke(program.id)
    assert (await http.get("/fhir/Patient/p07", headers=headers)).status_code == 401
    assert refused(await program.ask())


async def test_a_token_of_a_withdrawn_account_opens_nothing(person, app_of, redeem, http, hospital):
    app, _ = app_of("launch/patient patient/*.rs offline_access")
    said = await person.allow(app.id, "patient/*.rs offline_access", patient="p07")
    answer = await redeem(app.id, said["code"])
    with hospital.database.transaction() as session:
        session.execute(update(User).values(disabled=True))
    http.cookies.clear()
    assert (await http.get("/fhir/Patient/p07", headers=bearer(answer))).status_code == 401
    fresh = {"grant_type": "refresh_token", "refresh_token": answer.json()["refresh_token"]}
    assert refused(
        await http.post("/oauth/token", data={**fresh, "client_id": app.id}), "invalid_grant"
    )


async def test_a_refresh_token_reads_nothing(person, app_of, redeem, http):
    app, _ = app_of("launch/patient patient/*.rs offline_access")
    said = await person.allow(app.id, "patient/*.rs offline_access", patient="p07")
    token = (await redeem(app.id, said["code"])).json()["refresh_token"]
    http.cookies.clear()
    headers = {"authorization": f"Bearer {token}"}
    assert (await http.get("/fhir/Patient/p07", headers=headers)).status_code == 401


async def test_a_token_made_for_another_address_opens_nothing(backend, http):
    headers = await backend().headers()
    answer = await http.get("http://127.0.0.1/fhir/Patient/p07", headers=headers)
    assert answer.status_code == 401


# The code, and PKCE


async def test_a_code_that_is_used_twice_ends_what_was_made_of_it(person, app_of, redeem, http):
    app, _ = app_of("launch/patient patient/*.rs offline_access")
    said = await person.allow(app.id, "patient/*.rs offline_access", patient="p07")
    first = await redeem(app.id, said["code"])
    http.cookies.clear()
    assert (await http.get("/fhir/Patient/p07", headers=bearer(first))).status_code == 200
    assert refused(await redeem(app.id, said["code"]), "invalid_grant")
    assert (await http.get("/fhir/Patient/p07", headers=bearer(first))).status_code == 401
    fresh = {"grant_type": "refresh_token", "refresh_token": first.json()["refresh_token"]}
    assert refused(
        await http.post("/oauth/token", data={**fresh, "client_id": app.id}), "invalid_grant"
    )


async def test_a_code_is_over_after_a_minute(person, app_of, redeem, hospital):
    app, _ = app_of("launch/patient patient/*.rs")
    said = await person.allow(app.id, "patient/*.rs", patient="p07")
    with hospital.database.transaction() as session:
        session.execute(update(SmartCode).values(expires=datetime.now(UTC)))
    assert refused(await redeem(app.id, said["code"]), "invalid_grant")


async def test_a_code_of_another_app_is_refused_and_stays_good_for_its_own(person, app_of, redeem):
    app, _ = app_of("launch/patient patient/*.rs")
    other, _ = app_of("launch/patient patient/*.rs")
    said = await person.allow(app.id, "patient/*.rs", patient="p07")
    assert refused(await redeem(other.id, said["code"]), "invalid_grant")
    assert (await redeem(app.id, said["code"])).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge": "short"},
    ],
)
async def test_a_request_without_pkce_or_with_plain_is_refused(person, app_of, changes):
    app, _ = app_of("launch/patient patient/*.rs")
    answer = await person.authorize(app.id, "patient/*.rs", **changes)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{BACK}?error=invalid_request")


@pytest.mark.parametrize("verifier", [None, "w" * 64, "v" * 63, hashlib.sha256(b"v").hexdigest()])
async def test_a_missing_or_wrong_verifier_is_refused(person, app_of, redeem, verifier):
    app, _ = app_of("launch/patient patient/*.rs")
    said = await person.allow(app.id, "patient/*.rs", patient="p07")
    answer = await redeem(app.id, said["code"], code_verifier=verifier)
    assert refused(answer, "invalid_grant" if verifier else "invalid_request")


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://other.example.org/fhir"},
        {"aud": None},
        {"state": None},
        {"response_type": "token"},
        {"scope": "system/*.rs"},
        {"scope": "nonsense"},
        {"launch": "unknown"},
    ],
)
async def test_a_request_that_cannot_be_granted_is_refused_at_the_apps_address(
    person, app_of, changes
):
    app, _ = app_of("launch launch/patient patient/*.rs")
    answer = await person.authorize(app.id, **{"scope": "patient/*.rs"} | changes)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{BACK}?error=")


async def test_scopes_without_end_are_refused(person, app_of, backend):
    endless = " ".join(f"patient/Observation.rs?code={n}" for n in range(150))
    app, _ = app_of("patient/*.rs")
    answer = await person.authorize(app.id, endless)
    assert "error=invalid_scope" in answer.headers["location"]
    assert refused(await backend().ask(endless.replace("patient/", "system/")), "invalid_scope")


# Addresses, and the person's own pages


@pytest.mark.parametrize(
    "redirect",
    [
        "https://evil.example.org/back",
        f"{BACK}/",
        f"{BACK}?next=https://evil.example.org",
        BACK.upper(),
        "https://app.example.org/back/../other",
        "https://app.example.org@evil.example.org/back",
        "javascript:alert(1)",
        "",
    ],
)
async def test_a_redirect_that_is_not_registered_is_an_open_redirect_and_refused(
    person, app_of, redirect
):
    app, _ = app_of("launch/patient patient/*.rs")
    answer = await person.authorize(app.id, "patient/*.rs", redirect_uri=redirect)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert "refresh" not in answer.headers


async def test_an_unknown_app_is_told_on_a_page_and_not_by_a_redirect(person):
    answer = await person.authorize("nobody", "patient/*.rs")
    assert answer.status_code == 400
    assert "location" not in answer.headers


async def test_another_redirect_at_the_exchange_is_refused(person, app_of, redeem):
    app, _ = app_of("launch/patient patient/*.rs", redirects=[BACK, f"{BACK}2"])
    said = await person.allow(app.id, "patient/*.rs", patient="p07")
    answer = await redeem(app.id, said["code"], redirect_uri=f"{BACK}2")
    assert refused(answer, "invalid_grant")


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "http://app.example.org/back",
        "https://app.example.org/back#x",
        "https://u@app.example.org/back",
        "/back",
        "https://app.example.org/a b",
        "https://app.example.org/;form-action",
    ],
)
def test_an_address_that_browsers_must_not_be_sent_to_is_not_registered(app_of, address):
    with pytest.raises(Exception, match=r"address"):
        app_of("patient/*.rs", redirects=[address])


async def test_consent_that_another_site_sends_is_refused(person, app_of, http):
    app, _ = app_of("launch/patient patient/*.rs")
    path = person.onward(await person.authorize(app.id, "patient/*.rs"))
    await person.post(f"{path}/patient", patient="p07")
    csrf = await person.csrf()
    form = {"scope": "patient/*.rs", "answer": "allow"}
    for sent, headers in (
        ({**form, "csrf": csrf}, {"sec-fetch-site": "cross-site"}),
        ({**form, "csrf": csrf}, {"origin": "https://evil.example.org"}),
        (form, {}),
        ({**form, "csrf": "guessed"}, {}),
    ):
        answer = await http.post(path, data=sent, headers=headers)
        assert answer.status_code == 403
        assert "location" not in answer.headers
    done = await http.post(path, data={**form, "csrf": csrf})
    assert "code=" in done.headers["location"]
    again = await http.post(path, data={**form, "csrf": csrf})
    assert again.status_code == 400


async def test_consent_cannot_be_framed_and_its_form_leads_to_the_app_alone(person, app_of):
    app, _ = app_of("launch/patient patient/*.rs")
    path = person.onward(await person.authorize(app.id, "patient/*.rs"))
    await person.post(f"{path}/patient", patient="p07")
    page = await person.http.get(path)
    policy = page.headers["content-security-policy"]
    assert "form-action 'self' https://app.example.org;" in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["x-frame-options"] == "DENY"


async def test_a_patient_whom_the_clinician_does_not_treat_cannot_be_chosen(person, app_of):
    app, _ = app_of("launch/patient patient/*.rs")
    path = person.onward(await person.authorize(app.id, "patient/*.rs"))
    for form in ({"patient": "p03"}, {"number": "p03"}, {"patient": "nobody"}, {}):
        assert (await person.post(f"{path}/patient", **form)).status_code == 404, form


async def test_somebody_elses_launch_cannot_be_answered(person, app_of):
    app, _ = app_of("launch patient/*.rs", launch_url="https://app.example.org/launch")
    launched = await person.post("/portal/patients/p07/launch", app=app.id)
    launch = launched.headers["location"].partition("launch=")[2]
    path = person.onward(await person.authorize(app.id, "launch patient/*.rs", launch=launch))
    person.sign_in("bo")
    assert (await person.http.get(path)).status_code == 403


async def test_scopes_that_were_not_offered_are_not_granted(person, app_of, redeem):
    app, _ = app_of("launch/patient patient/Patient.r patient/Observation.rs")
    path = person.onward(await person.authorize(app.id, "patient/Patient.r patient/Observation.rs"))
    await person.post(f"{path}/patient", patient="p07")
    chosen = ["patient/Patient.r", "patient/*.cruds", "system/*.rs", "user/*.rs"]
    done = await person.post(path, scope=chosen, answer="allow")
    code = done.headers["location"].partition("code=")[2].partition("&")[0]
    assert (await redeem(app.id, code)).json()["scope"] == "patient/Patient.r"


async def test_a_person_who_says_no_gives_nothing(person, app_of):
    app, _ = app_of("launch/patient patient/*.rs")
    path = person.onward(await person.authorize(app.id, "patient/*.rs"))
    await person.post(f"{path}/patient", patient="p07")
    done = await person.post(path, scope="patient/*.rs", answer="deny")
    assert done.headers["location"] == f"{BACK}?error=access_denied&state=a-state"


# Refreshing


@pytest.fixture
async def refreshed(person, app_of, redeem, http):
    """An app with a refresh token, and how it uses one."""
    app, _ = app_of("launch/patient patient/*.rs offline_access online_access")

    async def start(scope: str = "patient/Observation.rs offline_access") -> dict:
        said = await person.allow(app.id, scope, patient="p07")
        return (await redeem(app.id, said["code"])).json()

    async def again(token: str, **form: str) -> httpx.Response:
        return await refresh(http, app.id, token, **form)

    return start, again


async def test_a_refresh_token_that_is_used_again_ends_the_family(refreshed, http):
    start, again = refreshed
    first = await start()
    second = await again(first["refresh_token"])
    assert second.status_code == 200
    assert second.json()["refresh_token"] != first["refresh_token"]
    assert refused(await again(first["refresh_token"]), "invalid_grant")
    assert refused(await again(second.json()["refresh_token"]), "invalid_grant")
    http.cookies.clear()
    assert (await http.get("/fhir/Observation", headers=bearer(second))).status_code == 401


async def test_a_scope_that_is_widened_at_the_refresh_is_refused(refreshed):
    start, again = refreshed
    token = (await start())["refresh_token"]
    for scope in (
        "patient/*.rs",
        "patient/Observation.cruds",
        "patient/Patient.r",
        "user/*.rs",
        "",
    ):
        assert refused(await again(token, scope=scope), "invalid_scope"), scope
    narrower = await again(token, scope="patient/Observation.r")
    assert narrower.json()["scope"] == "patient/Observation.r"


async def test_a_refresh_token_of_another_app_is_refused_and_stays_good(refreshed, app_of):
    start, again = refreshed
    token = (await start())["refresh_token"]
    other, _ = app_of("launch/patient patient/*.rs")
    assert refused(await again(token, client_id=other.id), "invalid_grant")
    assert (await again(token)).status_code == 200


async def test_online_access_ends_with_the_session(refreshed, http):
    start, again = refreshed
    token = (await start("patient/Observation.rs online_access"))["refresh_token"]
    renewed = await again(token)
    assert renewed.status_code == 200
    page = await http.get("/portal/apps")
    csrf = page.text.partition('name="csrf" content="')[2].partition('"')[0]
    assert (await http.post("/portal/sign-out", data={"csrf": csrf})).status_code == 303
    assert refused(await again(renewed.json()["refresh_token"]), "invalid_grant")


async def test_what_a_clinician_takes_back_opens_nothing(refreshed, person, http):
    start, again = refreshed
    body = await start()
    page = (await http.get("/portal/apps")).text
    id_ = page.partition('action="/portal/apps/')[2].partition("/end")[0]
    assert (await person.post(f"/portal/apps/{id_}/end")).status_code == 303
    assert refused(await again(body["refresh_token"]), "invalid_grant")
    http.cookies.clear()
    headers = {"authorization": f"Bearer {body['access_token']}"}
    assert (await http.get("/fhir/Observation", headers=headers)).status_code == 401
