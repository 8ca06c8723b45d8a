"""Opening the portal from an EHR: an EHR of our own that can misbehave in every way."""
# ruff: noqa: F811  # fixtures are imported by their names

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import jwt
import pytest
from support.smart import (  # noqa: F401  # fixtures
    HOST,
    PASSWORD,
    Key,
    http,
    jwks,
    seeded,
)
from support.trail import Trail

from compliance.errors import BadInputError
from services.hospital.audited import Caller
from services.hospital.launching.ehrs import LaunchingEhrs
from services.hospital.models import EhrResource, User
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings
from services.web.outbound import Outbound

EHR = "https://ehr.example.org"
ISS = f"{EHR}/fhir"
CALLS = {"iss": ISS, "launch": "the-launch"}


class Ehr(Outbound):
    """Answers in the place of an EHR; ``lies`` changes the claims, ``context`` the grant."""

    def __init__(self) -> None:
        super().__init__([EHR])
        self.key, self.calls, self.given = Key.rsa("k1"), [], {}
        self.key.algorithm = "RS256"
        self.lies: dict[str, Any] = {}
        self.context: dict[str, Any] = {"patient": "p07"}
        self.smart: dict[str, Any] = {}
        self.header: dict[str, Any] = {"kid": "k1"}
        self.patient: dict[str, Any] = {}
        self.published, self.signing = jwks(self.key), self.key.private

    def client(self, **_more):
        return httpx.AsyncClient(transport=httpx.MockTransport(self.answer))

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(str(request.url))
        match request.url.path:
            case "/fhir/.well-known/smart-configuration":
                return httpx.Response(200, json=self.description() | self.smart)
            case "/.well-known/openid-configuration" | "/other/.well-known/openid-configuration":
                return httpx.Response(200, json={"issuer": EHR, "jwks_uri": f"{EHR}/keys"})
            case "/keys":
                return httpx.Response(200, text=self.published)
            case "/token":
                return self.token(dict(parse_qsl(request.content.decode())))
        assert request.headers["authorization"] == "Bearer an-access-token"
        return httpx.Response(200, json=self.patient)

    def description(self) -> dict[str, Any]:
        return {
            "issuer": EHR,
            "authorization_endpoint": f"{EHR}/authorize",
            "token_endpoint": f"{EHR}/token",
            "code_challenge_methods_supported": ["S256"],
        }

    def authorize(self, url: str) -> dict[str, str]:
        """The clinician agrees; what the browser comes back with."""
        self.given = {k: v[0] for k, v in parse_qs(urlsplit(url).query).items()}
        return {"code": "the-code", "state": self.given["state"]}

    def token(self, form: dict[str, str]) -> httpx.Response:
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        fits = base64.urlsafe_b64encode(digest).decode()[:43] == self.given["code_challenge"]
        same = form["redirect_uri"] == self.given["redirect_uri"]
        if form["code"] != "the-code" or not fits or not same:
            return httpx.Response(400, json={"error": "invalid_grant"})
        now = int(time.time())
        claims = {
            "iss": EHR, "aud": "caretier", "sub": "dr-1", "iat": now, "exp": now + 300,
            "nonce": self.given["nonce"],
        } | self.lies  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        key = None if self.key.algorithm == "none" else self.signing
        token = jwt.encode(claims, key, self.key.algorithm, headers=self.header)
        body = {"access_token": "an-access-token", "token_type": "Bearer", "id_token": token}
        return httpx.Response(200, json=body | self.context)


@pytest.fixture
def ehr(hospital):
    """The EHR, in whose name Ana may come."""
    made = Ehr()
    hospital.launching._outbound = made
    hospital.launching._patients._outbound = made
    hospital.launching.links.link("ana", EHR, "dr-1", Caller.shell())
    made.patient = hospital.records.read("Patient", "p07")
    return made


