"""`caretier bench consult`: how fast and how large the device tier is, on this machine."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(add_completion=False)
BENCH_PASSPHRASE_BYTES = 16

SUBJECTS = (
    "asthma",
    "high blood pressure",
    "type 2 diabetes",
    "migraine",
    "gout",
    "eczema",
    "the flu",
    "pink eye",
    "depression",
    "insomnia",
    "low back pain",
    "kidney stones",
    "hay fever",
    "acne",
    "metformin",
    "lisinopril",
    "ibuprofen",
    "sertraline",
    "omeprazole",
    "atorvastatin",
)
WORDINGS = (
    "What is {}?",
    "What are the symptoms of {}?",
    "What causes {}?",
    "How is {} treated?",
    "What can I do myself about {}?",
    "When should I see a doctor for {}?",
)


def questions() -> list[str]:
    """The fixed list of questions: every wording with every subject."""
    return [w.format(s) for s in SUBJECTS for w in WORDINGS]


def _percentile(values: list[float], share: float) -> float:
    return statistics.quantiles(values, n=100)[round(share * 100) - 1]


async def _measure(count: int) -> dict[str, Any]:
    from patient_app.service import Device
    from patient_app.settings import DeviceSettings
    from services.consult.messages import Answer, Triage
    from services.fhir.sandbox import generate
    from services.web.memory import limit_arenas

    limit_arenas()
    first: list[float] = []
    triage: list[float] = []
    last: list[float] = []
    states: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        device = Device(DeviceSettings(data=Path(folder)))
        member = device.add("bench", os.urandom(BENCH_PASSPHRASE_BYTES).hex())
        record = [r for r in generate() if json.dumps(r).count('"Patient/p01"') or r["id"] == "p01"]
        member.import_record(record)
        _ = device.node, device.discloser
        for question in questions()[:count]:
            began = time.perf_counter()
            async for event in device.ask(member, question):
                now = (time.perf_counter() - began) * 1000
                if isinstance(event, Triage):
                    first.append(now)
                if isinstance(event, Answer):
                    last.append(now)
                    triage.append(event.trace[0].ms)
                    states[event.status] = states.get(event.status, 0) + 1
        resident = psutil.Process().memory_info().rss / 2**20
        await device.close()
        member.vault.erase()
    figures = {"triage_ms": triage, "first_event_ms": first, "answer_ms": last}
    return {
        "questions": len(last),
        "states": states,
        "resident_mib": round(resident),
        "figures": {
            name: {
                "p50": round(statistics.median(v), 1),
                "p95": round(_percentile(v, 0.95), 1),
                "max": round(max(v), 1),
            }
            for name, v in figures.items()
        },
    }


def _machine() -> str:
    memory = psutil.virtual_memory().total / 2**30
    cores = os.cpu_count()
    return (
        f"{platform.machine()}, {cores} cores, {memory:.0f} GiB, Python {platform.python_version()}"
    )


@app.command()
def consult(
    count: Annotated[int, typer.Option(min=20, help="How many questions.")] = 120,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
) -> None:
    """Ask questions at the device tier; print latencies (p50, p95, max) and memory."""
    result = {"machine": _machine(), **asyncio.run(_measure(count))}
    if as_json:
        typer.echo(json.dumps(result))
        return
    table = Table(
        "milliseconds", "p50", "p95", "max", title=f"caretier bench consult: {result['machine']}"
    )
    for name, row in result["figures"].items():
        table.add_row(name.removesuffix("_ms").replace("_", " "), *(str(v) for v in row.values()))
    console = Console()
    console.print(table)
    console.print(
        f"{result['questions']} questions: {result['states']};"
        f" {result['resident_mib']} MiB resident in the device process"
    )
