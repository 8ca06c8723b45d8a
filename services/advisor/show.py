"""Advice for people: a bar of memory for each model, and why each other one does not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rich.bar import Bar
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.advisor.advise import Advice
from services.advisor.catalogue import CatalogueModel
from services.advisor.choice import GB, Choice
from services.advisor.hardware import Machine
from services.advisor.pace import Pace
from services.advisor.wish import ANSWER, PROMPT

_BAR = 22
"""Characters of a bar."""
SHOWN = 8
"""Models of each kind that are shown unless all are asked for."""
_COLOURS = {"free": "green", "conditions": "yellow", "research": "red"}


def show_advice(advice: Advice, *, everything: bool = False) -> None:
    """What is recommended, then what is not and why.

    Args:
        advice: to show.
        everything: all models, instead of the first of each kind.
    """
    console = Console()
    console.print(Text(" / ".join(advice.place.path), style="bold"))
    show_machine(advice.machine, advice.pace, console)
    if advice.recommended:
        _part(console, advice.recommended, _recommended, everything=everything)
        console.print(f"To have the first one: {advice.recommended[0].how}", highlight=False)
    _part(console, advice.rejected, _rejected, everything=everything)
    if advice.bricks:
        named = ", ".join(f"{b.ref} ({b.kind})" for b in advice.bricks)
        console.print(f"Bricks here for this: {named}")
    for note in advice.notes:
        console.print(Text(note, style="yellow"))


def _part(
    console: Console,
    choices: Sequence[Choice],
    table: Callable[[Iterable[Choice]], Table],
    *,
    everything: bool,
) -> None:
    shown = choices if everything else choices[:SHOWN]
    console.print(table(shown))
    if len(shown) < len(choices):
        console.print(Text(f"… {len(choices) - len(shown)} more: --all", style="dim"))


def show_machine(machine: Machine, pace: Pace | None, console: Console) -> None:
    """One line for what is there, one for how quick it is."""
    cards = "".join(f", {g.name} {g.memory / GB:.0f} GB" for g in machine.gpus)
    free = f" ({machine.free / GB:.1f} free)" if machine.free is not None else ""
    power = ""
    if machine.battery is not None:
        where = "on power" if machine.battery.on_power else "on battery"
        power = f", battery {machine.battery.percent:.0f} % {where}"
    console.print(
        f"{machine.cpu}, {machine.cores} cores, {machine.memory / GB:.1f} GB{free}{cards}{power}"
    )
    if pace is not None:
        console.print(
            Text(
                f"reads weights at {pace.bytes_per_second / GB:.1f} GB/s with {pace.threads}"
                f" thread(s), measured {pace.measured:%Y-%m-%d %H:%M} UTC",
                style="dim",
            )
        )


def show_catalogue(models: Iterable[CatalogueModel]) -> None:
    """The catalogue as a table; what is not known is said so."""
    table = Table("model", "size", "languages", "context", "MedQA", "licence", "gated", "forms")
    for model in models:
        score = model.score
        table.add_row(
            model.id,
            f"{model.parameters / 1e9:.2g} B",
            " ".join(model.languages),
            f"{model.context:,}",
            f"{score.value:g} %" if score else "not known",
            Text(model.licence, style=_COLOURS[model.terms]),
            {True: "yes", False: "no", None: "not known"}[model.gated],
            " ".join(f.form for f in model.files) or "none known",
        )
    Console().print(table)


def _recommended(choices: Iterable[Choice]) -> Table:
    table = Table("", "model", "form", "memory", "", "tokens/s", "answer", "why", "licence")
    for place, choice in enumerate(choices, 1):
        model, pace = choice.model, choice.pace
        table.add_row(
            str(place),
            Text(model.id, style="bold"),
            f"{choice.form}\n{choice.runner}",
            _bar(choice),
            _figures(choice),
            f"{pace.written_per_second:.1f} ± {pace.error:.0%}" if pace else "not known",
            f"{pace.seconds(PROMPT, ANSWER):.0f} s" if pace else "",
            choice.why,
            Text(model.licence, style=_COLOURS[model.terms]),
        )
    return table


def _rejected(choices: Iterable[Choice]) -> Table:
    table = Table("not recommended", "form", "memory", "", "because")
    for choice in choices:
        table.add_row(
            choice.model.id,
            choice.form,
            _bar(choice),
            _figures(choice),
            "\n".join(choice.against),
        )
    return table


def _bar(choice: Choice) -> Bar:
    """How much of what it may take a model takes; full and red where it is too much."""
    needed, limit = choice.memory.needed, max(1, choice.limit)
    colour = "green" if needed <= limit else "red"
    return Bar(limit, 0, min(needed, limit), width=_BAR, color=colour)


def _figures(choice: Choice) -> str:
    return f"{choice.memory.needed / GB:.2f} of {choice.limit / GB:.2f} GB"


def show_rehearsal(seen: dict[str, Any]) -> None:
    """What was measured, beside what had been estimated."""
    table = Table("", "seen", "estimated", "off", title=f"{seen['model']} {seen['form']}")
    for name, unit in (("resident", GB), ("read_per_second", 1.0), ("written_per_second", 1.0)):
        pair = seen[name]
        table.add_row(
            name.replace("_", " ") + (" (GB)" if unit == GB else " (tokens)"),
            f"{pair['seen'] / unit:.2f}",
            f"{pair['estimated'] / unit:.2f}",
            f"{pair['estimated'] / pair['seen'] - 1:+.0%}",
        )
    Console().print(table)
