"""What the server says of itself is what it serves, and pages of registered apps may call."""

from __future__ import annotations

import re

import pytest

HOST = "http://localhost"
PAGE = "https://app.example.org"


async def test_the_configuration_names_addresses_that_are_served(http):
    said = (await http.get("/fhir/.well-known/smart-configuration")).json()
    assert said == (await http.get("/.well-known/smart-configuration")).json()
    for name, address in said.items():
        if name.endswith(("_endpoint", "_uri")):
            answer = await http.get(address.removeprefix(HOST))
            assert answer.status_code != 404, name
    assert said["issuer"] == HOST
    assert said["code_challenge_methods_supported"] == ["S256"]
    assert said["token_endpoint_auth_signing_alg_values_supported"] == ["ES384", "RS384"]
    openid = (await http.get("/.well-known/openid-configuration")).json()
    assert openid["jwks_uri"] == said["jwks_uri"]
    assert openid["id_token_signing_alg_values_supported"] == ["RS256"]


async def test_published_keys_hold_nothing_private_and_outlive_a_rotation(http, hospital):
    (before,) = (await http.get("/oauth/jwks")).json()["keys"]
    assert set(before) == {"kty", "n", "e", "kid", "use", "alg"}
    fresh = hospital.smart.signing.rotate()
    after = (await http.get("/oauth/jwks")).json()["keys"]
    assert {key["kid"] for key in after} >= {before["kid"]}
    assert fresh in {key["kid"] for key in after}


async def test_any_page_may_read_how_the_server_is_used(http):
    for path in ("/fhir/metadata", "/fhir/.well-known/smart-configuration", "/oauth/jwks"):
        answer = await http.get(path, headers={"origin": "https://any.example"})
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers


@pytest.fixture
def preflight(http):
    async def ask(path: str, origin: str = PAGE, method: str = "GET"):
        headers = {
            "origin": origin,
            "access-control-request-method": method,
            "access-control-request-headers": "authorization",
        }
        return await http.options(path, headers=headers)

    return ask


async def test_the_pages_of_a_registered_app_may_call(preflight, app_of, http):
    app_of("patient/*.rs", origins=[PAGE])
    for path, method in (("/fhir/Patient", "GET"), ("/fhir", "POST"), ("/oauth/token", "POST")):
        answer = await preflight(path, method=method)
        assert answer.status_code == 200, path
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert "authorization" in answer.headers["access-control-allow-headers"].lower()
        assert "access-control-allow-credentials" not in answer.headers
    answer = await http.get("/fhir/Patient/p07", headers={"origin": PAGE})
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert re.search("etag", answer.headers["access-control-expose-headers"], re.IGNORECASE)


async def test_other_pages_may_not_call(preflight, app_of, http):
    app_of("patient/*.rs", origins=[PAGE])
    for origin in ("https://evil.example", "http://app.example.org", "null", f"{PAGE}:8443"):
        answer = await preflight("/fhir/Patient", origin)
        assert answer.status_code == 400
        assert "access-control-allow-origin" not in answer.headers
    for path in ("/portal/apps", "/oauth/authorize", "/v1/chat/completions", "/oauth/introspect"):
        answer = await preflight(path, method="POST")
        assert "access-control-allow-origin" not in answer.headers


async def test_the_portals_cookie_is_not_taken_from_another_page(person, app_of):
    app_of("patient/*.rs", origins=[PAGE])
    assert (await person.http.get("/fhir/Patient/p07")).status_code == 200
    for headers in ({"origin": PAGE}, {"sec-fetch-site": "cross-site"}):
        assert (await person.http.get("/fhir/Patient/p07", headers=headers)).status_code == 403
