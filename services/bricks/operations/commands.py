"""Commands of `caretier bricks` that make bricks, and find them.

Exit codes: 0 done; 3 no such brick; 20 it cannot be made: the message says why, and what is there
already stays as it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.bricks.operations.options import (
    AcceptOption,
    DomainOption,
    DryOption,
    FolderArgument,
    IdOption,
    LevelOption,
    LicenceOption,
    ModelOption,
    SubDomainOption,
    TitleOption,
    UseOption,
    workshop_of,
)
from services.bricks.repository.options import DATA, DataOption, JsonOption

if TYPE_CHECKING:  # what works with models is loaded by the command that needs it
    from services.bricks.operations.life import Done
    from services.bricks.operations.workshop import Workshop

app = typer.Typer(add_completion=False)

BrickArgument = Annotated[str, typer.Argument(metavar="BRICK", help="Its id, like heart-style.")]


@app.command()
def make(
    folder: FolderArgument,
    *,
    brick: IdOption,
    domain: DomainOption = None,
    sub_domain: SubDomainOption = None,
    title: TitleOption = None,
    level: LevelOption = None,
    licence: LicenceOption = None,
    data: DataOption = DATA,
    model: ModelOption = None,
    use: UseOption = False,
    dry_run: DryOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make a brick of a pack or of an adapter: measured, with its lineage, in the node's store."""
    fields = {
        "id": brick,
        "domain": domain or "general",
        "sub_domain": sub_domain,
        "title": title,
        "level": level,
        "licence": licence,
    }

    def work(shop: Workshop) -> Done:
        from services.bricks.operations.content import content_of
        from services.bricks.operations.life import make as run

        return run(shop, content_of(shop, folder), fields, dry=dry_run)

    _run("making", work, data, model, use=use, dry=dry_run, as_json=as_json)


