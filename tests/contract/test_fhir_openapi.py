"""The whole FHIR, OAuth and CDS Hooks surface with generated requests: no server error.

In one process, so that a crash shows its traceback. What is generated: requests after the OpenAPI
document (schemathesis), searches over every parameter that the CapabilityStatement lists, broken
resources, bundles, patches, token requests and calls of decision support (hypothesis).
"""

from __future__ import annotations

import contextlib
import copy
import json
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import httpx
import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from support.cds import allergy, draft, sign, view

from services.bricks.knowledge import Knowledge
from services.fhir import jsontext
from services.fhir.sandbox import generate
from services.fhir.validate import faults
from services.hospital.app import create
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings
from tests.unit.fhir.fhir_mutations import broken

EXAMPLES = 4
"""Requests of each kind to each operation."""
SECONDS = 45.0
"""For all operations; a slow machine tries fewer."""
SURFACES = ("/fhir", "/oauth", "/cds-services", "/.well-known")
FHIR = "application/fhir+json"
QUIET = settings(
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
SOUND = list({r["resourceType"]: r for r in generate()}.values())
TYPES = st.sampled_from([r["resourceType"] for r in SOUND] + ["Provenance", "Nonsense", "patient"])
ODD = st.one_of(
    st.sampled_from(
        [
            "", "p07", "Patient/p07", "|", "a|b", "||", "2020", "ge2020-13-01", "gt", "ne2020-02",
            "1e999", "-", ",", "\\,", "$", "%", "\x00", "é" * 50, "x" * 5_000, "true", "#", "*",
            "eq5.4||mg", "ap1", "Patient:link", "http://example.org/Patient/p07", "12345678901",
            "9999-12-31T23:59:59+14:00", "0001-01-01", "urn:uuid:x", "'; drop table fhir; --",
        ]
    ),
    st.text(max_size=30),
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
CONTROLS = (
    "_id", "_lastUpdated", "_sort", "_count", "_include", "_revinclude", "_summary", "_elements",
    "_total", "_has:Observation:patient:code", "_format", "_cursor", "_page", "_tag", "_profile",
    "_security", "_since", "_at", "_type", "_until", "_outputFormat", "_typeFilter", "patient.name",
)  # fmt: skip
MODIFIERS = (
    "",
    ":missing",
    ":exact",
    ":contains",
    ":not",
    ":in",
    ":identifier",
    ":Patient",
    ":x",
    ":",
)


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    node = SimpleNamespace(index=SimpleNamespace(knowledge=Knowledge.load("hospital")))
    folder = tmp_path_factory.mktemp("contract") / "hospital"
    made = Hospital(HospitalSettings(data=folder, cds_open=True), node)  # type: ignore[arg-type]
    made.records.put_many(generate())
    made.cds.warm()
    yield made
    made.cds.hooks.close()
    made.database.close()


@pytest.fixture(scope="module")
def client(hospital: Hospital) -> TestClient:
    key = hospital.accounts.new_key("contract", "system/*.cruds")
    headers = {"authorization": f"Bearer {key}", "content-type": FHIR}
    app = create(hospital.settings, hospital)
    return TestClient(app, "http://localhost", headers=headers, client=("127.0.0.1", 5000))


def check(answer: httpx.Response) -> None:
    """No server error, and a refusal in the form of its surface."""
    path = answer.request.url.path
    assert answer.status_code < 500, (answer.request.method, str(answer.request.url), answer.text)
    if answer.status_code < 400:
        return
    body = answer.json()
    kind = answer.headers["content-type"].partition(";")[0]
    if path.startswith("/oauth"):
        assert "error" in body or kind == "application/problem+json"
    elif kind == FHIR:
        assert body["resourceType"] == "OperationOutcome"
        assert faults(body, identified=False) == ()
    else:
        assert kind == "application/problem+json", (path, kind)
        assert body["status"] == answer.status_code


def sendable(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable()


def content(sent: dict[str, Any]) -> bytes:
    """The body of a generated request as bytes."""
    data = json.dumps(sent["json"]) if "json" in sent else sent.get("data") or b""
    if isinstance(data, dict):
        data = str(httpx.QueryParams({k: str(v) for k, v in data.items()}))
    return data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data


def try_operation(client: TestClient, operation: Any, mode: GenerationMode) -> int:
    calls = 0

    @settings(QUIET, max_examples=EXAMPLES)
    @given(case=operation.as_strategy(generation_mode=mode))
    def attempt(case: Any) -> None:
        nonlocal calls
        sent = case.as_transport_kwargs(base_url="http://localhost")
        given = {k: v for k, v in (sent.get("headers") or {}).items() if sendable(v)}
        body = {"params": sent.get("params"), "content": content(sent), "headers": given}
        check(client.request(sent["method"], sent["url"], **body))
        calls += 1

    attempt()
    return calls


def test_no_request_after_the_openapi_document_crashes(client: TestClient) -> None:
    schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
    operations = [found.ok() for found in schema.get_all_operations()]
    operations = [operation for operation in operations if operation.path.startswith(SURFACES)]
    tried: dict[str, int] = {}
    until = time.monotonic() + SECONDS
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        for operation in operations:
            key = f"{operation.method} {operation.path}"
            with contextlib.suppress(Unsatisfiable):  # without parameters no request is bad
                made = try_operation(client, operation, mode) if time.monotonic() < until else 0
                tried[key] = tried.get(key, 0) + made
    assert len(tried) > 35
    assert all(tried.values()) or time.monotonic() > until, tried


@pytest.fixture(scope="module")
def parameters(client: TestClient) -> dict[str, list[str]]:
    """Search parameters by type, as the CapabilityStatement has them."""
    served = client.get("/fhir/metadata").json()["rest"][0]["resource"]
    return {r["type"]: [p["name"] for p in r.get("searchParam", ())] for r in served}


def test_no_search_crashes(client: TestClient, parameters: dict[str, list[str]]) -> None:
    @settings(QUIET, max_examples=400)
    @given(data=st.data())
    def attempt(data: st.DataObject) -> None:
        kind = data.draw(TYPES)
        names = st.sampled_from([*parameters.get(kind, ()), *CONTROLS])
        one = st.tuples(names, st.sampled_from(MODIFIERS), ODD).map(lambda t: (t[0] + t[1], t[2]))
        asked = data.draw(st.lists(one, min_size=1, max_size=3))
        place = data.draw(
            st.sampled_from(
                [kind, f"{kind}/_history", "_history", "Patient/p07/$everything", "$export"]
            )
        )
        asked = [(n, v.encode("utf-8", "replace").decode()) for n, v in asked]
        check(client.get(f"/fhir/{place}", params=asked))
        if place == kind:
            form = {"content-type": "application/x-www-form-urlencoded"}
            check(
                client.post(
                    f"/fhir/{kind}/_search",
                    content=str(httpx.QueryParams(asked)),
                    headers=form,
                )
            )

    attempt()


@settings(QUIET, max_examples=150)
@given(case=broken(SOUND), verb=st.sampled_from(["POST", "PUT", "bundle", "$validate"]))
def _no_broken_resource(client: TestClient, case: tuple[str, Any], verb: str) -> None:
    name, resource = case
    kind, identity = resource["resourceType"], resource.get("id")
    assume(faults({**resource, "id": "a"}))  # the id of what is created is the server's
    body = jsontext.dumps(resource).encode("utf-8", "surrogatepass")
    if verb == "bundle":
        entry = b'{"request":{"method":"POST","url":"%s"},"resource":%s}' % (kind.encode(), body)
        bundle = b'{"resourceType":"Bundle","type":"transaction","entry":[%s]}' % entry
        answer = client.post("/fhir", content=bundle)
    elif verb == "PUT":
        answer = client.put(f"/fhir/{kind}/{identity or 'x'}", content=body)
    elif verb == "POST":
        answer = client.post(f"/fhir/{kind}", content=body)
    else:
        answer = client.post(f"/fhir/{kind}/$validate", content=body)
        issues = answer.json()["issue"]
        assert any(i["severity"] == "error" for i in issues), name
        check(answer)
        return
    check(answer)
    assert answer.status_code >= 400, (name, verb)


def test_no_broken_resource_is_taken(client: TestClient) -> None:
    _no_broken_resource(client)


PATHS = st.sampled_from(
    ["", "/", "/id", "/gender", "/name", "/name/0", "/name/-", "/x~2", "/name/9"]
)
STEP = st.fixed_dictionaries(
    {
        "op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test", "x"]),
        "path": PATHS,
    },
    optional={"value": JSON, "from": PATHS},
)
CONDITION = st.sampled_from(
    [
        "",
        "*",
        'W/"1"',
        'W/"x"',
        '"1"',
        'W/"' + "9" * 30 + '"',
        "identifier=x|y",
        "_id=p07",
        "x=",
        "?",
    ]
)


@settings(QUIET, max_examples=100)
@given(
    body=st.lists(STEP, max_size=3) | JSON,
    match=CONDITION,
    verb=st.sampled_from(["PATCH", "DELETE", "PUT", "POST"]),
    place=st.tuples(TYPES, st.sampled_from(["/x", "?_id=nobody", "", "/p07/_history/1", "/x/y"])),
)
def _no_write(client: TestClient, body: Any, match: str, verb: str, place: tuple[str, str]) -> None:
    media = "application/json-patch+json" if verb == "PATCH" else FHIR
    headers = {"content-type": media, "if-match": match, "if-none-exist": match}
    content = json.dumps(body).encode("utf-8", "surrogatepass")
    check(client.request(verb, f"/fhir/{''.join(place)}", content=content, headers=headers))


def test_no_write_crashes(client: TestClient) -> None:
    _no_write(client)


ENTRY = st.fixed_dictionaries(
    {},
    optional={
        "fullUrl": ODD,
        "resource": st.sampled_from(SOUND) | JSON,
        "request": st.fixed_dictionaries(
            {},
            optional={
                "method": st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "x"]),
                "url": st.sampled_from(
                    ["Patient", "Patient/p07", "Patient?_id=p07", "/", "http://x", "Patient/p07/x",
                     "Observation?patient=p07", "Nonsense/1", "metadata", "$export", "../x", "?"]
                ) | ODD,
                "ifMatch": CONDITION,
                "ifNoneExist": CONDITION,
            },
        ) | JSON,
    },
)  # fmt: skip


