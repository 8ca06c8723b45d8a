"""`caretier rounds distil`: a brick for devices out of what the parent learned."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from services.learning.distil.bricks import Distilled

Folder = Annotated[
    Path | None,
    typer.Option(file_okay=False, envvar="CARETIER_HOSPITAL_SUITES", help="Own suites."),
]
Passphrase = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        envvar="CARETIER_HOSPITAL_SIGNING_PASSPHRASE",
        help="File with the passphrase of the keys that sign.",
    ),
]


def distil(
    context: typer.Context,
    domain: Annotated[str, typer.Argument(help="As in the update policy.")] = "general",
    *,
    rank: Annotated[int, typer.Option(min=1, max=64, help="Of the student.")] = 4,
    steps: Annotated[int, typer.Option(min=0, help="Of its training.")] = 40,
    minutes: Annotated[float, typer.Option(min=0.1, help="Of training at most.")] = 15,
    threads: Annotated[int, typer.Option(min=1, help="Of the CPU.")] = 1,
    quantise: Annotated[
        str | None,
        typer.Option(help="Make a model of its own too, quantised so, like Q4_K_M."),
    ] = None,
    suites: Folder = None,
    passphrase: Passphrase = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Publish nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Distil what a domain's release learned into an adapter for devices, and publish it.

    It is measured first, beside what devices have now; one that lost too much is not published.
    Where nodes are told apart it is offered to none until a rollout begins.
    """
    from functools import partial

    from rich.console import Console

    from compliance.errors import NotFoundError
    from services.bricks.repository import REPOSITORY
    from services.bricks.repository.repository import Repository
    from services.bricks.store import BrickStore
    from services.learning.distil.distiller import Distiller, Task
    from services.learning.distil.questions import questions_of
    from services.learning.distil.student import Recipe
    from services.learning.evaluate.model import parents_file
    from services.learning.evaluate.suites import Suites
    from services.learning.publish.sign import Signing
    from services.learning.publish.signing import signer_of
    from services.learning.rounds.opening import Beside

    beside, data = Beside(context.obj), context.obj / "hospital"
    context.call_on_close(beside.close)
    parent = beside.rounds.standing(domain).parent
    if parent is None:
        raise NotFoundError(f"Nothing was released in {domain}, so there is nothing to distil.")
    policy = beside.rounds.policy.of(domain)
    if not dry_run:
        beside.write_down(f"distil:{parent}", "started")
    signing = Signing(
        Repository(data / REPOSITORY),
        BrickStore(data / "bricks"),
        partial(signer_of, data, passphrase),
    )
    with Console(stderr=True).status("Asking the parent …") as status:
        distiller = Distiller(
            signing,
            Suites(suites),
            data / "learning",
            model=parents_file,
            recipe=Recipe(rank=rank, steps=steps, seconds=minutes * 60, threads=threads),
            say=status.update,
        )
        task = Task(domain, parent, policy, questions_of(beside.database, domain), quantise)
        found = distiller.distil(task, dry=dry_run)
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2))
    else:
        _show(found)


def _show(found: Distilled) -> None:
    from rich.console import Console
    from rich.table import Table

    from services.bricks.sizes import said_bytes
    from services.learning.distil.figures import mean

    table = Table("suite", "devices now", "the student", "the parent")
    for name, scores in found.figures.suites.items():
        figures = mean(scores.before), mean(scores.after), found.figures.parents[name]
        table.add_row(name, *(f"{figure:.3f}" for figure in figures))
    console = Console()
    console.print(table)
    for one in found.figures.criteria:
        console.print(f"{'holds' if one.holds else 'FAILS'}  {one.name}: {one.needs} ({one.has})")
    small, large = map(said_bytes, found.bytes)
    typer.echo(
        f"{small} instead of {large}; {found.apart[0]:.4f} nats a token from the parent before "
        f"training, {found.apart[1]:.4f} after; {found.seconds:.0f} s."
    )
    if found.effect is not None:
        typer.echo(f"{found.effect.kind} keeps {found.effect.kept:.0%} of the behaviour.")
    said = f"Published {', '.join(found.bricks)}." if found.bricks else "Nothing was published."
    typer.echo(said)
