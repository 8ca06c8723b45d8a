"""Commands of `caretier bricks` for weights: convert, quantise, check.

Exit codes: 0 done; 2 arguments do not fit together; 11 llama.cpp failed, or an adapter belongs to
another model; 20 a file cannot be used, or quantising took a merged behaviour away; 26 the disk
takes no more.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from compliance.errors import BadInputError

app = typer.Typer(add_completion=False)

_Source = Annotated[
    Path, typer.Argument(exists=True, help="GGUF file, or folder of a model or adapter.")
]
_Base = Annotated[
    Path | None, typer.Option("--base", exists=True, help="The base model, in either form.")
]
_Right = Annotated[
    bool,
    typer.Option("--base-is-right", help="I know that an adapter that names no model is of this."),
]
_AsJson = Annotated[bool, typer.Option("--json", help="Print a JSON object.")]


@app.command()
def convert(
    source: _Source,
    target: Annotated[Path, typer.Argument(help="A name ending in .gguf, or a folder.")],
    *,
    base: _Base = None,
    merge: Annotated[
        Path | None, typer.Option(exists=True, help="Adapter to merge into the model.")
    ] = None,
    kind: Annotated[str, typer.Option("--as", help="F32, F16 or BF16, for a model.")] = "BF16",
    base_is_right: _Right = False,
    as_json: _AsJson = False,
) -> None:
    """Put a model or an adapter into its other form, or merge an adapter into a model."""
    from services.bricks.adapters.convert import convert as put

    said = put(source, target, base=base, merge=merge, kind=kind, right=base_is_right)
    size = sum(f.stat().st_size for f in ([target] if target.is_file() else target.iterdir()))
    if as_json:
        typer.echo(json.dumps({"written": target.name, "what": said, "bytes": size}))
    else:
        typer.echo(f"{target.name}: {said}, {size / 1e6:.1f} MB")


@app.command()
def quantise(
    source: _Source,
    target: Annotated[Path, typer.Argument(help="The file to write.")],
    *,
    kind: Annotated[
        str, typer.Option("--as", help="Q8_0, Q6_K, Q5_K_M, Q4_K_M, Q4_1 or Q4_0.")
    ] = "Q4_K_M",
    base: _Base = None,
    questions: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="One question a line.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Of the CPU; no more than are free.")] = 1,
    unchecked: Annotated[
        bool, typer.Option("--unchecked", help="Do not measure what is left of a merged adapter.")
    ] = False,
    as_json: _AsJson = False,
) -> None:
    """Quantise a model. A merged one is measured against its base; nothing is written on loss."""
    from rich.console import Console

    from services.bricks.adapters.quantise import quantise as make
    from services.bricks.adapters.release import merged_into, release

    what = f"Quantising {source.name}"
    with Console(stderr=True).status(what) as shown:

        def say(line: str) -> None:
            shown.update(f"{what}: {line}")

        if unchecked or merged_into(source) is None:
            make(source, target, kind, threads=threads, say=say)
            told: dict[str, Any] = {"kind": kind}
        else:
            effect = release(
                source,
                target,
                kind,
                base=_named(base),
                questions=_lines(questions),
                threads=threads,
                say=say,
            )
            told = asdict(effect)
    told |= {"written": target.name, "bytes": target.stat().st_size}
    if as_json:
        typer.echo(json.dumps(told))
        return
    typer.echo(f"{target.name}: {kind}, {told['bytes'] / 1e6:.1f} MB")
    if "kept" in told:
        typer.echo(
            f"Behaviour kept {told['kept']:.0%}, change of the weights carried "
            f"{told['carried']:.0%}, blocks changed {told['changed']:.0%} "
            f"({told['answers']} answers)."
        )


def _named(base: Path | None) -> Path:
    if base is None:
        raise BadInputError(
            "The model has an adapter merged into it, which quantising can take away.",
            remedy="Name the model that it was made of (--base MODEL), so that it is measured.",
        )
    return base


def _lines(questions: Path | None) -> tuple[str, ...]:
    from services.bricks.adapters.effect import QUESTIONS

    if questions is None:
        return QUESTIONS
    return tuple(t for line in questions.read_text("utf-8").splitlines() if (t := line.strip()))


@app.command()
def check(
    path: _Source, *, base: _Base = None, base_is_right: _Right = False, as_json: _AsJson = False
) -> None:
    """Look at weights without running anything of them: what they are, and whether they fit."""
    from services.bricks.adapters.describe import describe

    told = describe(path, base, right=base_is_right)
    if as_json:
        typer.echo(json.dumps(told))
        return
    for key, value in told.items():
        shown = value if not isinstance(value, dict | list) else json.dumps(value)
        typer.echo(f"{key.replace('_', ' '):12} {shown}")
