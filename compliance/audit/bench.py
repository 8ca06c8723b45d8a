"""``caretier bench audit``: how fast records reach the disk, alone and together.

A figure for the wall clock says as much about the disk and about what else runs as about the trail,
so processor time and syncs are counted too.
"""

from __future__ import annotations

import json
import os
import platform
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from compliance.audit.agents import Agent
from compliance.audit.events import crossing
from compliance.audit.trail import AuditTrail
from compliance.audit.verify import verify_file

app = typer.Typer(add_completion=False, help="Audit trail: records a second, syncs a record.")


@dataclass(frozen=True)
class Figures:
    """One run.

    Attributes:
        writers: threads that record at once.
        records: how many were recorded.
        seconds: by the wall clock.
        processor: seconds of processor time of this process.
        syncs: how often it waited for the disk.
    """

    writers: int
    records: int
    seconds: float
    processor: float
    syncs: int

    def to_dict(self) -> dict[str, float]:
        """Return it with what follows from it."""
        return asdict(self) | {
            "records_per_second": round(self.records / self.seconds, 1),
            "records_per_processor_second": round(self.records / self.processor, 1),
            "syncs_per_record": round(self.syncs / self.records, 3),
        }


@contextmanager
def _counting() -> Iterator[list[int]]:
    """Count calls of ``os.fsync``."""
    calls, real = [0], os.fsync

    def counted(fd: int) -> None:
        calls[0] += 1
        real(fd)

    os.fsync = counted  # type: ignore[assignment]
    try:
        yield calls
    finally:
        os.fsync = real


def measure(folder: Path, *, writers: int, records: int) -> Figures:
    """Record crossings from so many threads, and check the trail afterwards.

    Raises:
        RuntimeError: the trail is not whole.
    """
    path = folder / f"bench-{writers}.jsonl"
    trail = AuditTrail(path, bytes(32), node="bench")

    def one(number: int) -> None:
        trail.record(
            crossing(
                action="send",
                referral=str(number),
                person=Agent("person", "PSEUDONYM"),
                application=Agent("application", "bench"),
                model=None,
                source="device",
                destination="clinic",
                detail={"receipt": "0" * 36},
            )
        )

    with _counting() as syncs, ThreadPoolExecutor(writers) as pool:
        wall, processor = time.perf_counter(), time.process_time()
        list(pool.map(one, range(records)))
        seconds, used = time.perf_counter() - wall, time.process_time() - processor
    if verify_file(path, bytes(32)).records != records:
        raise RuntimeError("The trail does not hold what was recorded.")
    return Figures(writers, records, seconds, used, syncs[0])


@app.callback(invoke_without_command=True)
def main(
    records: Annotated[int, typer.Option(help="Records a run.")] = 2000,
    data: Annotated[Path | None, typer.Option(help="On which disk; a temporary folder.")] = None,
) -> None:
    """Print one JSON object a line, for 1, 8 and 64 writers."""
    with tempfile.TemporaryDirectory(dir=data) as folder:
        for writers in (1, 8, 64):
            figures = measure(Path(folder), writers=writers, records=records)
            typer.echo(json.dumps(figures.to_dict() | {"machine": platform.machine()}))