@pytest.fixture
def hospital(seeded, tmp_path, monkeypatch):
    data = tmp_path / "hospital"
    data.mkdir()
    shutil.copyfile(seeded, data / "hospital.db")
    made = Hospital(HospitalSettings(data=data, launch_ehrs=f"{ISS}|caretier", outbound=EHR))
    made.intake.audit = Trail()
    yield made
    made.database.close()


async def go(http: httpx.AsyncClient, ehr: Ehr, **change: str) -> httpx.Response:
    """From the chart to the EHR and back; the page in between."""
    left = await http.get("/portal/launch", params=CALLS)
    assert left.status_code == 303, left.text
    answer = ehr.authorize(left.headers["location"]) | change
    return await http.get("/portal/launch/back", params=answer)


async def land(http: httpx.AsyncClient, page: httpx.Response) -> httpx.Response:
    """Go on from the page in between."""
    assert page.status_code == 200, page.text
    assert page.headers["refresh"] == "0; url=/portal/launch/enter"
    assert "caretier_portal" not in page.headers.get("set-cookie", "")
    return await http.get("/portal/launch/enter")


def opened(http: httpx.AsyncClient) -> bool:
    return "caretier_portal" in http.cookies


def signs(hospital: Hospital) -> list[tuple[str, str]]:
    """Outcome and agent of each sign-in on the audit trail by this method."""
    events = hospital.intake.audit.events
    found = [e for e in events if "ehr-launch" in json.dumps(e)]
    return [(e["outcome"], e["agent"][0]["who"]["identifier"]["value"]) for e in found]


async def test_a_launch_opens_the_chart_of_the_patient_in_context(http, ehr, hospital):
    done = await land(http, await go(http, ehr))
    assert done.headers["location"] == "/portal/patients/p07"
    assert (await http.get("/portal/patients/p07")).status_code == 200
    assert ehr.given["scope"] == "launch openid fhirUser patient/Patient.read"
    assert (ehr.given["aud"], ehr.given["launch"]) == (ISS, "the-launch")
    assert ehr.given["redirect_uri"] == f"{HOST}/portal/launch/back"
    assert ehr.given["code_challenge_method"] == "S256"
    ana = next(u for u in hospital.accounts.users() if u.username == "ana")
    assert signs(hospital) == [("0", ana.id)]


@pytest.mark.parametrize(
    "iss",
    [
        "",
        "https://evil.example/fhir",
        "https://ehr.example.org/fhir/../other",
        "https://ehr.example.org:444/fhir",
        "http://ehr.example.org/fhir",
        "https://ehr.example.org@evil.example/fhir",
        "https://ehr.example.org/fhir?x=1",
        "https://ehr.example.org/fhir#x",
        "https://ehr.example.org",
        "javascript:alert(1)",
    ],
)
async def test_an_ehr_that_is_not_registered_is_refused_and_not_called(http, ehr, iss):
    answer = await http.get("/portal/launch", params={"iss": iss, "launch": "x"})
    assert answer.status_code == 400
    assert "not registered here" in answer.text
    assert ehr.calls == []


async def test_an_ehr_whose_origin_may_not_be_called_is_not_called(http, hospital, ehr):
    closed = Ehr()
    closed._origins = frozenset()
    hospital.launching._outbound = closed
    assert (await http.get("/portal/launch", params=CALLS)).status_code == 502
    assert closed.calls == []


@pytest.mark.parametrize("launch", ["", "x" * 3000])
async def test_what_is_no_launch_from_a_chart_is_refused_and_nobody_is_called(http, ehr, launch):
    answer = await http.get("/portal/launch", params={"iss": ISS, "launch": launch})
    assert answer.status_code == 401
    assert ehr.calls == []


@pytest.mark.parametrize(
    "smart",
    [
        {"authorization_endpoint": "https://evil.example/authorize"},
        {"authorization_endpoint": "http://ehr.example.org/authorize"},
        {"authorization_endpoint": None},
        {"code_challenge_methods_supported": ["plain"]},
        {"token_endpoint": None},
    ],
)
async def test_the_browser_is_sent_nowhere_where_pkce_or_tls_cannot_be_had(http, ehr, smart):
    ehr.smart = smart
    assert (await http.get("/portal/launch", params=CALLS)).status_code == 502


