"""Signing in at an identity provider: a provider of our own that can misbehave in every way."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from services.hospital.app import create
from services.hospital.errors import ProviderError
from services.hospital.oidc import Provider, ProviderSettings, provider_of
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings

ISSUER = "https://id.hospital.example"
PASSWORD = "a long enough password"


class MockProvider:
    """Answers as an OpenID provider; `lies` changes the claims, `described` the description."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.signing = self.key
        self.lies, self.described, self.away = {}, {}, False
        self.algorithm, self.asked = "ES256", []
        self.given = {}

    def __call__(self, request):
        if self.away:
            raise httpx.ConnectError("away")
        self.asked.append(str(request.url))
        path = request.url.path
        if path == "/.well-known/openid-configuration":
            return httpx.Response(200, json=self.description())
        if path == "/keys":
            jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key()))
            return httpx.Response(200, json={"keys": [{**jwk, "kid": "k1", "alg": "ES256"}]})
        return self.token(parse_qs(request.content.decode()))

    def description(self):
        return {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
        } | self.described

    def authorize(self, url):
        """The person agrees: what the browser is sent back with."""
        query = {k: v[0] for k, v in parse_qs(urlsplit(url).query).items()}
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        self.given = query
        return {"code": "the-code", "state": query["state"]}

    def token(self, form):
        challenge = (
            base64.urlsafe_b64encode(
                hashlib.sha256(form.get("code_verifier", [""])[0].encode()).digest()
            )
            .decode()
            .rstrip("=")
        )
        if form.get("code") != ["the-code"] or challenge != self.given["code_challenge"]:
            return httpx.Response(400, json={"error": "invalid_grant"})
        now = int(time.time())
        claims = {
            "iss": ISSUER, "aud": "caretier", "sub": "u-1", "iat": now, "exp": now + 300,
            "nonce": self.given["nonce"], "name": "Dr. Cora Vance", "groups": ["doctors"],
        } | self.lies  # fmt: skip
        claims = {k: v for k, v in claims.items() if v is not None}
        key = self.signing if self.algorithm != "none" else None
        token = jwt.encode(claims, key, self.algorithm, headers={"kid": "k1"})
        body = {"access_token": "a", "token_type": "Bearer", "id_token": token}
        return httpx.Response(200, json=body)


@pytest.fixture
def idp():
    return MockProvider()


@pytest.fixture(params=["provider"])
def sign_in(request):
    return request.param


@pytest.fixture
def hospital(tmp_path, idp, sign_in):
    settings = HospitalSettings(
        data=tmp_path / "hospital",
        sign_in=sign_in,
        oidc_issuer=ISSUER,
        oidc_redirect="http://localhost/portal/provider/back",
        oidc_roles="doctors=clinician, it=operator,dpo=privacy",
    )
    made = Hospital(settings)
    made.provider = Provider(made.provider._settings, httpx.MockTransport(idp))
    made.accounts.add_user("ana", PASSWORD, "Dr. Ana", "clinician")
    yield made
    made.database.close()


@pytest.fixture
async def http(hospital):
    transport = httpx.ASGITransport(app=create(hospital.settings, hospital))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


async def go(http, idp, **change):
    """Go to the provider and come back; returns the page that it ends on."""
    left = await http.get("/portal/provider?next=/portal/patients")
    assert left.status_code == 303
    answer = idp.authorize(left.headers["location"]) | change
    return await http.get("/portal/provider/back", params=answer)


async def test_a_person_of_the_provider_gets_in_with_the_mapped_role(http, idp, hospital):
    page = await go(http, idp)
    assert page.status_code == 200
    assert page.headers["refresh"] == "0; url=/portal/patients"
    assert "caretier_portal" in http.cookies
    assert (await http.get("/portal/patients")).status_code == 200
    user = next(u for u in hospital.accounts.users() if u.subject)
    assert (user.display_name, user.role) == ("Dr. Cora Vance", "clinician")


async def test_the_second_time_it_is_the_same_account_with_the_role_of_now(http, idp, hospital):
    await go(http, idp)
    idp.lies = {"groups": ["doctors", "dpo"], "name": "Cora V."}
    await go(http, idp)
    (user,) = [u for u in hospital.accounts.users() if u.subject]
    assert (user.display_name, user.role) == ("Cora V.", "privacy")


async def test_the_account_has_no_password_that_anybody_knows(http, idp, hospital):
    await go(http, idp)
    user = next(u for u in hospital.accounts.users() if u.subject)
    for password in ("", "u-1", user.username):
        with pytest.raises(Exception, match="could not be signed in"):
            hospital.accounts.sign_in(user.username, password)


