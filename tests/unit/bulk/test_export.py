"""Exports: kick-off, state, manifest and files of Bulk Data 2.0."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from services.fhir.bulk import export
from services.fhir.bulk.export import export_to
from services.fhir.models import OrderRow

DATA = Path(os.environ.get("CARETIER_TEST_DATA") or Path(__file__).parents[4] / "shared" / "data")
SYNTHEA = DATA / "synthea-10"


def refs(resources) -> set[str]:
    return {f"{one['resourceType']}/{one['id']}" for one in resources}


async def test_an_export_of_everything_gives_the_texts_as_they_came(loaded):
    text = '{"resourceType":"Basic","id":"b1","code":{"text":"x"},"extension":[{"url":"urn:x",\n'
    text += '"valueDecimal":1.50}]}'
    loaded.store.put(text)
    manifest = await loaded.manifest()
    lines = await loaded.lines(manifest)
    assert text.replace("\n", " ") in lines
    kinds = [item["type"] for item in manifest["output"]]
    assert kinds == sorted(set(kinds))
    assert manifest["requiresAccessToken"] is True
    assert manifest["request"] == "http://localhost/fhir/$export"
    assert manifest["deleted"] == manifest["error"] == []
    assert abs(datetime.now(UTC) - datetime.fromisoformat(manifest["transactionTime"])) < timedelta(
        seconds=30
    )


async def test_a_kick_off_says_where_the_state_is_and_the_state_says_how_far_it_is(loaded):
    begun = await loaded.kick_off()
    assert begun.status_code == 202
    assert begun.json()["resourceType"] == "OperationOutcome"
    place = begun.headers["content-location"]
    waiting = await loaded.client.get(place)
    assert (waiting.status_code, waiting.headers["retry-after"]) == (202, "1")
    assert waiting.headers["x-progress"] == "waiting"
    loaded.work()
    done = await loaded.client.get(place)
    assert done.headers["content-type"] == "application/json"
    over = parsedate_to_datetime(done.headers["expires"]) - datetime.now(UTC)
    assert timedelta(hours=23) < over <= timedelta(days=1)


async def test_whoever_polls_too_eagerly_is_told_to_wait(loaded):
    place = (await loaded.kick_off()).headers["content-location"]
    assert (await loaded.client.get(place)).status_code == 202
    eager = await loaded.client.get(place)
    assert (eager.status_code, eager.headers["retry-after"]) == (429, "1")
    assert eager.json()["resourceType"] == "OperationOutcome"


async def test_a_kick_off_without_respond_async_is_refused_unless_it_is_lenient(loaded):
    refused = await loaded.client.get("/fhir/$export")
    assert refused.status_code == 400
    assert "respond-async" in refused.json()["issue"][0]["diagnostics"]
    lenient = await loaded.client.get("/fhir/$export", headers={"prefer": "handling=lenient"})
    assert lenient.status_code == 202


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("includeAssociatedData=LatestProvenanceResources", "includeAssociatedData"),
        ("organizeOutputBy=Patient", "organizeOutputBy"),
        ("_elements=id", "_elements is not done here"),
        ("_unknown=1", "not known"),
        ("_type=Nonsense", "_type"),
        ("_type=", "_type"),
        ("_since=yesterday", "_since"),
        ("_since=2026-01-01", "_since"),
        ("_since=2026-99-01T00:00:00Z", "_since"),
        ("_since=2026-01-01T00:00:00Z&_since=2026-01-01T00:00:00Z", "once"),
        ("_outputFormat=text/csv", "_outputFormat"),
        ("_typeFilter=Observation", "_typeFilter"),
        ("_typeFilter=Observation%3Fnonsense%3Dx", "_typeFilter of Observation"),
        ("_typeFilter=Observation%3Fpatient.name%3Dx", "_typeFilter of Observation"),
        ("_type=Patient&_typeFilter=Observation%3Fcode%3Dx", "_typeFilter"),
        ("patient=p01", "Patient/$export"),
    ],
)
async def test_what_an_export_does_not_take_is_refused_and_named(loaded, query, said):
    refused = await loaded.kick_off(f"/fhir/$export?{query}")
    assert refused.status_code == 400
    assert said in refused.json()["issue"][0]["diagnostics"]
    assert loaded.jobs == []


async def test_a_lenient_caller_has_left_out_what_is_not_done(loaded):
    lenient = {"prefer": "respond-async, handling=lenient"}
    path = "/fhir/$export?_type=Patient&_unknown=1&organizeOutputBy=Patient"
    found = await loaded.exported(path, headers=lenient)
    assert found == refs(loaded.store.search("Patient", count=500).resources)


@pytest.mark.parametrize(
    "given",
    ["ndjson", "application/ndjson", "application/fhir%2Bndjson", "application/fhir+ndjson"],
)
async def test_every_name_of_ndjson_is_taken(loaded, given):
    begun = await loaded.kick_off(f"/fhir/$export?_outputFormat={given}&allowPartialManifests=true")
    assert begun.status_code == 202


async def test_a_type_can_be_narrowed_to_searches_one_of_which_must_match(loaded):
    first = "Observation%3Fcode%3D4548-4%26patient%3Dp01"
    second = "Observation%3F_id%3Dp02-a1c-1%252Cp02-a1c-2"
    found = await loaded.exported(f"/fhir/$export?_type=Observation,Patient&_typeFilter={first}")
    mine = loaded.store.search("Observation", patient="p01", code="4548-4").resources
    everybody = loaded.store.search("Patient", count=500).resources
    assert found == refs(mine) | refs(everybody)
    both = f"/fhir/$export?_type=Observation&_typeFilter={first},{second}"
    assert len(await loaded.exported(both)) >= len(mine)


async def test_types_can_be_chosen_also_by_post(loaded):
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "_type", "valueString": "Patient,Observation"},
            {"name": "_outputFormat", "valueString": "ndjson"},
        ],
    }
    manifest = await loaded.manifest(json=body)
    assert [item["type"] for item in manifest["output"]] == ["Observation", "Patient"]


@pytest.mark.parametrize(
    "body", [[], {"resourceType": "Patient"}, {"resourceType": "Parameters", "parameter": [{}]}]
)
async def test_a_body_that_is_no_parameters_is_refused(loaded, body):
    assert (await loaded.kick_off(json=body)).status_code == 400


async def test_an_export_of_patients_holds_their_records_and_who_is_named_in_them(loaded):
    loaded.store.put({"resourceType": "Organization", "id": "nobodys", "name": "X"})
    loaded.store.put({"resourceType": "Group", "id": "g", "type": "person", "actual": True})
    found = await loaded.exported("/fhir/Patient/$export")
    expected = set()
    for patient in loaded.store.search("Patient", count=500).resources:
        expected |= refs(loaded.store.everything(patient["id"]))
    assert found == expected
    assert "Organization/nobodys" not in found


async def test_an_export_of_some_patients_holds_their_records_only(loaded):
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "patient", "valueReference": {"reference": f"Patient/{id_}"}}
            for id_ in ("p01", "p02")
        ],
    }
    found = await loaded.exported("/fhir/Patient/$export", json=body)
    expected = refs(loaded.store.everything("p01")) | refs(loaded.store.everything("p02"))
    assert found == expected


async def test_patients_who_are_not_there_are_counted_and_not_named(loaded):
    answer = await loaded.kick_off("/fhir/Patient/$export?patient=p01&patient=secret")
    assert answer.status_code == 400
    assert "1 of the patients" in answer.text
    assert "secret" not in answer.text


async def test_an_export_of_a_group_holds_its_active_members_only(loaded):
    members = [{"entity": {"reference": f"Patient/{id_}"}} for id_ in ("p01", "p02")]
    members[1]["inactive"] = True
    group = {"resourceType": "Group", "id": "g1", "type": "person", "actual": True}
    loaded.store.put({**group, "member": members})
    assert await loaded.exported("/fhir/Group/g1/$export") == refs(loaded.store.everything("p01"))
    outside = await loaded.kick_off("/fhir/Group/g1/$export?patient=p02")
    assert outside.status_code == 400
    assert (await loaded.kick_off("/fhir/Group/none/$export")).status_code == 404


async def test_a_group_without_members_gives_nothing(loaded):
    loaded.store.put({"resourceType": "Group", "id": "g0", "type": "person", "actual": True})
    assert await loaded.exported("/fhir/Group/g0/$export") == set()


async def test_a_type_that_is_in_nobodys_record_is_no_part_of_records(loaded):
    answer = await loaded.kick_off("/fhir/Patient/$export?_type=Group")
    assert answer.status_code == 400


async def test_since_the_last_export_only_what_changed_comes_with_what_was_deleted(loaded):
    first = await loaded.manifest()
    since = first["transactionTime"]
    loaded.store.put({"resourceType": "Organization", "id": "new", "name": "X"})
    loaded.store.write(lambda writer: writer.delete("Observation", "p01-a1c-3"))
    loaded.store.write(lambda writer: writer.delete("Patient", "p09"))
    loaded.store.put({"resourceType": "Patient", "id": "p09"})  # deleted and there again
    path = f"/fhir/$export?_since={since}"
    assert await loaded.exported(path) == {"Organization/new", "Patient/p09"}
    manifest = await loaded.manifest(path)
    (bundle,) = [json.loads(line) for line in await loaded.lines(manifest, "deleted")]
    assert bundle["type"] == "transaction"
    gone = [entry["request"] for entry in bundle["entry"]]
    assert gone == [{"method": "DELETE", "url": "Observation/p01-a1c-3"}]
    assert manifest["deleted"][0]["type"] == "Bundle"
    others = await loaded.manifest(f"/fhir/Patient/$export?patient=p02&_since={since}")
    assert others["output"] == others["deleted"] == []
    mine = await loaded.manifest(f"/fhir/Patient/$export?patient=p01&_since={since}")
    assert len(mine["deleted"]) == 1


async def test_a_write_during_an_export_is_in_the_next_one(loaded, monkeypatch):
    write_rows = export.write_rows

    def and_somebody_writes(session, writer, rows):
        loaded.store.put({"resourceType": "Patient", "id": "zz", "gender": "other"})
        write_rows(session, writer, rows)

    monkeypatch.setattr(export, "write_rows", and_somebody_writes)
    manifest = await loaded.manifest("/fhir/$export?_type=Observation,Patient")
    assert not any('"zz"' in line for line in await loaded.lines(manifest))
    monkeypatch.undo()
    since = manifest["transactionTime"]
    assert await loaded.exported(f"/fhir/$export?_since={since}") == {"Patient/zz"}


async def test_files_have_so_many_lines_and_only_their_user_may_read_them(loaded):
    loaded.bulk.exporter._lines = 20
    manifest = await loaded.manifest("/fhir/$export?_type=Observation")
    counts = [item["count"] for item in manifest["output"]]
    assert counts[:-1] == [20] * (len(counts) - 1)
    assert sum(counts) == loaded.store.search("Observation", count=0).total
    for path in loaded.folder.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


async def test_a_file_is_written_down_with_its_patients_before_it_is_given_out(loaded):
    manifest = await loaded.manifest("/fhir/Patient/$export?_type=Observation&patient=p01")
    assert loaded.programs.disclosed == []
    await loaded.lines(manifest)
    (told,) = loaded.programs.disclosed
    assert (told.interaction, told.patients) == ("export", ("p01",))
    assert told.what.startswith("export:")

    def fails(_disclosure):
        raise RuntimeError("the trail is full")

    loaded.programs.disclosed = type("Fails", (), {"append": staticmethod(fails)})()
    with pytest.raises(RuntimeError):
        await loaded.client.get(manifest["output"][0]["url"])


async def test_only_the_client_that_asked_has_state_and_files(loaded):
    loaded.programs.scopes["other"] = "system/*.rs"
    other = {"x-program": "other"}
    begun = await loaded.kick_off("/fhir/$export?_type=Patient")
    place = begun.headers["content-location"]
    loaded.work()
    manifest = (await loaded.client.get(place)).json()
    for url in (place, manifest["output"][0]["url"]):
        assert (await loaded.client.get(url, headers=other)).status_code == 404
    assert (await loaded.client.delete(place, headers=other)).status_code == 404
    assert (await loaded.client.get(place)).status_code == 200


async def test_a_client_whose_scopes_were_narrowed_gets_no_file_outside_of_them(loaded):
    manifest = await loaded.manifest("/fhir/$export?_type=Patient,Observation")
    loaded.programs.scopes["reader"] = "system/Patient.rs"
    answers = [(await loaded.client.get(item["url"])).status_code for item in manifest["output"]]
    assert answers == [403, 200]
    loaded.programs.scopes["reader"] = "system/Observation.rs?category=laboratory"
    assert (await loaded.client.get(manifest["output"][0]["url"])).status_code == 403


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "bound",
    [{"patient": "p01"}, {"relation": lambda _patient: None}, {"grant": None}],
    ids=["patient", "relation", "person"],
)
@pytest.mark.parametrize("path", ["/fhir/$export", "/fhir/Patient/$export"])
async def test_whoever_may_not_see_everybody_gets_no_export(loaded, bounded, bound, path, method):
    loaded.programs.bounds["bound"] = replace(bounded, **bound)
    sent = {"json": {"resourceType": "Parameters"}} if method == "POST" else {}
    answer = await loaded.kick_off(path, headers={"x-program": "bound"}, **sent)
    assert answer.status_code == 403
    assert answer.json()["resourceType"] == "OperationOutcome"


async def test_types_outside_of_the_scopes_are_left_out_or_refused_when_named(loaded):
    loaded.programs.scopes["reader"] = "system/Patient.rs system/Observation.r"
    assert {ref.partition("/")[0] for ref in await loaded.exported()} == {"Patient"}
    refused = await loaded.kick_off("/fhir/$export?_type=Observation")
    assert refused.status_code == 403
    assert "Observation" in refused.json()["issue"][0]["diagnostics"]
    group = await loaded.kick_off("/fhir/Group/g1/$export")
    assert group.status_code == 403


async def test_a_client_that_was_revoked_meanwhile_gets_an_error_and_no_files(loaded):
    begun = await loaded.kick_off()
    del loaded.programs.scopes["reader"]
    loaded.work()
    loaded.programs.scopes["reader"] = "system/*.rs"
    answer = await loaded.client.get(begun.headers["content-location"])
    assert (answer.status_code, answer.json()["resourceType"]) == (500, "OperationOutcome")
    assert list(loaded.folder.rglob("*.ndjson")) == []


async def test_who_cancels_has_files_and_order_deleted(loaded):
    begun = await loaded.kick_off()
    place = begun.headers["content-location"]
    loaded.work()
    assert (await loaded.client.delete(place)).status_code == 202
    gone = await loaded.client.get(place)
    assert (gone.status_code, gone.json()["resourceType"]) == (404, "OperationOutcome")
    assert (await loaded.client.delete(place)).status_code == 404
    assert list(loaded.folder.rglob("*.ndjson")) == []


async def test_an_export_that_is_cancelled_midway_stops_and_leaves_nothing(loaded, monkeypatch):
    place = (await loaded.kick_off()).headers["content-location"]
    order = loaded.jobs[0][1]
    write_rows, written = export.write_rows, []

    def and_cancelled(session, writer, rows):
        write_rows(session, writer, rows)
        written.append(len(rows))
        loaded.bulk.orders.cancel(order)

    monkeypatch.setattr(export, "write_rows", and_cancelled)
    loaded.work()
    assert len(written) == 1
    assert list(loaded.folder.rglob("*.ndjson")) == []
    assert (await loaded.client.get(place)).status_code == 404


async def test_files_that_are_over_are_gone_and_swept(loaded):
    begun = await loaded.kick_off("/fhir/$export?_type=Patient")
    place = begun.headers["content-location"]
    loaded.work()
    with loaded.database.transaction() as session:
        row = session.query(OrderRow).one()
        row.ended = row.requested = datetime.now(UTC) - timedelta(days=2)
    assert (await loaded.client.get(place)).status_code == 404
    assert loaded.bulk.orders.forget(datetime.now(UTC) - timedelta(days=1)) == 1
    assert list(loaded.folder.rglob("*.ndjson")) == []


async def test_too_many_exports_at_once_are_refused(loaded):
    answers = [(await loaded.kick_off()).status_code for _ in range(6)]
    assert answers == [202] * 5 + [429]


async def test_a_second_attempt_writes_anew_and_the_first_ones_result_does_not_count(loaded):
    begun = await loaded.kick_off("/fhir/$export?_type=Patient")
    order = loaded.jobs.pop()[1]
    with pytest.raises(RuntimeError):  # killed before its result was kept
        loaded.bulk.exporter.run(order, 1, killed)
    loaded.bulk.exporter.run(order, 2, lambda _session: True)
    manifest = (await loaded.client.get(begun.headers["content-location"])).json()
    assert len(await loaded.lines(manifest)) == manifest["output"][0]["count"]
    assert [path.name for path in (loaded.folder / order).iterdir()] == ["2"]


def killed(_session):
    raise RuntimeError("killed")


async def test_whoever_was_overtaken_changes_nothing(loaded):
    begun = await loaded.kick_off("/fhir/$export?_type=Patient")
    order = loaded.jobs.pop()[1]
    loaded.bulk.exporter.run(order, 2, lambda _session: True)
    loaded.bulk.exporter.run(order, 1, lambda _session: False)
    assert (await loaded.client.get(begun.headers["content-location"])).status_code == 200
    assert loaded.bulk.orders.get(order).attempt == 2


@pytest.mark.parametrize("file", ["..%2F..%2Fkeys", "Patient.2.ndjson", "Patient.1.people"])
async def test_there_are_no_files_but_those_that_the_manifest_lists(loaded, file):
    begun = await loaded.kick_off("/fhir/$export?_type=Patient")
    loaded.work()
    answer = await loaded.client.get(f"{begun.headers['content-location']}/{file}")
    assert answer.status_code == 404


async def test_lines_hold_no_break_of_any_kind_and_the_same_values(loaded):
    name = "a\u2028b\u2029c\u0085d"
    loaded.store.put(
        json.dumps(
            {"resourceType": "Organization", "id": "odd", "name": name},
            ensure_ascii=False,
            indent=1,
        )
    )
    manifest = await loaded.manifest("/fhir/$export?_type=Organization")
    found = [json.loads(line) for line in await loaded.lines(manifest)]
    assert name in [one.get("name") for one in found]


@pytest.mark.skipif(not SYNTHEA.is_dir(), reason="the synthetic records are not here")
async def test_an_export_gives_the_same_set_as_was_loaded(server):
    given = {}
    for path in sorted(SYNTHEA.glob("*.ndjson")):
        for line in path.read_text(encoding="utf-8").split("\n"):
            if line.strip():
                one = json.loads(line)
                given[one["resourceType"], one["id"]] = one
    server.store.put_many(
        line
        for path in sorted(SYNTHEA.glob("*.ndjson"))
        for line in path.read_text(encoding="utf-8").split("\n")
        if line.strip()
    )
    found = [json.loads(line) for line in await server.lines(await server.manifest())]
    assert {(one["resourceType"], one["id"]): one for one in found} == given
    assert len(found) == len(given)


def test_a_folder_gets_every_resource(loaded, tmp_path):
    counts = export_to(loaded.database, tmp_path / "out")
    assert sum(counts.values()) == sum(
        len((path).read_text(encoding="utf-8").splitlines())
        for path in (tmp_path / "out").glob("*.ndjson")
    )
    assert counts["Patient"] == loaded.store.search("Patient", count=0).total
