"""Bulk export: waited for, read as a stream, and partly failed without losing the rest."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.quirky_ehr import Quirks, QuirkyEhr, people, weights

from services.fhir.client import FhirAnswerError, FhirAwayError, FhirClient, FhirRefusedError


def bulk_ehr(*resources, **quirks):
    ehr = QuirkyEhr(Quirks(bulk=True, **quirks))
    ehr.put_all(resources)
    return ehr


async def read(ehr, fast, **asked):
    async with FhirClient(ehr.base, ehr, settings=fast) as client:
        export = client.export(**asked)
        found = [f"{r['resourceType']}/{r['id']}" async for r in export]
    return export, found


async def test_an_export_is_asked_for_waited_for_read_and_deleted(fast):
    ehr = bulk_ehr(*people(3), *weights("p0", 400), polls=3)
    export, found = await read(ehr, fast, types=["Patient", "Observation"])
    assert len(set(found)) == 403
    assert (export.complete, export.failures) == (True, [])
    assert export.instant.startswith("2026-03-01")
    assert ehr.calls[0] == (
        "GET",
        "/Patient/$export?_outputFormat=application%2Ffhir%2Bndjson&_type=Patient%2CObservation",
    )
    assert ehr.headers[0]["prefer"] == "respond-async"
    assert ehr.calls[-1] == ("DELETE", "/jobs/1")


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ({"group": "g1"}, "/Group/g1/$export"),
        ({"patients": False}, "/$export"),
        ({"since": "2026-01-01T00:00:00Z"}, "/Patient/$export"),
    ],
)
async def test_a_group_or_the_whole_system_may_be_meant(asked, path, fast):
    ehr = bulk_ehr(*people(1))
    await read(ehr, fast, **asked)
    assert ehr.calls[0][1].startswith(path)
    assert ("_since=2026" in ehr.calls[0][1]) == ("since" in asked)


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("breaks", [1, 2, 5])
async def test_a_file_that_breaks_off_is_taken_up_at_its_last_whole_line(ranges, breaks, fast):
    ehr = bulk_ehr(*people(50), breaks=breaks, ranges=ranges)
    export, found = await read(ehr, replace(fast, attempts=9))
    assert found == [f"Patient/p{number}" for number in range(50)]
    assert export.complete
    asked = [h.get("range") for h in ehr.headers if h.get("accept") == "application/fhir+ndjson"]
    assert asked[0] is None
    assert asked[1].startswith("bytes=")


async def test_a_file_that_never_goes_on_is_a_failure_and_the_next_one_comes(fast):
    ehr = bulk_ehr(*people(1))
    missing = {"type": "Condition", "url": f"{ehr.base}/files/Condition.ndjson"}
    ehr.raw["extra-output"] = [missing]
    export, found = await read(ehr, fast)
    assert found == ["Patient/p0"]
    assert not export.complete
    assert [(f.what, f.passing) for f in export.failures] == [("Condition", True)]
    assert ehr.calls[-1] == ("DELETE", "/jobs/1")


async def test_lines_that_are_no_resources_are_failures(fast):
    ehr = bulk_ehr(*people(1))
    ehr.raw["Patient"] = ["{", "", "7", {"resourceType": "Patient", "id": "x", "gender": "zzz"}]
    export, found = await read(ehr, fast)
    assert found == ["Patient/p0"]
    assert export.complete
    codes = [(f.what, f.code) for f in export.failures]
    assert codes == [
        ("Patient", "structure"), ("Patient", "structure"), ("Patient/x", "invalid"),
        ("Patient", "incomplete"),
    ]  # fmt: skip


async def test_what_the_server_could_not_export_and_what_it_deleted_is_told(fast):
    ehr = bulk_ehr(*people(1))
    issue = {"severity": "error", "code": "security", "diagnostics": "Ana Example is withheld"}
    ehr.raw["errors.ndjson"] = [{"resourceType": "OperationOutcome", "issue": [issue]}]
    ehr.raw["error-output"] = [
        {"type": "OperationOutcome", "url": f"{ehr.base}/files/errors.ndjson"}
    ]
    request = {"method": "DELETE", "url": "Observation/o9"}
    ehr.raw["deleted.ndjson"] = [{"resourceType": "Bundle", "entry": [{"request": request}]}]
    ehr.raw["deleted-output"] = [{"type": "Bundle", "url": f"{ehr.base}/files/deleted.ndjson"}]
    export, _ = await read(ehr, fast)
    assert [(f.what, f.code) for f in export.failures] == [("export", "security")]
    assert export.deleted == ["Observation/o9"]
    assert "Ana" not in repr(export.failures)


async def test_the_token_goes_to_no_other_server(fast):
    ehr = bulk_ehr(*people(1))
    ehr.raw["extra-output"] = [{"type": "Condition", "url": "https://evil.example/c.ndjson"}]
    export, found = await read(ehr, fast)
    assert found == ["Patient/p0"]
    assert [(f.what, f.code) for f in export.failures] == [("Condition", "fhir-server-unreadable")]
    assert {h["host"] for h in ehr.headers} == {"ehr.example.test"}


async def test_a_server_without_exports_says_so(fast):
    ehr = QuirkyEhr(Quirks(bulk=False))
    with pytest.raises(FhirRefusedError) as refused:
        await read(ehr, fast)
    assert refused.value.answered == 404


async def test_an_export_that_is_never_ready_is_given_up_and_cancelled(fast):
    ehr = bulk_ehr(polls=10_000)
    with pytest.raises(FhirAwayError):
        await read(ehr, replace(fast, bulk_seconds=0.2))
    assert ehr.calls[-1] == ("DELETE", "/jobs/1")


async def test_a_line_without_end_is_not_kept(fast):
    ehr = bulk_ehr(*people(1))
    ehr.raw["Patient"] = ["x" * 5000]
    export, _ = await read(ehr, replace(fast, line_cap=1000))
    assert [(f.what, f.code) for f in export.failures] == [("Patient", "fhir-server-unreadable")]


@pytest.mark.parametrize("manifest", [{}, [], "x", {"output": "x"}])
async def test_a_manifest_that_is_none_is_refused(manifest, fast):
    ehr = bulk_ehr(*people(1), manifest=manifest)
    with pytest.raises(FhirAnswerError):
        await read(ehr, fast)
    assert ehr.calls[-1] == ("DELETE", "/jobs/1")
