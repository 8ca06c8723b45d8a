"""Options that the commands of operations share, and the workshop that they stand for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.bricks.repository.options import store_of

if TYPE_CHECKING:
    from services.bricks.operations.workshop import Say, Workshop

FolderArgument = Annotated[
    Path, typer.Argument(metavar="FOLDER", exists=True, help="A pack, or an adapter of PEFT.")
]
IdOption = Annotated[str, typer.Option("--id", help="Of the new brick, like heart-failure.")]
TitleOption = Annotated[str | None, typer.Option(help="What it is called.")]
LevelOption = Annotated[str | None, typer.Option(help="device, clinic or hospital.")]
DomainOption = Annotated[str | None, typer.Option(help="Field, like cardiology.")]
SubDomainOption = Annotated[str | None, typer.Option(help="Narrower field, like heart-failure.")]
LicenceOption = Annotated[str | None, typer.Option(help="Under which it may be used.")]
AcceptOption = Annotated[
    str | None,
    typer.Option(metavar="REASON", help="Take it although its figures are not better; kept."),
]
ModelOption = Annotated[
    Path | None,
    typer.Option(exists=True, help="Base model of adapters: a folder of Transformers' form."),
]
DryOption = Annotated[bool, typer.Option("--dry-run", help="Do everything but keep it.")]
UseOption = Annotated[bool, typer.Option("--use", help="Put it in use on this node at once.")]


def workshop_of(data: Path, model: Path | None, say: Say) -> Workshop:
    """The workshop of a node's data folder; the embedded model is the base of adapters."""
    from services.bricks.adapters.unpack import EMBEDDED
    from services.bricks.operations.workshop import Workshop
    from services.engines.embed import Embedder
    from services.engines.settings import embedded_model, models_folder

    unpacked = models_folder() / EMBEDDED
    return Workshop(
        store=store_of(data),
        embedder=Embedder.load,
        cache=models_folder() / "knowledge",
        model=model or (unpacked if unpacked.is_dir() else embedded_model()),
        say=say,
    )