@pytest.mark.parametrize(
    "lies",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another-client"},
        {"aud": ["caretier", "other"], "azp": "other"},
        {"iss": "https://evil.example"},
        {"exp": 1_600_000_000},
        {"exp": None},
        {"sub": None},
        {"iat": int(time.time()) + 3600},
        {"groups": []},
        {"groups": ["visitors"]},
        {"groups": None},
        {"groups": "doctors"},
    ],
)
async def test_a_token_that_is_not_for_this_sign_in_opens_nothing(http, idp, lies):
    idp.lies = lies
    assert (await go(http, idp)).status_code == 401
    assert "caretier_portal" not in http.cookies


async def test_a_token_signed_by_another_key_opens_nothing(http, idp):
    idp.signing = ec.generate_private_key(ec.SECP256R1())
    assert (await go(http, idp)).status_code == 401


async def test_a_token_without_signature_opens_nothing(http, idp):
    idp.algorithm = "none"
    assert (await go(http, idp)).status_code == 401


async def test_a_token_signed_with_a_shared_secret_opens_nothing(http, idp):
    idp.algorithm, idp.signing = "HS256", b"x" * 32
    assert (await go(http, idp)).status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        {"state": "another"},
        {"state": ""},
        {"code": ""},
        {"code": "stolen"},
        {"iss": "https://evil"},
    ],
)
async def test_an_answer_that_does_not_belong_to_this_sign_in_opens_nothing(http, idp, change):
    assert (await go(http, idp, **change)).status_code == 401
    assert "caretier_portal" not in http.cookies


async def test_an_answer_is_taken_once(http, idp):
    await go(http, idp)
    answer = {"code": "the-code", "state": idp.given["state"]}
    again = await http.get("/portal/provider/back", params=answer)
    assert again.headers["location"].startswith("/portal/sign-in")


async def test_another_browser_cannot_take_the_answer(http, idp):
    left = await http.get("/portal/provider")
    answer = idp.authorize(left.headers["location"])
    http.cookies.clear()
    back = await http.get("/portal/provider/back", params=answer)
    assert back.headers["location"].startswith("/portal/sign-in")


async def test_an_account_that_was_disabled_here_stays_out(http, idp, hospital):
    await go(http, idp)
    with hospital.database.transaction() as session:
        from services.hospital.models import User

        user = next(u for u in hospital.accounts.users() if u.subject)
        session.get_one(User, user.id).disabled = True
    http.cookies.clear()
    assert (await go(http, idp)).status_code == 401


async def test_local_passwords_are_refused_where_the_provider_is_the_only_way(http):
    form = {"user": "ana", "password": PASSWORD}
    assert (await http.post("/portal/sign-in", data=form)).status_code == 403
    page = (await http.get("/portal/sign-in")).text
    assert 'name="password"' not in page
    assert "Sign in with the hospital account" in page


@pytest.mark.parametrize("sign_in", ["both"], indirect=True)
async def test_both_ways_can_stand_side_by_side(http, idp):
    form = {"user": "ana", "password": PASSWORD}
    assert (await http.post("/portal/sign-in", data=form)).status_code == 303
    assert (await go(http, idp)).status_code == 200


async def test_a_required_factor_is_asked_for_unless_the_provider_asked(http, idp, hospital):
    hospital.factors.policy = "required"
    page = await go(http, idp)
    assert page.headers["refresh"] == "0; url=/portal/second-factor/enrol"
    assert "caretier_portal" not in http.cookies
    idp.lies = {"amr": ["pwd", "otp"]}
    assert (await go(http, idp)).headers["refresh"] == "0; url=/portal/patients"


async def test_a_provider_that_is_away_is_said_to_be(http, idp):
    idp.away = True
    answer = await http.get("/portal/provider")
    assert answer.status_code == 502


@pytest.mark.parametrize(
    "described",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://id.hospital.example/token"},
        {"jwks_uri": ""},
    ],
)
async def test_a_provider_that_describes_itself_as_another_is_refused(http, idp, described):
    idp.described = described
    assert (await http.get("/portal/provider")).status_code == 502


@pytest.mark.parametrize(
    "change",
    [
        {"oidc_roles": ""},
        {"oidc_roles": "x=root"},
        {"oidc_issuer": ""},
        {"oidc_issuer": "http://id.example"},
    ],
)
def test_a_provider_that_is_not_described_well_is_refused_at_the_start(change):
    values = {"sign_in": "both", "oidc_issuer": ISSUER, "oidc_roles": "a=clinician"} | change
    with pytest.raises(ProviderError):
        provider_of(HospitalSettings(**values))


def test_by_default_there_is_none():
    assert provider_of(HospitalSettings()) is None


def test_the_clients_secret_stands_in_no_text():
    settings = ProviderSettings(ISSUER, "caretier", "x", {}, client_secret="hush")
    assert "hush" not in repr(settings)