@settings(QUIET, max_examples=100)
@given(
    kind=st.sampled_from(["batch", "transaction", "history", "collection", None, 5]),
    entries=st.lists(ENTRY | JSON, max_size=3) | JSON,
)
def _no_bundle(client: TestClient, kind: Any, entries: Any) -> None:
    bundle = {"resourceType": "Bundle", "type": kind, "entry": entries}
    content = json.dumps(bundle).encode("utf-8", "surrogatepass")
    answer = client.post("/fhir", content=content)
    check(answer)
    if answer.is_success:
        assert faults(answer.json(), identified=False) == ()


def test_no_bundle_crashes(client: TestClient) -> None:
    _no_bundle(client)


@st.composite
def disturbed(draw: Any, sound: list[Any]) -> Any:
    """A call with something odd in one place."""
    value = copy.deepcopy(draw(st.sampled_from(sound)))
    holder, key = value, draw(st.sampled_from(sorted(value)))
    while isinstance(holder[key], dict | list) and holder[key] and draw(st.booleans()):
        holder = holder[key]
        keys = sorted(holder) if isinstance(holder, dict) else range(len(holder))
        key = draw(st.sampled_from(keys))
    if draw(st.booleans()):
        holder[key] = draw(JSON)
    else:
        del holder[key]
    return value


