"""`caretier bench advisor`: the advisor's estimate of memory against what the system shows.

The embedded model, and quantised forms of it, are loaded in the engine and their context is filled;
then stand-ins of other shapes. Resident memory is that of the process afterwards. A form is made by
llama.cpp's own quantiser out of the embedded file, so only its size and layout are of interest.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from services.advisor.catalogue import Catalogue
from services.advisor.errors import AdvisorError
from services.advisor.hardware import probe
from services.advisor.memory import on_processor
from services.advisor.shape import Shape
from services.advisor.stand_in import write_stand_in
from services.advisor.trial import try_model
from services.engines.settings import embedded_model

app = typer.Typer(add_completion=False)
WITHIN = 0.15
"""How far an estimate may be off."""
EMBEDDED = "smollm2-135m-instruct"
CONTEXTS = (512, 2048, 4096)
QUANTISED = ("Q8_0", "Q4_0", "Q4_K_M", "F16")
OTHERS = (("llama-3.2-1b-instruct", "Q4_K_M"), ("qwen3-0.6b", "Q8_0"))
MIB = 1 << 20


def rows() -> Iterator[dict[str, Any]]:
    """One row for each model, form and context: bytes seen, estimated, and how far off."""
    catalogue = Catalogue.load()
    shape = catalogue.model(EMBEDDED).shape
    for context in CONTEXTS:
        yield _row(EMBEDDED, embedded_model(), shape, "Q4_1", context)
    with tempfile.TemporaryDirectory(prefix="caretier-") as folder:
        file = Path(folder) / "model.gguf"
        for form in QUANTISED:
            quantise(embedded_model(), file, form)
            yield _row(EMBEDDED, file, shape, form, CONTEXTS[1])
        for name, form in OTHERS:
            other = catalogue.model(name).shape
            write_stand_in(file, other, form, CONTEXTS[1])
            yield _row(f"{name} (stand-in)", file, other, form, CONTEXTS[1])


def quantise(source: Path, target: Path, form: str) -> None:
    """Write a model in another form.

    Raises:
        AdvisorError: llama.cpp could not.
    """
    import llama_cpp
    from llama_cpp import _logger

    _logger.set_verbose(False)
    params = llama_cpp.llama_model_quantize_default_params()
    params.allow_requantize, params.nthread = True, 1
    params.ftype = getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{form}")
    if llama_cpp.llama_model_quantize(str(source).encode(), str(target).encode(), params):
        raise AdvisorError(f"{source.name} could not be written in {form}.")


def _row(name: str, file: Path, shape: Shape, form: str, context: int) -> dict[str, Any]:
    seen = try_model(file, context=context, threads=1, fill=True, rounds=1).resident
    told = on_processor(shape, form, file.stat().st_size, context=context).resident
    off = told / seen - 1
    return {
        "model": name,
        "form": form,
        "context": context,
        "seen": seen,
        "estimated": told,
        "off": round(off, 4),
        "good": abs(off) <= WITHIN,
    }


@app.command()
def advisor(
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
) -> None:
    """Set the estimate of memory against measured resident memory; 1 when one is too far off."""
    with Console(stderr=True).status("Loading models and filling their contexts …"):
        found = list(rows())
    if as_json:
        machine = probe().model_dump(mode="json")
        typer.echo(json.dumps({"machine": machine, "within": WITHIN, "rows": found}))
    else:
        _show(found)
    raise typer.Exit(0 if all(row["good"] for row in found) else 1)


def _show(found: list[dict[str, Any]]) -> None:
    table = Table("model", "form", "context", "seen (MiB)", "estimated (MiB)", "off")
    for row in found:
        table.add_row(
            row["model"],
            row["form"],
            f"{row['context']:,}",
            f"{row['seen'] / MIB:,.0f}",
            f"{row['estimated'] / MIB:,.0f}",
            f"[{'green' if row['good'] else 'red'}]{row['off']:+.1%}[/]",
        )
    Console().print(table)
