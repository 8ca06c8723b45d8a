"""`caretier bench advisor`: the advisor's estimate of memory against what the system shows.

The embedded model, and quantised forms of it, are loaded in the engine and their context is filled;
then stand-ins of other shapes. Resident memory is that of the process afterwards. A form is made by
llama.cpp's own quantiser out of the embedded file, so only its size and layout are of interest.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.markup import escape
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
"""The model that ships with Caretier, by its name in the catalogue."""
CONTEXTS = (512, 2048, 4096)
"""Tokens that the embedded model is measured with."""
QUANTISED = ("Q8_0", "Q4_0", "Q4_K_M", "F16")
"""Forms that are made of the embedded model, by llama.cpp's names."""
OTHERS = (("llama-3.2-1b-instruct", "Q4_K_M"), ("qwen3-0.6b", "Q8_0"))
"""Models that a stand-in of their shape is measured for, with its form."""
MIB = 1 << 20
PATIENCE = 3600.0
"""Seconds that one case may take: on a busy machine, filling a context takes minutes."""


@dataclass(frozen=True)
class Case:
    """A model of the catalogue in a form, with a context; a stand-in where it is not here."""

    model: str
    form: str
    context: int = CONTEXTS[1]
    source: Literal["embedded", "quantised", "stand-in"] = "embedded"

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.model} (stand-in)" if self.source == "stand-in" else self.model


CASES = (
    *(Case(EMBEDDED, "Q4_1", context) for context in CONTEXTS),
    *(Case(EMBEDDED, form, source="quantised") for form in QUANTISED),
    *(Case(name, form, source="stand-in") for name, form in OTHERS),
)
"""What is measured, in this order."""


def rows(say: Callable[[str], object] = lambda _: None) -> Iterator[dict[str, Any]]:
    """One row for each case: bytes seen, estimated, and how far off; or why it could not be seen.

    Args:
        say: is told which case is measured.
    """
    catalogue = Catalogue.load()
    with tempfile.TemporaryDirectory(prefix="caretier-") as folder:
        for number, case in enumerate(CASES, 1):
            say(f"{number} of {len(CASES)}: {case.name}, {case.form}, {case.context:,} tokens")
            shape = catalogue.model(case.model).shape
            try:
                yield _row(case, shape, _file(case, shape, Path(folder)))
            except AdvisorError as error:
                yield {**_told(case), "good": False, "why": error.message}


def _file(case: Case, shape: Shape, folder: Path) -> Path:
    file = folder / "model.gguf"
    if case.source == "embedded":
        return embedded_model()
    if case.source == "quantised":
        quantise(embedded_model(), file, case.form)
    else:
        write_stand_in(file, shape, case.form, case.context)
    return file


def quantise(source: Path, target: Path, form: str) -> None:
    """Write a model in another form.

    Raises:
        AdvisorError: llama.cpp could not.
    """
    import llama_cpp
    from llama_cpp import _logger

    _logger.logger.setLevel(logging.CRITICAL)  # it warns of each of some hundred tensors
    params = llama_cpp.llama_model_quantize_default_params()
    params.allow_requantize, params.nthread = True, 1
    params.ftype = getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{form}")
    if llama_cpp.llama_model_quantize(str(source).encode(), str(target).encode(), params):
        raise AdvisorError(f"{source.name} could not be written in {form}.")


def _row(case: Case, shape: Shape, file: Path) -> dict[str, Any]:
    trial = try_model(file, context=case.context, threads=1, fill=True, rounds=1, patience=PATIENCE)
    told = on_processor(shape, case.form, file.stat().st_size, context=case.context).resident
    off = told / trial.resident - 1
    figures = {"seen": trial.resident, "estimated": told, "off": round(off, 4)}
    return {**_told(case), **figures, "good": abs(off) <= WITHIN}


def _told(case: Case) -> dict[str, Any]:
    return {"model": case.name, "form": case.form, "context": case.context}


@app.command()
def advisor(
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
) -> None:
    """Set the estimate of memory against measured resident memory; 1 when one is too far off."""
    with Console(stderr=True).status("Loading models …") as status:
        found = list(rows(status.update))
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
            *_figures(row),
        )
    Console().print(table)


def _figures(row: dict[str, Any]) -> tuple[str, ...]:
    if "seen" not in row:
        return "not seen", "", f"[red]{escape(row['why'])}[/]"
    return (
        f"{row['seen'] / MIB:,.0f}",
        f"{row['estimated'] / MIB:,.0f}",
        f"[{'green' if row['good'] else 'red'}]{row['off']:+.1%}[/]",
    )