async def test_a_code_is_sent_to_no_token_endpoint_elsewhere(http, ehr):
    ehr.smart = {"token_endpoint": "https://evil.example/token"}
    left = await http.get("/portal/launch", params=CALLS)
    answer = ehr.authorize(left.headers["location"])
    ehr.client = Outbound([EHR]).client
    assert (await http.get("/portal/launch/back", params=answer)).status_code == 502
    assert not opened(http)


@pytest.mark.parametrize(
    "change",
    [
        {"state": "another"},
        {"state": ""},
        {"code": ""},
        {"code": "stolen"},
        {"iss": "https://evil.example"},
        {"code": "", "error": "access_denied"},
    ],
)
async def test_an_answer_that_does_not_belong_to_the_launch_opens_nothing(
    http, ehr, hospital, change
):
    assert (await go(http, ehr, **change)).status_code == 401
    assert not opened(http)
    assert signs(hospital) == [("4", "unknown")]


async def test_an_answer_is_taken_once(http, ehr):
    await go(http, ehr)
    answer = {"code": "the-code", "state": ehr.given["state"]}
    kept = http.cookies.get("caretier_launch")
    assert kept is None
    assert (await http.get("/portal/launch/back", params=answer)).status_code == 401


async def test_an_answer_is_taken_once_though_the_cookie_is_kept(http, ehr):
    left = await http.get("/portal/launch", params=CALLS)
    cookie = http.cookies["caretier_launch"]
    answer = ehr.authorize(left.headers["location"])
    await http.get("/portal/launch/back", params=answer)
    sent = {"cookie": f"caretier_launch={cookie}"}
    again = await http.get("/portal/launch/back", params=answer, headers=sent)
    assert again.status_code == 401


async def test_another_browser_cannot_take_the_answer(http, ehr):
    left = await http.get("/portal/launch", params=CALLS)
    answer = ehr.authorize(left.headers["location"])
    http.cookies.clear()
    assert (await http.get("/portal/launch/back", params=answer)).status_code == 401
    assert not opened(http)


async def test_a_launch_is_over_after_five_minutes(http, ehr, hospital):
    left = await http.get("/portal/launch", params=CALLS)
    answer = ehr.authorize(left.headers["location"])
    hospital.pending._clock = lambda: datetime.now(UTC) + timedelta(minutes=5, seconds=1)
    assert (await http.get("/portal/launch/back", params=answer)).status_code == 401


async def test_the_last_step_is_taken_once_and_only_with_its_own_cookie(http, ehr):
    page = await go(http, ehr)
    cookie = http.cookies["caretier_pending"]
    await land(http, page)
    http.cookies.clear()
    assert (await http.get("/portal/launch/enter")).status_code == 401
    sent = {"cookie": f"caretier_pending={cookie}"}
    assert (await http.get("/portal/launch/enter", headers=sent)).status_code == 401


@pytest.mark.parametrize(
    "lies",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"nonce": "\ud800"},
        {"aud": "another-client"},
        {"aud": ["caretier", "other"], "azp": "other"},
        {"iss": "https://evil.example"},
        {"iss": ISS},
        {"exp": 1_600_000_000},
        {"exp": None},
        {"iat": None},
        {"iat": int(time.time()) + 3600},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 300},
        {"nbf": int(time.time()) + 3600},
    ],
)
async def test_an_id_token_that_is_not_for_this_launch_opens_nothing(http, ehr, hospital, lies):
    ehr.lies = lies
    assert (await go(http, ehr)).status_code == 401
    assert not opened(http)
    assert signs(hospital) == [("4", "unknown")]


def _unsigned(ehr: Ehr) -> None:
    ehr.key.algorithm = "none"


def _shared(ehr: Ehr) -> None:
    ehr.key.algorithm, ehr.signing = "HS256", b"x" * 32


