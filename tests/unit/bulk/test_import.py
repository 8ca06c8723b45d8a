"""Imports: NDJSON in the request or at listed addresses, taken line by line."""

from __future__ import annotations

import json

import httpx
import pytest

from services.fhir.access import Access, Grant, ScopeError
from services.fhir.bulk import importing, sources
from services.fhir.sandbox import generate
from tests.unit.bulk.conftest import ASYNC

WRITES = "system/*.cruds"
LINES = {"content-type": "application/fhir+ndjson", "prefer": "respond-async"}
GOOD = {"resourceType": "Organization", "id": "o1", "name": "Example"}


@pytest.fixture
def writing(server):
    server.programs.scopes["reader"] = WRITES
    return server


def ndjson(*resources) -> bytes:
    lines = [one if isinstance(one, str) else json.dumps(one) for one in resources]
    return "\n".join(lines).encode()


async def taken(server, body: bytes) -> dict:
    begun = await server.client.post("/fhir/$import", content=body, headers=LINES)
    assert begun.status_code == 202, begun.text
    server.work()
    done = await server.client.get(begun.headers["content-location"])
    assert done.status_code == 200, done.text
    return done.json()


def counts(manifest) -> dict:
    return manifest["extension"]["urn:caretier:import"]


async def test_what_is_exported_can_be_imported_again(writing):
    given = generate()
    manifest = await taken(writing, ndjson(*given))
    assert counts(manifest)["refused"] == 0
    assert sum(counts(manifest)["taken"].values()) == len(given)
    lines = await writing.lines(await writing.manifest())
    key = "resourceType", "id"
    found = {tuple(one[k] for k in key): one for one in map(json.loads, lines)}
    assert found == {tuple(one[k] for k in key): one for one in json.loads(json.dumps(given))}


async def test_a_line_is_kept_as_it_came(writing):
    text = '{"resourceType": "Observation", "id": "x1", "status": "final", "code": {"text": "k"},'
    text += ' "valueQuantity": {"value": 1.50}}'
    await taken(writing, ndjson(text))
    assert writing.store.entry("Observation", "x1").text == text


async def test_refused_lines_are_reported_and_hold_up_no_other(writing):
    bad = {"resourceType": "Patient", "id": "p1", "gender": "zzz"}
    manifest = await taken(writing, ndjson(GOOD, "{no json", bad, "", {**GOOD, "id": "o2"}))
    assert counts(manifest) == {"taken": {"Organization": 2}, "refused": 2}
    found = [json.loads(line) for line in await writing.lines(manifest, "error")]
    said = [one["issue"][0]["diagnostics"] for one in found]
    assert said[0].startswith("body:2:")
    assert said[1].startswith("body:3: Patient.gender")
    assert "zzz" not in said[1]
    assert {one["resourceType"] for one in found} == {"OperationOutcome"}


async def test_the_same_import_again_changes_nothing(writing):
    await taken(writing, ndjson(GOOD))
    writing.programs.changes.clear()
    manifest = await taken(writing, ndjson(GOOD))
    assert counts(manifest)["taken"] == {"Organization": 1}
    assert writing.store.entry("Organization", "o1").version == 1
    assert writing.programs.changes == []


async def test_every_change_is_written_down_with_its_patient(writing):
    await taken(writing, ndjson({"resourceType": "Patient", "id": "p1"}, GOOD))
    told = [
        (change.interaction, change.what, change.patients) for change in writing.programs.changes
    ]
    assert sorted(told) == [
        ("create", "Organization/o1", ()),
        ("create", "Patient/p1", ("p1",)),
    ]


async def test_a_type_that_the_scopes_do_not_let_write_is_refused_line_by_line(writing):
    writing.programs.scopes["reader"] = "system/Organization.cu system/Patient.u system/*.rs"
    manifest = await taken(writing, ndjson(GOOD, {"resourceType": "Patient", "id": "p1"}))
    assert counts(manifest) == {"taken": {"Organization": 1}, "refused": 1}
    assert writing.store.entry("Patient", "p1") is None


@pytest.mark.parametrize("kind", ["AuditEvent", "Provenance"])
def test_what_nobody_may_alter_is_not_imported(kind):
    assert not importing.may_import(Access(allows=lambda _kind, _letter: True), kind)


@pytest.mark.parametrize("scopes", ["system/*.rs", "system/*.r system/Patient.c"])
async def test_who_may_not_write_is_turned_away_before_the_body_is_read(server, scopes):
    server.programs.scopes["reader"] = scopes

    async def never():
        raise AssertionError("the body was read")
        yield b""

    answer = await server.client.post("/fhir/$import", content=never(), headers=LINES)
    assert (answer.status_code, answer.json()["resourceType"]) == (403, "OperationOutcome")


async def test_who_is_bound_to_a_patient_imports_nothing(server):
    server.programs.bounds["bound"] = Access(
        patient="p1", allows=lambda _kind, _letter: True, grant=Grant("bound", "")
    )
    headers = LINES | {"x-program": "bound"}
    answer = await server.client.post("/fhir/$import", content=ndjson(GOOD), headers=headers)
    assert answer.status_code == 403


async def test_an_import_needs_respond_async(writing):
    headers = {"content-type": "application/fhir+ndjson"}
    answer = await writing.client.post("/fhir/$import", content=ndjson(GOOD), headers=headers)
    assert answer.status_code == 400