CALLS = [
    sign(draft("Amoxicillin 500 MG"), record=(allergy("Penicillin"),)),
    view(),
    {
        "feedback": [
            {
                "card": str(uuid4()),
                "outcome": "accepted",
                "outcomeTimestamp": "2026-01-01T00:00:00Z",
            }
        ]
    },
]


@settings(QUIET, max_examples=150)
@given(
    body=disturbed(CALLS) | JSON,
    service=st.sampled_from(
        ["caretier-order-sign", "caretier-patient-view", "caretier-order-select", "x"]
    ),
    feedback=st.booleans(),
)
def _no_hook(client: TestClient, body: Any, service: str, feedback: bool) -> None:
    address = f"/cds-services/{service}" + ("/feedback" if feedback else "")
    content = json.dumps(body).encode("utf-8", "surrogatepass")
    headers = {"content-type": "application/json", "authorization": ""}
    check(client.post(address, content=content, headers=headers))


def test_no_call_of_decision_support_crashes(client: TestClient) -> None:
    _no_hook(client)


FIELDS = (
    "grant_type", "code", "redirect_uri", "client_id", "client_secret", "code_verifier", "scope",
    "refresh_token", "client_assertion", "client_assertion_type", "token", "token_type_hint",
    "response_type", "state", "aud", "launch", "code_challenge", "code_challenge_method", "nonce",
)  # fmt: skip
VALUES = st.one_of(
    st.sampled_from(
        [
            "authorization_code", "client_credentials", "refresh_token", "S256", "code",
            "system/*.rs", "launch/patient openid", "http://localhost/cb", "http://localhost/fhir",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "a.b.c",
            "eyJhbGciOiJub25lIn0.e30.",
        ]
    ),
    ODD,
)  # fmt: skip


@settings(QUIET, max_examples=150)
@given(
    place=st.sampled_from(["token", "introspect", "revoke", "authorize"]),
    fields=st.lists(st.tuples(st.sampled_from(FIELDS), VALUES), max_size=6),
    authorization=st.sampled_from(
        ["", "Bearer x", "Basic !!", "Basic eDp5", "Bearer " + "a" * 9_000]
    ),
)
def _no_grant(
    client: TestClient, place: str, fields: list[tuple[str, str]], authorization: str
) -> None:
    pairs = [(n, v.encode("utf-8", "replace").decode()) for n, v in fields]
    form = {"content-type": "application/x-www-form-urlencoded", "authorization": authorization}
    if place == "authorize":  # a page for people
        answer = client.get("/oauth/authorize", params=pairs, follow_redirects=False)
        assert answer.status_code < 500
        return
    check(client.post(f"/oauth/{place}", content=str(httpx.QueryParams(pairs)), headers=form))


def test_no_token_request_crashes(client: TestClient) -> None:
    _no_grant(client)
