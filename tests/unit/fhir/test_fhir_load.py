"""Loading of files: line by line, with a report, quickly."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from services.fhir.errors import FhirNotFoundError
from services.fhir.load import load_path
from services.fhir.store import FhirStore

PATIENT = {"resourceType": "Patient", "id": "p"}


def test_a_whole_bulk_export_loads_and_nothing_is_refused(store: FhirStore, bulk_folder: Path):
    expected: dict[str, int] = {}
    for file in bulk_folder.glob("*.ndjson"):
        kind = file.name.split(".")[0]
        lines = [line for line in file.read_text("utf-8").splitlines() if line.strip()]
        expected[kind] = expected.get(kind, 0) + len(lines)
    seen: list[int] = []
    begun = time.process_time()
    report = load_path(store, bulk_folder, seen.append)
    speed = report.total / (time.process_time() - begun)
    assert report.rejected == []
    assert report.loaded == expected
    assert seen[-1] == sum(expected.values())
    assert speed > 300, f"{speed:.0f} resources/s; 2,600 on two quiet cores"


def test_a_bulk_export_comes_back_line_for_line(store: FhirStore, bulk_folder: Path):
    load_path(store, bulk_folder)
    for file in sorted(bulk_folder.glob("*.ndjson")):
        line = file.read_text("utf-8").splitlines()[0]
        resource = json.loads(line)
        entry = store.entry(resource["resourceType"], resource["id"])
        assert entry is not None
        assert entry.text == line


def test_bad_lines_are_reported_with_file_and_line_and_do_not_stop_the_rest(
    store: FhirStore, tmp_path: Path
):
    lines = ["{not json", "", json.dumps(PATIENT), json.dumps({**PATIENT, "gender": "zzz"}), "\x00"]
    (tmp_path / "Patient.ndjson").write_bytes("\n".join(lines).encode() + b"\n\xff\xfe\n")
    report = load_path(store, tmp_path)
    assert report.loaded == {"Patient": 1}
    assert [origin for origin, _ in report.rejected] == [
        "Patient.ndjson:1", "Patient.ndjson:4", "Patient.ndjson:5", "Patient.ndjson:6",
    ]  # fmt: skip
    assert "Patient.gender" in report.rejected[1][1]


def test_a_bundle_loads_and_its_own_names_become_references(store: FhirStore, tmp_path: Path):
    urn = "urn:uuid:6f6ad3a5-5d0c-4d5c-9a3b-6d1f1f4d4c11"
    condition = {"resourceType": "Condition", "id": "c", "subject": {"reference": urn}}
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": urn, "resource": PATIENT}, {"resource": condition}, {"search": {}}],
    }
    (tmp_path / "bundle.json").write_text(json.dumps(bundle), "utf-8")
    assert load_path(store, tmp_path / "bundle.json").total == 2
    assert [r["id"] for r in store.everything("p")] == ["p", "c"]


@pytest.mark.parametrize("content", [PATIENT, [PATIENT]])
def test_a_single_resource_or_a_list_loads(store: FhirStore, tmp_path: Path, content):
    (tmp_path / "one.json").write_text(json.dumps(content), "utf-8")
    assert load_path(store, tmp_path).loaded == {"Patient": 1}


def test_a_broken_document_is_reported(store: FhirStore, tmp_path: Path):
    (tmp_path / "one.json").write_text("{", "utf-8")
    (tmp_path / "ignored.txt").write_text("not fhir", "utf-8")
    report = load_path(store, tmp_path)
    assert [origin for origin, _ in report.rejected] == ["one.json"]


def test_a_path_that_is_not_there_is_said(store: FhirStore, tmp_path: Path):
    with pytest.raises(FhirNotFoundError):
        load_path(store, tmp_path / "nowhere")
