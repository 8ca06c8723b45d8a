"""`caretier rounds rollout`: how far each release is; hold it, let it go on, take it back.

Exit codes: 0 done; 3 no such release or hospital; 93 its state does not allow this; 94 nothing can
be offered by turns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from services.learning.output import printed

if TYPE_CHECKING:
    from services.learning.rollout.service import Rollout

app = typer.Typer(add_completion=False)
SHELL = "operator"
_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Brick = Annotated[str, typer.Argument(metavar="RELEASE", help="Like learned-general@3.")]
_Reason = Annotated[str, typer.Option(help="Why; it is kept with the release and shown.")]


@app.callback(invoke_without_command=True)
def rollout(context: typer.Context, as_json: _AsJson = False) -> None:
    """Show how far each release is; show, hold, go-on or roll-back one."""
    if context.invoked_subcommand is not None:
        return
    from services.learning.rollout.show import rollouts_table
    from services.learning.rollout.view import told

    opened = _opened(context)
    rows = [told(opened, case) for case in opened.book.all()]
    printed(rows, as_json, lambda: rollouts_table(rows))


@app.command()
def show(context: typer.Context, brick: _Brick, as_json: _AsJson = False) -> None:
    """Show a release: cohorts, measures before and now, and what was done."""
    from services.learning.rollout.show import rollout_report
    from services.learning.rollout.view import told

    opened = _opened(context)
    held = told(opened, opened.book.get(brick))
    printed(held, as_json, lambda: rollout_report(held))


@app.command()
def hold(context: typer.Context, brick: _Brick, reason: _Reason) -> None:
    """Let a release go no further; the nodes that have it keep it."""
    _opened(context).hold(brick, SHELL, reason)
    typer.echo(f"{brick} goes no further until `caretier rounds rollout go-on`.")


@app.command(name="go-on")
def go_on(context: typer.Context, brick: _Brick, reason: _Reason) -> None:
    """Let a held release go on."""
    opened = _opened(context)
    opened.go_on(brick, SHELL, reason)
    typer.echo(f"{brick} goes on with {opened.book.get(brick).deployment.cohort}.")


@app.command(name="roll-back")
def roll_back(context: typer.Context, brick: _Brick, reason: _Reason) -> None:
    """Take a release back from every node; it is never offered again."""
    _opened(context).roll_back(brick, SHELL, reason)
    typer.echo(f"{brick} is taken back; nodes return to the former release at their next look.")


def _opened(context: typer.Context) -> Rollout:
    """The rollout, until the command ends."""
    from services.learning.rounds.opening import Beside

    beside = Beside(context.obj)
    context.call_on_close(beside.close)
    return beside.rollout()
