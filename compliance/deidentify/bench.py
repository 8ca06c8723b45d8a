"""``caretier bench deidentify``: speed and memory beside stock Presidio, on the same made-up texts.

Each detector runs in a process of its own on one thread, so that neither pays for the other's
memory. Stock Presidio means its analyzer with every recogniser that it enables by itself, on a
blank spaCy pipeline (its own engine would download a model), and its anonymiser's work left out:
it is given the easier task. Ours masks, checks and keeps the placeholders.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from compliance.deidentify.names.generate import document

app = typer.Typer(add_completion=False)
SEED = 23
_CHUNK = 2_000
"""Characters of one text: about a visit note."""
SPEED, MEMORY = 20_000, 260
"""Characters a second that must be reached, and MiB that must not be exceeded."""


def texts(characters: int) -> list[str]:
    """Made-up English notes of ``_CHUNK`` characters each, together about ``characters``."""
    found, number = [""], 0
    while len(found) * _CHUNK <= characters + _CHUNK:
        one = document(SEED, number, out=True)
        number += 1
        if one.language == "en":
            found[-1] += one.text + "\n"
        if len(found[-1]) >= _CHUNK:
            found.append("")
    return [text for text in found if text]


def in_fresh_process(name: str, every: list[str]) -> dict[str, float]:
    """Figures of one detector over the texts, from a new interpreter on one thread.

    Raises:
        CalledProcessError: it failed.
    """
    done = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-P", str(Path(__file__).with_name("bench_run.py")), name],
        input=json.dumps(every),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


@app.command()
def deidentify(
    characters: Annotated[int, typer.Option(help="Length of all texts together.")] = 400_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Characters a second and peak memory, ours beside stock Presidio; 1 when ours falls short."""
    every = texts(characters)
    found = {name: in_fresh_process(name, every) for name in ("caretier", "presidio")}
    ours = found["caretier"]
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    else:
        table = Table("", *ours, title=f"De-identification, one thread, {platform.machine()}")
        for name, row in found.items():
            table.add_row(name, *(f"{value:,.10g}" for value in row.values()))
        Console().print(table)
    if ours["chars_per_s"] < SPEED or ours["peak_mib"] > MEMORY:
        raise typer.Exit(1)
