"""The bench's figures for people."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

TITLES = {
    "gateway": "A gateway before an upstream: milliseconds of a request, processor time for each",
    "routed": "vLLM: tokens a second, a mix of adapters against one",
    "served_prefix": "vLLM: milliseconds to the first word, ~1,000 tokens before the question",
    "prefix": "llama.cpp: milliseconds to the first word, a shared beginning kept or not",
    "swap": "llama.cpp: milliseconds of a swap of adapters",
}
PACKAGES = ("caretier", "llama-cpp-python", "httpx", "fastapi", "uvicorn")


def machine() -> str:
    """What the figures were taken on."""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB,"
        f" Python {platform.python_version()}, load average {os.getloadavg()[0]:.1f}"
    )


def versions() -> dict[str, str]:
    """Of what was measured, as far as it is of this environment."""
    return {name: version(name) for name in PACKAGES}


def show(result: dict[str, Any]) -> None:
    """Print the tables."""
    out = Console()
    for part, title in TITLES.items():
        rows = result.get(part)
        if not rows:
            continue
        table = Table(*rows[0], title=title, title_justify="left")
        for row in rows:
            table.add_row(*(_cell(value) for value in row.values()))
        out.print(table)
    for part, why in result["left_out"].items():
        out.print(f"{part}: left out: {why}")
    known = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    out.print(f"{result['machine']}; {known}")


def _cell(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else "" if value is None else str(value)