async def test_packed_lines_are_refused_and_leave_nothing(writing):
    headers = LINES | {"content-encoding": "gzip"}
    answer = await writing.client.post("/fhir/$import", content=b"x", headers=headers)
    assert answer.status_code == 415
    assert list(writing.folder.rglob("*.ndjson")) == []
    assert writing.jobs == []


async def test_the_body_is_gone_once_it_was_taken(writing):
    await taken(writing, ndjson(GOOD))
    assert list(writing.folder.rglob("received*")) == []


async def test_a_line_that_is_too_long_is_refused_and_the_next_one_taken(writing, monkeypatch):
    monkeypatch.setattr(sources, "MAX_LINE", 100)
    long = {**GOOD, "name": "x" * 300}
    manifest = await taken(writing, ndjson(long, {**GOOD, "id": "o2"}))
    assert counts(manifest) == {"taken": {"Organization": 1}, "refused": 1}
    assert writing.store.entry("Organization", "o2") is not None


async def test_a_line_that_the_store_refuses_holds_up_no_other(writing):
    def check(_session, entry, *_):
        if entry.id == "o2":
            raise ScopeError("Not this one.")
        return []

    writing.store._checks = {"Organization": check}
    writing.bulk.importer._store = writing.store
    lines = [{**GOOD, "id": id_} for id_ in ("o1", "o2", "o3", "o3")]
    manifest = await taken(writing, ndjson(*lines))
    assert counts(manifest) == {"taken": {"Organization": 3}, "refused": 1}
    assert [writing.store.entry("Organization", id_) is None for id_ in ("o1", "o2", "o3")] == [
        False,
        True,
        False,
    ]


async def test_more_refusals_than_are_reported_are_counted(writing, monkeypatch):
    monkeypatch.setattr(importing, "REPORTED", 3)
    manifest = await taken(writing, ndjson(*["{"] * 10))
    assert counts(manifest)["refused"] == 10
    assert manifest["error"][0]["count"] == 3


def parameters(*inputs, **more):
    parts = [
        {"name": "input", "part": [{"name": k, "valueString": v} for k, v in one.items()]}
        for one in inputs
    ]
    others = [{"name": name, "valueString": value} for name, value in more.items()]
    return {"resourceType": "Parameters", "parameter": [*others, *parts]}


FILE = "https://files.example.org/Organization.ndjson"


@pytest.fixture
def served(monkeypatch, writing):
    """What the listed address gives."""
    files = {FILE: (200, ndjson(GOOD, {"resourceType": "Patient", "id": "p1"}))}

    def answer(request):
        status, body = files[str(request.url)]
        return httpx.Response(status, content=body)

    def client(**_kwargs):
        return httpx.AsyncClient(transport=httpx.MockTransport(answer))

    monkeypatch.setattr(writing.bulk.outbound, "client", client)
    return files


async def begin(server, body) -> httpx.Response:
    return await server.client.post("/fhir/$import", json=body, headers=ASYNC)


async def test_lines_are_fetched_from_a_listed_address(writing, served):
    body = parameters({"url": FILE, "type": "Organization"}, inputFormat="application/fhir+ndjson")
    begun = await begin(writing, body)
    writing.work()
    manifest = (await writing.client.get(begun.headers["content-location"])).json()
    assert counts(manifest) == {"taken": {"Organization": 1}, "refused": 1}
    (line,) = await writing.lines(manifest, "error")
    assert "input 1:2: it is of another type" in line
    assert list(writing.folder.rglob("input*")) == []


async def test_an_address_that_does_not_give_it_is_reported(writing, served):
    served[FILE] = (500, b"")
    begun = await begin(writing, parameters({"url": FILE}))
    writing.work()
    manifest = (await writing.client.get(begun.headers["content-location"])).json()
    assert counts(manifest)["refused"] == 1


@pytest.mark.parametrize(
    "url",
    ["https://other.example.org/x", "http://127.0.0.1/x", "file:///etc/passwd", "ftp://x/y", "x"],
)
async def test_an_address_that_is_not_listed_is_refused_before_anything_is_begun(writing, url):
    answer = await begin(writing, parameters({"url": url}))
    assert answer.status_code == 422
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert writing.jobs == []


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"resourceType": "Patient"},
        parameters(),
        parameters({"type": "Patient"}),
        parameters({"url": FILE, "type": "Nonsense"}),
        parameters({"url": FILE, "other": "x"}),
        parameters({"url": FILE}, unknown="x"),
        parameters({"url": FILE}, inputFormat="text/csv"),
        parameters(*[{"url": FILE}] * 101),
    ],
)
async def test_parameters_that_cannot_be_used_are_refused(writing, body):
    answer = await begin(writing, body)
    assert answer.status_code == 400
    assert writing.jobs == []


async def test_an_import_is_cancelled_like_an_export(writing):
    begun = await writing.client.post("/fhir/$import", content=ndjson(GOOD), headers=LINES)
    place = begun.headers["content-location"]
    assert (await writing.client.delete(place)).status_code == 202
    writing.work()
    assert writing.store.entry("Organization", "o1") is None
    assert (await writing.client.get(place)).status_code == 404