def _published_shared(ehr: Ehr) -> None:
    _shared(ehr)
    octets = base64.urlsafe_b64encode(b"x" * 32).decode().rstrip("=")
    ehr.published = json.dumps({"keys": [{"kty": "oct", "k": octets, "kid": "k1"}]})


def _public_as_secret(ehr: Ehr) -> None:
    numbers = ehr.key.public()["n"].encode()
    ehr.key.algorithm, ehr.signing = "HS256", numbers


def _another_key(ehr: Ehr) -> None:
    ehr.signing = Key.rsa("k1").private


def _another_name(ehr: Ehr) -> None:
    ehr.header = {"kid": "k2"}


def _for_secrecy(ehr: Ehr) -> None:
    (key,) = json.loads(ehr.published)["keys"]
    ehr.published = json.dumps({"keys": [key | {"use": "enc"}]})


def _for_another_algorithm(ehr: Ehr) -> None:
    (key,) = json.loads(ehr.published)["keys"]
    ehr.published = json.dumps({"keys": [key | {"alg": "RS384"}]})


def _twice(ehr: Ehr) -> None:
    (key,) = json.loads(ehr.published)["keys"]
    ehr.published = json.dumps({"keys": [key, key]})


def _weak(ehr: Ehr) -> None:
    key = Key.rsa("k1", 1024)
    key.algorithm = "RS256"
    ehr.signing, ehr.published = key.private, jwks(key)


def _no_set(ehr: Ehr) -> None:
    ehr.published = "[]"


def _key_in_the_header(ehr: Ehr) -> None:
    own = Key.rsa("k1")
    ehr.signing, ehr.header = own.private, {"kid": "k1", "jwk": own.public()}