@app.command()
def update(
    brick: BrickArgument,
    folder: FolderArgument,
    *,
    accept: AcceptOption = None,
    restore: Annotated[
        list[str] | None, typer.Option(help="A retired topic that comes back; again for more.")
    ] = None,
    note: Annotated[str | None, typer.Option(help="What changed, in a sentence.")] = None,
    data: DataOption = DATA,
    model: ModelOption = None,
    use: UseOption = False,
    dry_run: DryOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make the next version of a brick; refused unless it measures better, or --accept says why."""

    def work(shop: Workshop) -> Done:
        from services.bricks.operations.content import content_of
        from services.bricks.operations.life import update as run

        content = content_of(shop, folder)
        back = restore or ()
        return run(shop, brick, content, accept=accept, restore=back, note=note, dry=dry_run)

    _run("updating", work, data, model, use=use, dry=dry_run, as_json=as_json)


@app.command()
def grow(
    parent: Annotated[str, typer.Argument(metavar="PARENT", help="Like cardiology@3.")],
    folder: FolderArgument,
    *,
    brick: IdOption,
    sub_domain: SubDomainOption = None,
    title: TitleOption = None,
    level: LevelOption = None,
    licence: LicenceOption = None,
    accept: AcceptOption = None,
    data: DataOption = DATA,
    model: ModelOption = None,
    use: UseOption = False,
    dry_run: DryOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make a brick for a narrower field under a parent, which stays as it is."""
    fields = {
        "id": brick,
        "sub_domain": sub_domain or brick,
        "title": title,
        "level": level,
        "licence": licence,
    }

    def work(shop: Workshop) -> Done:
        from services.bricks.operations.content import content_of
        from services.bricks.operations.grow import grow as run

        return run(shop, parent, content_of(shop, folder), fields, accept=accept, dry=dry_run)

    _run("growing", work, data, model, use=use, dry=dry_run, as_json=as_json)


@app.command()
def merge(
    refs: Annotated[list[str], typer.Argument(metavar="BRICK…", help="Like heart@2 lungs@1.")],
    *,
    brick: IdOption,
    title: TitleOption = None,
    method: Annotated[
        str, typer.Option(help="Of adapters: linear, svd, ties, dare or dare-ties.")
    ] = "linear",
    weight: Annotated[
        list[float] | None, typer.Option(help="Of each adapter, in their order.")
    ] = None,
    density: Annotated[float, typer.Option(help="Share of entries that ties and dare keep.")] = 0.5,
    seed: Annotated[int, typer.Option(help="Of what dare drops by chance.")] = 0,
    drop: Annotated[
        list[str] | None,
        typer.Option(metavar="BRICK:TOPIC#SECTION", help="Passage to leave out; again for more."),
    ] = None,
    accept: AcceptOption = None,
    data: DataOption = DATA,
    model: ModelOption = None,
    use: UseOption = False,
    dry_run: DryOption = False,
    as_json: JsonOption = False,
) -> None:
    """Merge adapters by their products B·A, or packs: duplicates go, contradictions are shown."""
    fields = {"id": brick, "title": title}

    def work(shop: Workshop) -> Done:
        from services.bricks.operations.merge import merge_packs
        from services.bricks.operations.merge_adapters import Recipe, merge_adapters

        if shop.store.get(refs[0]).kind == "adapter":
            recipe = Recipe(method, tuple(weight or ()), density, seed)
            return merge_adapters(shop, refs, fields, recipe, accept=accept, dry=dry_run)
        return merge_packs(shop, refs, fields, drop or (), dry=dry_run)

    _run("merging", work, data, model, use=use, dry=dry_run, as_json=as_json)


@app.command()
def retire(
    brick: BrickArgument,
    reason: Annotated[str, typer.Option(help="Why, in a sentence; kept and shown.")],
    topic: Annotated[
        list[str] | None, typer.Option(help="Only this topic of it; again for more.")
    ] = None,
    *,
    data: DataOption = DATA,
    use: UseOption = False,
    dry_run: DryOption = False,
    as_json: JsonOption = False,
) -> None:
    """End a brick, or take topics out of it: no answer is made of them any more."""

    def work(shop: Workshop) -> Done:
        from services.bricks.operations.retire import retire as run

        return run(shop, brick, reason, topic or (), dry=dry_run)

    _run("retiring", work, data, None, use=use, dry=dry_run, as_json=as_json)


@app.command()
def find(
    need: Annotated[str, typer.Argument(metavar="NEED", help="In your own words.")] = "",
    *,
    kind: Annotated[str | None, typer.Option(help="knowledge, adapter, policy or model.")] = None,
    level: LevelOption = None,
    language: Annotated[str | None, typer.Option(help="en or es.")] = None,
    domain: DomainOption = None,
    room: Annotated[float | None, typer.Option(help="Megabytes that it may take.", min=0)] = None,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Find the bricks that fit a need, with the reasons; and why the others do not."""
    from services.bricks.operations.find import find as run
    from services.bricks.operations.find import need_of
    from services.bricks.operations.show import show_found, telling

    wanted = need_of(
        need,
        kind=kind,
        level=level,
        language=language,
        domain=domain,
        room=None if room is None else room * 1e6,
    )
    with telling("looking") as say:
        found = run(workshop_of(data, None, say), wanted)
    if as_json:
        typer.echo(json.dumps(found.as_json(), ensure_ascii=False))
    else:
        show_found(found)


def _run(
    title: str,
    work: Callable[[Workshop], Done],
    data: Path,
    model: Path | None,
    *,
    use: bool,
    dry: bool,
    as_json: bool,
) -> None:
    """Do the work, put it in use where that was asked for, and show it."""
    from services.bricks.operations import show
    from services.bricks.operations.errors import ContradictionsError
    from services.bricks.show import show_findings
    from services.bricks.updater.installed import Installed

    try:
        with show.telling(title) as say:
            shop = workshop_of(data, model, say)
            done = work(shop)
    except ContradictionsError as error:
        if not as_json:
            show_findings(error.findings)
        raise
    if use and not dry:
        Installed(shop.store.folder).activate(done.manifest.ref)
    others = shop.store.manifests()
    if as_json:
        typer.echo(json.dumps(show.as_json(done, others, dry=dry), ensure_ascii=False))
    else:
        show.show_done(done, others, dry=dry)
