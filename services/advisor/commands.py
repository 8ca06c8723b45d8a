"""`caretier advise`: which model fits a need and this machine, and how to have it.

    caretier advise --need "heart failure clinic, Spanish" --seconds 30
    caretier advise --need "heart failure clinic, Spanish" pull        # the first of them

Exit codes: 0 done; 2 an option cannot be used; 3 no such model or form; 27 the catalogue or a
measurement cannot be used; 28 a model could not be fetched (what to copy where is said).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from compliance.errors import BadInputError
from services.advisor.need import Language
from services.bricks.manifest import Level

if TYPE_CHECKING:
    from services.advisor.advise import Advice
    from services.advisor.catalogue import CatalogueModel, ModelFile
    from services.advisor.wish import Wish
    from services.bricks.manifest import BrickManifest

app = typer.Typer(add_completion=False)
GB = 1e9
_AsJson = Annotated[bool, typer.Option("--json", help="Print a JSON object.")]
_Data = Annotated[
    Path | None,
    typer.Option("--data", file_okay=False, help="Data folder of the node, to name its bricks."),
]


@app.callback(invoke_without_command=True)
def advise(
    context: typer.Context,
    *,
    need: Annotated[str | None, typer.Option(help="What it is for, in words.")] = None,
    language: Annotated[str | None, typer.Option(help="Of the answers: en or es.")] = None,
    device: Annotated[
        str | None, typer.Option("--device", help="Where it runs: device, clinic or hospital.")
    ] = None,
    tokens: Annotated[
        int, typer.Option("--context", min=256, help="Tokens of prompt and answer together.")
    ] = 4096,
    contexts: Annotated[
        int, typer.Option("--requests", min=1, max=64, help="That run at once.")
    ] = 1,
    tokens_per_second: Annotated[float | None, typer.Option(help="Written, at least.")] = None,
    seconds: Annotated[
        float | None, typer.Option(help="For a usual prompt and its answer, at most.")
    ] = None,
    memory: Annotated[
        float | None, typer.Option(help="GB to plan with, instead of what is here.")
    ] = None,
    research: Annotated[
        bool, typer.Option("--research", help="Also models licensed for research alone.")
    ] = False,
    measure: Annotated[
        bool, typer.Option("--measure", help="Measure this machine's pace anew.")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="Show all models.")] = False,
    data: _Data = None,
    as_json: _AsJson = False,
) -> None:
    """Recommend models that fit a need and this machine, and say why the others do not."""
    asked = {
        "need": need,
        "language": _one_of(language, get_args(Language), "language"),
        "tier": _one_of(device, get_args(Level), "tier"),
        "context": tokens,
        "contexts": contexts,
        "tokens_per_second": tokens_per_second,
        "seconds": seconds,
        "memory": _bytes(memory),
        "research": research,
    }
    context.obj = wish = _wish(asked)
    if context.invoked_subcommand is not None:
        return
    from services.advisor.report import advice_json
    from services.advisor.show import show_advice

    found = _advise(wish, _bricks(data), measure=measure)
    if as_json:
        typer.echo(json.dumps(advice_json(found), ensure_ascii=False))
    else:
        show_advice(found, everything=everything)


@app.command()
def catalogue(
    name: Annotated[str | None, typer.Argument(metavar="[MODEL]", help="Only this one.")] = None,
    as_json: _AsJson = False,
) -> None:
    """List the models that are known, with what is known of them."""
    from services.advisor.catalogue import Catalogue
    from services.advisor.report import model_json
    from services.advisor.show import show_catalogue

    known = Catalogue.load()
    models = (known.model(name),) if name else known.models
    if as_json:
        held = {"reviewed": known.reviewed.isoformat(), "models": [model_json(m) for m in models]}
        typer.echo(json.dumps(held, ensure_ascii=False))
    else:
        show_catalogue(models)
        typer.echo(f"Reviewed {known.reviewed}.")


@app.command()
def pull(
    context: typer.Context,
    model: Annotated[
        str | None, typer.Argument(metavar="[MODEL]", help="Default: the first that is advised.")
    ] = None,
    *,
    form: Annotated[str | None, typer.Option(help="Of its weights, like Q4_K_M.")] = None,
    source: Annotated[
        str | None, typer.Option("--from", help="Folder or https address of the site's models.")
    ] = None,
    digest: Annotated[
        str | None, typer.Option(help="sha256:…, where the catalogue knows none.")
    ] = None,
    data: _Data = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would do.")] = False,
    as_json: _AsJson = False,
) -> None:
    """Bring a model here, from what the site has; else say what to copy where."""
    from services.advisor.fetch import Shelves
    from services.advisor.settings import AdvisorSettings
    from services.bricks.updater.show import progress_of_files
    from services.engines.settings import models_folder

    chosen, file = _chosen(context.obj, model, form.upper() if form else None)
    place = source or AdvisorSettings().source
    with progress_of_files() as progress:
        shelves = Shelves(models_folder(), data=data, source=place, progress=progress)
        if dry_run:
            typer.echo(f"{file.name} ({file.size / GB:.2f} GB) would lie at {shelves.target(file)}")
            return
        got = shelves.fetch(chosen, file, _digest(digest))
    if as_json:
        said = {"path": str(got.path), "digest": got.digest, "from": got.came_from}
        typer.echo(json.dumps({**said, "moved": got.moved, "authoring": chosen.authoring.value}))
        return
    typer.echo(f"{got.path}\n{got.digest} ({got.came_from})")
    typer.echo("To run it, set for the node:")
    typer.echo(f"  CARETIER_ENGINE_MODEL={got.path}")
    typer.echo(f"  CARETIER_ENGINE_AUTHORING={chosen.authoring.value}")
    typer.echo(f"Licence: {chosen.licence}. {chosen.note or ''}".rstrip())


@app.command()
def measure(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="As the catalogue names it.")],
    tokens: Annotated[int, typer.Option("--context", min=256, help="Tokens of context.")] = 2048,
    form: Annotated[str, typer.Option(help="Q4_K_M, Q5_K_M, Q8_0, Q4_0 or F16.")] = "Q4_K_M",
    as_json: _AsJson = False,
) -> None:
    """Measure a model on this machine without having it: its shape, with random weights."""
    from rich.console import Console

    from services.advisor.rehearse import rehearse
    from services.advisor.show import show_rehearsal

    with Console(stderr=True).status("Measuring; larger models take minutes …"):
        seen = rehearse(model, form.upper(), tokens)
    if as_json:
        typer.echo(json.dumps(seen))
    else:
        show_rehearsal(seen)


def _chosen(wish: Wish, name: str | None, form: str | None) -> tuple[CatalogueModel, ModelFile]:
    """The model that was named, or the first that is advised."""
    from services.advisor.catalogue import Catalogue
    from services.advisor.errors import ModelSourceError, ModelUnknownError

    if name is not None:
        model = Catalogue.load().model(name)
        return model, model.file(form)
    advised = _advise(wish, [], measure=False).recommended
    if not advised:
        raise ModelUnknownError("No model fits.", remedy="`caretier advise` says why.")
    first = advised[0]
    if first.file is None:
        raise ModelSourceError(
            f"{first.model.id} runs in vLLM.", remedy=f"To have it, {first.how}."
        )
    return first.model, first.model.file(form) if form else first.file


def _wish(asked: Mapping[str, object]) -> Wish:
    from pydantic import ValidationError

    from services.advisor.wish import Wish

    try:
        return Wish.model_validate(asked)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInputError(f"{first['loc'][0]}: {first['msg']}.") from None


def _advise(wish: Wish, bricks: list[BrickManifest], *, measure: bool) -> Advice:
    from rich.console import Console

    from services.advisor.advise import advise as run
    from services.advisor.hardware import probe
    from services.advisor.need import Tree
    from services.advisor.pace import measured
    from services.engines.embed import Embedder

    with Console(stderr=True).status("Looking at this machine …"):
        machine = probe()
        pace = measured(machine, again=measure)
        tree = Tree(Embedder.load().encode) if wish.need else Tree()
        return run(wish, tree=tree, bricks=bricks, machine=machine, pace=pace)


def _bricks(data: Path | None) -> list[BrickManifest]:
    from services.bricks.store import BrickStore

    return BrickStore(data / "bricks").manifests() if data is not None else []


def _one_of(value: str | None, known: tuple[str, ...], what: str) -> str | None:
    if value is not None and value not in known:
        raise BadInputError(f"There is no {what} {value}: {', '.join(known)}.")
    return value


def _bytes(gigabytes: float | None) -> float | None:
    """Whole bytes; what is no number is left for the rules of a wish to refuse."""
    size = None if gigabytes is None else gigabytes * GB
    return float(math.floor(size)) if size is not None and math.isfinite(size) else size


def _digest(given: str | None) -> str | None:
    if given is None:
        return None
    hexes = given.removeprefix("sha256:").lower()
    if len(hexes) != 64 or set(hexes) - set("0123456789abcdef"):  # noqa: PLR2004 - SHA-256
        raise BadInputError("A digest is sha256: and 64 hexadecimal digits.")
    return f"sha256:{hexes}"
