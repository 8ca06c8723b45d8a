"""A table of bad requests and bad lines: each gives a problem with a stable type, never a crash."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.stack import Stack

pytestmark = [pytest.mark.process, pytest.mark.xdist_group("stack")]

JSON = "application/json"
UNKNOWN = "00000000-0000-4000-8000-000000000000"
DEEP = b"[" * 100_000 + b"]" * 100_000
BODIES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", JSON),
    "no-object": (b"null", JSON),
    "wrong-json": (b'{"text": ', JSON),
    "array": (b"[1, 2]", JSON),
    "wrong-types": (b'{"text": {"a": 1}, "confirm": 3, "bundle": 1, "code": []}', JSON),
    "unknown-field": (b'{"text": "hello", "confirm": "no", "surprise": 1}', JSON),
    "binary": (bytes(range(256)) * 16, JSON),
    "other-type": (b"text=hello", "text/plain"),
    "megabyte": (b'{"text": "' + b"a" * 1_000_000 + b'"}', JSON),
    "deep": (DEEP, JSON),
    "lone-surrogate": (b'{"text": "\\ud800", "confirm": "\\udfff"}', JSON),
    "not-a-number": (b'{"text": NaN}', JSON),
}
POSTS = {
    "device": ["/api/ask", "/api/preview", "/api/erase", "/api/record", f"/api/send/{UNKNOWN}"],
    "clinic": ["/v1/enrol", "/v1/referrals"],
    "hospital": ["/v1/enrol", "/v1/referrals", "/v1/chat/completions"],
}
GETS = {
    "device": [
        f"/api/consults/{UNKNOWN}",
        "/api/consults/%00",
        "/api/consults/" + "x" * 20_000,
        "/api/nothing",
        "/nothing/%ff%fe",
    ],
    "clinic": [
        f"/v1/referrals/{UNKNOWN}",
        "/v1/referrals/x",
        "/v1/referrals/%00",
        "/v1/" + "y" * 20_000,
        "/v1/enrol",
    ],
    "hospital": [
        f"/v1/referrals/{UNKNOWN}",
        "/fhir/Patient/nobody-here",
        "/fhir/Spaceship",
        "/fhir/Patient/%00",
        "/fhir/Patient/" + "z" * 20_000,
        "/v1/nothing",
        "/portal/api/counts",
    ],
}


@pytest.fixture(scope="module")
def clients(stack: Stack) -> Iterator[dict[str, httpx.Client]]:
    """A client that is let in at each tier, as far as a program can be."""
    made = stack.run("hospital", "--data", str(stack.data), "key", "bad", "fhir.read chat")
    assert made.returncode == 0, made.stderr
    key = {"authorization": f"Bearer {made.stdout.split()[-1]}"}
    with (
        stack.patient("p03").client(60) as device,
        httpx.Client(base_url=stack.clinic, trust_env=False, timeout=30) as clinic,
        httpx.Client(base_url=stack.hospital, headers=key, trust_env=False, timeout=30) as hospital,
    ):
        yield {"device": device, "clinic": clinic, "hospital": hospital}


def check_problem(reply: httpx.Response) -> str:
    """A problem document, an OperationOutcome or a stream whose last event is a problem.

    Raises:
        AssertionError: it is none of them.
    """
    assert "Traceback" not in reply.text
    kind = reply.headers["content-type"].split(";")[0]
    if kind == "text/event-stream":
        name, data = reply.text.strip().split("\n\n")[-1].split("\n", 1)
        assert name == "event: problem", reply.text[-300:]
        body: dict[str, Any] = json.loads(data.removeprefix("data: "))
    else:
        assert 400 <= reply.status_code < 500, (reply.status_code, reply.text[:300])
        body = reply.json()
        if kind == "application/fhir+json":
            assert body["resourceType"] == "OperationOutcome"
            return "outcome"
        assert kind == "application/problem+json"
    found = str(body["type"])
    assert found.startswith("urn:caretier:problem:")
    assert found != "urn:caretier:problem:internal"
    assert body["title"]
    return found


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize(
    ("tier", "path"), [(tier, path) for tier, paths in POSTS.items() for path in paths]
)
def test_a_bad_body_is_a_problem_with_a_stable_type(
    clients: dict[str, httpx.Client], tier: str, path: str, name: str
) -> None:
    body, kind = BODIES[name]
    replies = [
        clients[tier].post(path, content=body, headers={"content-type": kind}) for _ in range(2)
    ]
    first, second = (check_problem(reply) for reply in replies)
    assert first == second


@pytest.mark.parametrize(
    ("tier", "path"), [(tier, path) for tier, paths in GETS.items() for path in paths]
)
def test_an_unknown_or_impossible_address_is_a_problem(
    clients: dict[str, httpx.Client], tier: str, path: str
) -> None:
    check_problem(clients[tier].get(path))


def test_an_unknown_person_is_not_found_and_no_token_is_locked(stack: Stack) -> None:
    patient = stack.patient("nobody")
    with patient.client() as client:
        reply = client.get("/api/consults")
        assert (reply.status_code, check_problem(reply)) == (404, "urn:caretier:problem:not-found")
        reply = client.get("/api/consults", headers={"authorization": "Bearer wrong"})
        assert (reply.status_code, check_problem(reply)) == (401, "urn:caretier:problem:locked")
        reply = client.get("/api/consults", headers={"host": "evil.example"})
        assert (reply.status_code, check_problem(reply)) == (400, "urn:caretier:problem:wrong-host")


def test_no_bad_request_left_a_traceback_or_its_content_in_a_log(stack: Stack) -> None:
    logs = stack.logs()
    assert "Traceback" not in logs
    assert "surprise" not in logs
    assert "aaaaaaaaaa" not in logs


# The command line, a line each.

LINES: list[tuple[str | None, bytes]] = [
    ("good-1", b'{"id": "good-1", "text": "What are the signs of asthma?"}'),
    (None, b"not json"),
    (None, b"[1, 2, 3]"),
    (None, b"null"),
    (None, b'{"text": "chest pain, no id"}'),
    ("no-text", b'{"id": "no-text"}'),
    ("number", b'{"id": "number", "text": 5}'),
    ("empty", b'{"id": "empty", "text": ""}'),
    ("long", b'{"id": "long", "text": "' + b"a" * 1_000_000 + b'"}'),
    ("surrogate", b'{"id": "surrogate", "text": "\\ud800 pain"}'),
    ("nul", b'{"id": "nul", "text": "a\\u0000b"}'),
    (None, b"\xff\xfe\x00binary"),
    (None, b"[" * 100_000),
    ("good-2", b'{"id": "good-2", "text": "What are the signs of asthma?"}'),
]
EITHER = {"nul", "empty", "surrogate", "long", None}
"""A command may take these or refuse them; a line must come out either way."""


@pytest.mark.parametrize("command", ["triage", "deidentify", "ask"])
def test_bad_lines_give_errors_in_their_places_and_the_rest_goes_on(
    stack: Stack, command: str
) -> None:
    options = ["--local-only", "--data", str(stack.data)] if command == "ask" else []
    done = stack.run(
        command, "--jsonl", *options, text=b"\n".join(line for _, line in LINES) + b"\n"
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == 2, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == len(LINES)
    for (id_, _), row in zip(LINES, rows, strict=True):
        assert row.get("id") == id_
        if id_ is not None and id_.startswith("good"):
            assert "error" not in row
        elif id_ not in EITHER:
            assert "error" in row, row
        if "error" in row:
            assert row["error"]["type"].startswith("urn:caretier:problem:"), row
            assert row["error"]["title"]


@pytest.mark.parametrize("command", ["triage", "deidentify", "ask"])
def test_a_bad_call_says_so_in_one_sentence(stack: Stack, command: str) -> None:
    arguments = {
        "triage": ["--language", "xx", "pain"],
        "deidentify": ["--language", "xx"],
        "ask": ["", "--data", str(stack.data)],
    }[command]
    done = stack.run(command, *arguments, text="pain")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()
