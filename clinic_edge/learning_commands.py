"""``caretier clinic learn``, ``contributions`` and ``signals``.

Exit codes: 0 done, or for a dry run: it would be done; 30 the hospital gives no answer; 81 a dry
run says what is against it; 83 the privacy budget is spent; 84 the machine is needed, or another
training runs, or it was stopped.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clinic_edge.settings import ClinicSettings
from services.learning.signals.commands import (
    Answer,
    AsJson,
    Better,
    Language,
    Open,
    put_right,
    show,
)

if TYPE_CHECKING:
    from clinic_edge.learning import ClinicLearning
    from services.learning.train.plan import Plan

_AsJson = Annotated[bool, typer.Option("--json", help="Print a JSON object.")]
BLOCKED = 81


def learning_commands(app: typer.Typer) -> None:
    """Add the commands to those of the clinic."""
    app.command()(learn)
    app.command()(contributions)
    app.command()(signals)


def learn(
    context: typer.Context,
    domain: Annotated[str, typer.Argument(help="A domain of the update policy.")] = "general",
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done and cost; train nothing.")
    ] = False,
    as_json: _AsJson = False,
) -> None:
    """Train on this clinic's signals, and send the change to the hospital. Ctrl-C ends it."""
    from rich.console import Console

    learning = _learning(context.obj)
    if dry_run:
        plan, now = learning.plan(domain), learning.learner.held()
        typer.echo(json.dumps(plan.told() | {"machine": now}) if as_json else _said(plan, now))
        raise typer.Exit(BLOCKED if plan.reasons else 0)
    with Console(stderr=True).status("Training") as shown:
        manifest = learning.learn(domain, lambda line: shown.update(f"Training: {line}"))
        shown.update("Sending")
        learning.send()
    held = learning.learner.outbox.get(manifest.id)
    if as_json:
        typer.echo(json.dumps(held.told()))
        return
    spent = manifest.privacy.epsilon
    typer.echo(f"{manifest.id}: {held.state}, {manifest.examples} examples, {_epsilon(spent)}.")
    if held.state == "waiting":
        typer.echo("The hospital could not be reached; it is sent when it answers again.")


def contributions(
    context: typer.Context,
    withdraw: Annotated[
        str | None, typer.Option(help="Take this one back, here and at the hospital.")
    ] = None,
    *,
    as_json: _AsJson = False,
) -> None:
    """List what this clinic has contributed, or take one back."""
    from rich.console import Console
    from rich.table import Table

    learning = _learning(context.obj)
    held = [learning.withdraw(withdraw)] if withdraw else learning.learner.outbox.all()
    told = [each.told() for each in held]
    for path in learning.learner.outbox.torn():
        typer.echo(f"{path} could not be read and was put aside.", err=True)
    if as_json:
        typer.echo(json.dumps({"contributions": told}))
        return
    if not told:
        typer.echo("This clinic has contributed nothing yet.")
        return
    table = Table("contribution", "domain", "epoch", "state", "since", "examples", "ε", "reason")
    for each in told:
        columns = ("id", "domain", "epoch", "state", "since", "examples", "epsilon", "reason")
        table.add_row(*(_cell(each[column]) for column in columns))
    Console().print(table)


def signals(
    context: typer.Context,
    *,
    open_: Open = False,
    answer: Answer = None,
    better: Better = "",
    language: Language = "en",
    as_json: AsJson = False,
) -> None:
    """Count what this clinic's patients said of answers, list what is wrong, or put it right."""
    from clinic_edge.service import Clinic

    clinic = Clinic(ClinicSettings(data=context.obj / "clinic"))
    if answer is not None:
        put_right(clinic.database, answer, better, language, clinic.learning.put_right)
    else:
        show(clinic.database, open_=open_, as_json=as_json)


def _learning(data: Path) -> ClinicLearning:
    from clinic_edge.service import Clinic

    return Clinic(ClinicSettings(data=data / "clinic")).learning


def _said(plan: Plan, machine: list[str]) -> str:
    """A plan in words, and what the machine says to it."""
    told = plan.told()
    spent, after, most = (_epsilon(told[k]) for k in ("epsilon_spent", "epsilon_after", "budget"))
    lines = [
        f"Domain {told['domain']}, epoch {told['epoch']}, on {told['parent'] or 'the bare model'}.",
        f"{told['examples']} examples of {told['people']} people.",
        f"{told['steps']} steps of {told['batch']} examples, rank {told['rank']}.",
        f"Protection: {told['mechanism']}, noise {told['noise']}.",
        f"Privacy: {spent} before, {after} with it, {most} at most.",
    ]
    if told["signal_to_noise"] is not None:
        lines.append(f"Signal over noise, at best: {told['signal_to_noise']}.")
    lines += [f"Against it: {reason}." for reason in told["reasons"]]
    if not told["reasons"]:
        lines.append("It would be done." if not machine else "It would wait for the machine.")
    return "\n".join([*lines, *(f"Not now: {reason}." for reason in machine)])


def _epsilon(value: float | None) -> str:
    return "ε without bound" if value is None else f"ε {value:.3g}"


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)
