"""`caretier bench engines`: gateways, adapters, what was read before, swaps.

Every part starts what it needs and ends it again; no part needs the network, but for LiteLLM, which
is installed into an environment of its own the first time. Run it on an idle machine: the command
prints the load average beside the figures.
"""

from __future__ import annotations

import json
import time
from enum import StrEnum
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


class Part(StrEnum):
    """What can be measured by itself."""

    GATEWAY = "gateway"
    VLLM = "vllm"
    LLAMA = "llama"


@app.command()
def engines(
    part: Annotated[
        list[Part] | None, typer.Option(help="Measure only this; may be repeated.")
    ] = None,
    requests: Annotated[int, typer.Option(min=20, help="To every gateway and load.")] = 400,
    *,
    with_litellm: Annotated[
        bool, typer.Option("--litellm/--no-litellm", help="Compare with LiteLLM's proxy.")
    ] = True,
    with_vllm: Annotated[
        bool, typer.Option("--vllm/--no-vllm", help="Also with a real vLLM as the upstream.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
) -> None:
    """Measure the gateway, vLLM with adapters, and llama.cpp; print figures with the machine."""
    from services.engines.bench.report import show
    from services.engines.bench.run import Plan, run

    began = time.monotonic()

    def say(what: str) -> None:
        typer.echo(f"[{time.monotonic() - began:4.0f} s] {what}", err=True)

    result = run(Plan(frozenset(part or Part), requests, with_litellm, with_vllm), say)
    if as_json:
        typer.echo(json.dumps(result))
    else:
        show(result)
