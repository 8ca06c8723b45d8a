"""Every operation that a tier publishes, called with generated requests: no crash."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import httpx
import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck
from schemathesis import GenerationMode

from tests.support.stack import Stack

pytestmark = [pytest.mark.process, pytest.mark.xdist_group("stack")]

DESTRUCTIVE = {"/api/erase"}
"""Called with a bad body only (see test_bad_input.py): a good one destroys the vault."""
EXAMPLES = 5
ELSEWHERE = ("/fhir", "/oauth", "/cds-services", "/.well-known")
"""Surfaces with generated requests of their own, in one process (see test_fhir_openapi.py)."""
SECONDS = 30.0
"""For one tier; each operation gets a first request however slow the machine is."""


@pytest.fixture(scope="session")
def headers(stack: Stack) -> dict[str, dict[str, str]]:
    """What a program sends to each tier to be let in."""
    made = stack.run("hospital", "--data", str(stack.data), "key", "contract", "fhir.read chat")
    assert made.returncode == 0, made.stderr
    token = (stack.data / "device" / "token").read_text(encoding="utf-8").strip()
    return {
        "hospital": {"authorization": f"Bearer {made.stdout.split()[-1]}"},
        "clinic": {},
        "device": {"authorization": f"Bearer {token}", "x-caretier-person": "p03"},
    }


def check(response: httpx.Response) -> None:
    """No server error; a refusal is a problem document, below ``/fhir`` an OperationOutcome.

    Raises:
        AssertionError: it is neither.
    """
    call = f"{response.request.method} {response.request.url.path}"
    assert response.status_code < 500, (call, response.status_code, response.text[:300])
    assert "Traceback" not in response.text
    if response.status_code < 400:
        return
    kind = response.headers["content-type"].split(";")[0]
    body = response.json()
    if kind == "application/fhir+json":
        assert body["resourceType"] == "OperationOutcome", call
        return
    assert kind == "application/problem+json", (call, response.status_code, kind)
    assert re.fullmatch(r"urn:caretier:problem:[a-z-]+", body["type"]), call
    assert body["status"] == response.status_code
    assert body["title"]


def try_operation(operation: Any, mode: GenerationMode, client: httpx.Client, until: float) -> int:
    """Call one operation with generated requests; how many."""
    calls = 0

    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def attempt(case: Any) -> None:
        nonlocal calls
        if calls and time.monotonic() > until:
            return
        sent = case.as_transport_kwargs(base_url=str(client.base_url).rstrip("/"))
        given = {k: v for k, v in (sent.get("headers") or {}).items() if printable(v)}
        request = client.build_request(
            sent["method"],
            sent["url"],
            params=sent.get("params"),
            content=content(sent),
            headers={**given, **client.headers, **kind(sent)},
        )
        check(client.send(request))
        calls += 1

    attempt()
    return calls


def printable(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable()


def content(sent: dict[str, Any]) -> bytes | None:
    """The body of a generated request as bytes."""
    if "json" in sent:
        return json.dumps(sent["json"]).encode()
    data = sent.get("data")
    return data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data


def kind(sent: dict[str, Any]) -> dict[str, str]:
    return {"content-type": "application/json"} if "json" in sent else {}


@pytest.mark.parametrize("tier", ["device", "clinic", "hospital"])
def test_no_generated_request_crashes_a_tier(
    stack: Stack, headers: dict[str, dict[str, str]], tier: str
) -> None:
    address = {"device": stack.device, "clinic": stack.clinic, "hospital": stack.hospital}[tier]
    document = httpx.get(f"{address}/openapi.json", trust_env=False).json()
    schema = schemathesis.openapi.from_dict(document)
    tried: dict[str, int] = {}
    with httpx.Client(
        base_url=address, headers=headers[tier], timeout=30, trust_env=False
    ) as client:
        until = time.monotonic() + SECONDS
        for found in schema.get_all_operations():
            operation = found.ok()
            if operation.path in DESTRUCTIVE or operation.path.startswith(ELSEWHERE):
                continue
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                try:
                    calls = try_operation(operation, mode, client, until)
                except hypothesis.errors.Unsatisfiable:
                    continue  # an operation without parameters has no bad requests
                key = f"{operation.method} {operation.path}"
                tried[key] = tried.get(key, 0) + calls
    assert len(tried) >= {"device": 10, "clinic": 3, "hospital": 6}[tier], tried
    assert all(calls > 0 for calls in tried.values()), tried
    assert "Traceback" not in stack.logs()