@pytest.mark.parametrize(
    "spoil",
    [
        _unsigned, _shared, _published_shared, _public_as_secret, _another_key, _another_name,
        _for_secrecy, _for_another_algorithm, _twice, _weak, _no_set, _key_in_the_header,
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
async def test_an_id_token_that_the_issuer_did_not_sign_opens_nothing(http, ehr, spoil):
    spoil(ehr)
    assert (await go(http, ehr)).status_code == 401
    assert not opened(http)


@pytest.mark.parametrize("key", [Key.ec("k1"), Key.rsa("k1")], ids=["ES384", "RS384"])
async def test_other_algorithms_of_public_keys_are_taken(http, ehr, key):
    (described,) = json.loads(jwks(key))["keys"]
    described.pop("alg")
    ehr.key, ehr.signing, ehr.published = key, key.private, json.dumps({"keys": [described]})
    assert (await land(http, await go(http, ehr))).headers["location"] == "/portal/patients/p07"


async def test_somebody_without_an_account_is_told_what_an_operator_needs(http, ehr, hospital):
    before = len(hospital.accounts.users())
    ehr.lies = {"sub": "dr-<b>2"}
    page = await go(http, ehr)
    assert page.status_code == 403
    assert not opened(http)
    assert EHR in page.text
    assert "dr-&lt;b&gt;2" in page.text
    assert "No account here is linked" in page.text
    assert len(hospital.accounts.users()) == before
    assert signs(hospital) == [("4", "unknown")]


@pytest.mark.parametrize("change", [{"disabled": True}, {"role": "operator"}, {"role": "privacy"}])
async def test_an_account_that_may_not_come_this_way_opens_nothing(http, ehr, hospital, change):
    with hospital.database.transaction() as session:
        user = session.query(User).filter(User.username == "ana").one()
        for name, value in change.items():
            setattr(user, name, value)
    assert (await go(http, ehr)).status_code == 401
    assert not opened(http)
    assert signs(hospital)[0][0] == "4"


async def test_a_locked_account_opens_nothing(http, ehr, hospital):
    with hospital.database.transaction() as session:
        user = session.query(User).filter(User.username == "ana").one()
        user.locked_until = datetime.now(UTC) + timedelta(minutes=5)
    assert (await land(http, await go(http, ehr))).status_code == 401
    assert not opened(http)


async def test_the_session_of_whoever_was_signed_in_ends(http, ehr, hospital):
    other = hospital.accounts.sign_in("bo", PASSWORD)
    page = await go(http, ehr)  # on the way back from another site a strict cookie stays at home
    http.cookies.set("caretier_portal", other, domain="localhost.local", path="/")
    await land(http, page)
    assert hospital.accounts.signed_in(other) is None
    tokens = [c.value for c in http.cookies.jar if c.name == "caretier_portal" and c.value != other]
    assert hospital.accounts.signed_in(tokens[0]).user.username == "ana"


async def test_a_patient_of_another_record_is_not_taken_for_who_has_the_id_here(http, ehr):
    ehr.patient = ehr.patient | {"birthDate": "1901-01-01"}
    done = await land(http, await go(http, ehr))
    assert done.headers["location"] == "/portal/launch/unknown"
    page = await http.get("/portal/launch/unknown")
    assert page.status_code == 404
    assert "not known here" in page.text


@pytest.mark.parametrize(
    "context", [{"patient": "nobody"}, {"patient": "../p07"}, {"patient": "p07?x"}]
)
async def test_a_patient_who_is_not_known_here_opens_no_chart(http, ehr, context):
    ehr.context = context
    done = await land(http, await go(http, ehr))
    assert done.headers["location"] == "/portal/launch/unknown"


async def test_without_a_patient_in_context_the_inbox_opens(http, ehr):
    ehr.context = {}
    assert (await land(http, await go(http, ehr))).headers["location"] == "/portal/"


async def test_a_patient_who_came_from_that_ehr_has_the_name_that_was_given_here(
    http, ehr, hospital
):
    from services.hospital.ehr.connections import Connecting

    hospital.ehr.connections.add(Connecting("main", f"{ISS}/"))
    with hospital.database.transaction() as session:
        row = EhrResource(connection="main", type="Patient", source="77", local="p01")
        row.seen = datetime.now(UTC)
        session.add(row)
    ehr.context = {"patient": "77"}
    done = await land(http, await go(http, ehr))
    assert done.headers["location"] == "/portal/patients/p01"


async def test_the_treatment_relation_stays_required(http, ehr, hospital):
    ehr.context, ehr.patient = {"patient": "p02"}, hospital.records.read("Patient", "p02")
    done = await land(http, await go(http, ehr))
    page = await http.get(done.headers["location"])
    assert "/portal/patients/p02/emergency" in page.text


async def test_a_second_factor_is_asked_for_unless_the_ehr_asked(http, ehr, hospital):
    hospital.factors.policy = "required"
    done = await land(http, await go(http, ehr))
    assert done.headers["location"] == "/portal/second-factor/enrol"
    assert not opened(http)
    ehr.lies = {"amr": ["pwd", "otp"]}
    done = await land(http, await go(http, ehr))
    assert done.headers["location"] == "/portal/patients/p07"


async def test_an_ehr_that_describes_another_issuer_opens_nothing(http, ehr):
    ehr.smart = {"issuer": f"{EHR}/other"}
    assert (await go(http, ehr)).status_code == 401
    assert not opened(http)


def test_an_account_is_linked_to_one_person_and_a_person_to_one_account(ehr, hospital):
    links, by = hospital.launching.links, Caller.shell()
    for username, id_ in (("ana", "dr-2"), ("bo", "dr-1"), ("bo", ""), ("bo", "x" * 300)):
        with pytest.raises(BadInputError):
            links.link(username, EHR, id_, by)
    links.unlink("ana", by)
    links.link("bo", EHR, "dr-1", by)
    assert links.user_of(f"{EHR}#dr-1").username == "bo"


@pytest.mark.parametrize("listed", ["https://a.example/fhir", "x|y", "https://a.example|a|b"])
def test_a_list_of_ehrs_that_is_none_is_refused_at_the_start(listed):
    with pytest.raises(Exception, match=r"iss\|client id|not an address"):
        LaunchingEhrs(listed)
