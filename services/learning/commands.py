"""`caretier rounds`: what is learned, what waits for a person, and what blocks it.

Exit codes: 0 done; 3 no such round or hospital; 81 a criterion or the round's state blocks it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.learning.distil.commands import distil
from services.learning.lineage.commands import lineage
from services.learning.output import printed
from services.learning.rollout.commands import app as rollout_app
from services.learning.scenario.commands import scenario
from services.learning.signals.commands import signals
from services.learning.sources.commands import app as sources_app

if TYPE_CHECKING:
    from services.learning.rounds.opening import Beside

app = typer.Typer(add_completion=False, no_args_is_help=True)
SHELL = "operator"
"""Who decides at the shell: one person, however often."""
_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Round = Annotated[str, typer.Argument(metavar="ROUND", help="Id, or how it begins.")]


@app.callback()
def _root(
    context: typer.Context,
    data: Annotated[Path, typer.Option("--data", help="Folder of all state.")] = Path("var"),
) -> None:
    """Rounds of learning: list, show, start, approve, reject, retry; signals; dry runs."""
    context.obj = data


@app.command(name="list")
def list_(
    context: typer.Context,
    domain: Annotated[str | None, typer.Option(help="Only rounds of this domain.")] = None,
    as_json: _AsJson = False,
) -> None:
    """List the rounds, newest first."""
    from services.learning.rounds.show import rounds_table
    from services.learning.rounds.view import summary

    rows = [summary(row) for row in _beside(context).rounds.book.listing(domain)]
    printed(rows, as_json, lambda: rounds_table(rows))


@app.command()
def show(context: typer.Context, round_id: _Round, as_json: _AsJson = False) -> None:
    """Show a round: each criterion with what it needs and has, gains, contributions, people."""
    from services.learning.rounds.show import round_report
    from services.learning.rounds.view import detail

    beside = _beside(context)
    held = detail(beside.rounds, _whole(beside, round_id))
    printed(held, as_json, lambda: round_report(held))


@app.command(name="dry-run")
def dry_run(
    context: typer.Context,
    domain: Annotated[str, typer.Argument(help="As in the update policy.")] = "general",
    as_json: _AsJson = False,
) -> None:
    """Say which criterion blocks a start or a release; nothing is changed."""
    from services.learning.rounds.show import rehearsal_report
    from services.learning.rounds.view import rehearsed

    held = rehearsed(_beside(context).rounds.dry_run(domain))
    printed(held, as_json, lambda: rehearsal_report(held))


@app.command()
def start(
    context: typer.Context,
    domain: Annotated[str, typer.Argument(help="As in the update policy.")] = "general",
) -> None:
    """Start a round now, if the policy lets one start; else say what blocks."""
    from services.learning.errors import RoundBlockedError

    beside = _beside(context)
    beside.write_down(f"domain:{domain}", "started")
    id_ = beside.rounds.propose(domain)
    if id_ is None:
        held = beside.rounds.dry_run(domain).start
        lacking = "; ".join(f"{c.name}: needs {c.needs}, has {c.has}" for c in held if not c.holds)
        raise RoundBlockedError(f"No round starts. {lacking}.")
    typer.echo(f"{id_} is collecting; `caretier rounds show {id_[:8]}` follows it.")


@app.command()
def approve(
    context: typer.Context,
    round_id: _Round,
    candidate: Annotated[str, typer.Option(help="Digest that you looked at (`show`).")],
    note: Annotated[str, typer.Option(help="Why.")] = "",
) -> None:
    """Approve the candidate of a round; with the last approval needed it is published."""
    beside = _beside(context)
    id_ = _whole(beside, round_id)
    beside.write_down(f"round:{id_}", "approved")
    state = beside.rounds.approve(id_, candidate, SHELL, note)
    typer.echo(f"The round is {state}.")


@app.command()
def reject(
    context: typer.Context,
    round_id: _Round,
    candidate: Annotated[str, typer.Option(help="Digest that you looked at (`show`).")],
    reason: Annotated[str, typer.Option(help="Why; it is kept with the round.")],
) -> None:
    """Reject the candidate of a round; nothing is published."""
    beside = _beside(context)
    id_ = _whole(beside, round_id)
    beside.write_down(f"round:{id_}", "rejected")
    typer.echo(f"The round is {beside.rounds.reject(id_, candidate, SHELL, reason)}.")


@app.command()
def retry(context: typer.Context, round_id: _Round) -> None:
    """Take up a round that failed or was blocked, by the policy as it is now."""
    beside = _beside(context)
    id_ = _whole(beside, round_id)
    beside.write_down(f"round:{id_}", "retried")
    typer.echo(f"The round is {beside.rounds.retry(id_)} again.")


@app.command()
def dead(context: typer.Context, as_json: _AsJson = False) -> None:
    """List what came to nothing: failed rounds, and contributions that were put aside."""
    from services.learning.rounds.show import dead_report
    from services.learning.rounds.view import dead_letters

    held = dead_letters(_beside(context).rounds)
    printed(held, as_json, lambda: dead_report(held))


@app.command()
def credit(context: typer.Context, round_id: _Round, as_json: _AsJson = False) -> None:
    """Show what each contribution added to a release, with its interval."""
    from services.learning.rounds.show import credit_report

    beside = _beside(context)
    row = beside.rounds.book.get(_whole(beside, round_id))
    printed(row.credit, as_json, lambda: credit_report(row.credit, str(row.state)))


@app.command()
def readmit(
    context: typer.Context,
    contribution: Annotated[
        str, typer.Argument(help="Id of one that was put aside, or how it begins.")
    ],
) -> None:
    """Let a contribution that was put aside wait for a round again."""
    from services.learning.intake import ContributionDesk
    from services.learning.rounds.view import dead_letters
    from services.learning.trust import Trust

    beside = _beside(context)
    desk = ContributionDesk(beside.rounds, Trust(beside.database), beside.write_down_handed)
    aside = dead_letters(beside.rounds)["contributions"]
    found = [one["id"] for one in aside if one["id"].startswith(contribution)]
    row = desk.readmit(found[0] if len(found) == 1 else contribution, SHELL)
    typer.echo(f"{row.id} of {row.site} waits for a round.")


app.command()(distil)
app.command()(lineage)
app.command()(scenario)
app.command()(signals)
app.add_typer(rollout_app, name="rollout")
app.add_typer(sources_app, name="sources")


def _beside(context: typer.Context) -> Beside:
    """The rounds, until the command ends."""
    from services.learning.rounds.opening import Beside

    made = Beside(context.obj)
    context.call_on_close(made.close)
    return made


def _whole(beside: Beside, begins: str) -> str:
    """The id of the one round whose id begins so."""
    from compliance.errors import NotFoundError

    found = [row.id for row in beside.rounds.book.listing() if row.id.startswith(begins)]
    if len(found) != 1:
        raise NotFoundError(f"{len(found)} rounds begin with {begins}.", remedy="Name it in full.")
    return found[0]
