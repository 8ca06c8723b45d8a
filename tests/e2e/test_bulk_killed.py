"""A process that is killed in the middle of an export: the next one writes it anew, and whole."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.fhir.access import Grant
from services.fhir.bulk.asked import Asked
from services.fhir.sandbox import generate
from services.hospital.models import Job
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings

pytestmark = [pytest.mark.process]

WORKER = """
import asyncio, sys, time
from pathlib import Path
from services.fhir.bulk import export
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings

write_rows = export.write_rows

def slowly(session, writer, rows):
    write_rows(session, writer, rows)
    print("written", flush=True)
    time.sleep(1)

export.write_rows = slowly
hospital = Hospital(HospitalSettings(data=Path(sys.argv[1])))
asyncio.run(hospital.do(sys.argv[2]))
"""


def test_an_export_whose_process_is_killed_midway_is_written_anew_and_whole(tmp_path: Path) -> None:
    hospital = Hospital(HospitalSettings(data=tmp_path / "hospital"))
    given = generate()
    hospital.records.put_many(given)
    token = hospital.accounts.new_key("reader", "system/*.rs")
    key = hospital.accounts.keys.find(token)
    assert key is not None
    grant = Grant(f"key-{key.id}", key.scopes.text)
    orders = hospital.bulk.orders
    order = orders.open("export", grant, request="x", asked=Asked("system").dump())
    job = f"bulk-export:{order}"

    command = [sys.executable, "-c", WORKER, str(hospital.settings.data), job]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        for _ in range(3):
            assert worker.stdout.readline() == "written\n"
        worker.kill()

    assert "resources, at" in orders.find("export", order, grant).progress
    folder = hospital.settings.data / "bulk" / order
    assert [path.name for path in folder.iterdir()] == ["1"]
    assert not asyncio.run(hospital.do(job))  # its lease still stands
    with hospital.database.transaction() as session:
        session.get_one(Job, job).due = datetime.now(UTC)
    assert asyncio.run(hospital.do(job))

    done = orders.find("export", order, grant)
    assert (done.state, done.attempt) == ("done", 2)
    assert [path.name for path in folder.iterdir()] == ["2"]
    lines = [
        json.loads(line)
        for part in done.outcome["output"]
        for line in (folder / "2" / part["file"]).read_text(encoding="utf-8").splitlines()
    ]
    assert len(lines) == sum(part["count"] for part in done.outcome["output"])
    names = sorted((one["resourceType"], one["id"]) for one in lines)
    assert names == sorted((one["resourceType"], one["id"]) for one in given)
    hospital.database.close()
