"""How operations show what they made; progress goes to standard error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.bar import Bar
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from services.bricks.manifest import BrickManifest, Evaluation
from services.bricks.operations.evaluate import step
from services.bricks.operations.find import Found
from services.bricks.operations.life import Done
from services.bricks.operations.workshop import Say
from services.bricks.sizes import model_size, said_bytes

SHOWN = 8
"""Topics of each kind of change that are named."""
_BAR = 30


@contextmanager
def telling(title: str) -> Iterator[Say]:
    """Tell how far a piece of work has come, in one line that goes away."""
    with Console(stderr=True).status(title) as status:
        yield lambda line: status.update(f"{title}: {line}")


def as_json(done: Done, others: Sequence[BrickManifest], *, dry: bool) -> dict[str, Any]:
    """What an operation made, as plain values."""
    manifest = done.manifest
    return {
        "ref": manifest.ref,
        "kept": not dry,
        "manifest": manifest.model_dump(mode="json"),
        "moved": done.moved,
        "whole": manifest.size + len(manifest.canonical()),
        "model": model_size(manifest, others),
        "changed": dict(done.changed),
    }


def show_done(done: Done, others: Sequence[BrickManifest], *, dry: bool) -> None:
    """What an operation made: how it measures, what changed, and what nodes have to fetch."""
    out, manifest = Console(), done.manifest
    said = "would be " if dry else ""
    origin = f" out of {', '.join(manifest.lineage.parents)}" if manifest.lineage.parents else ""
    out.print(Text.assemble((manifest.ref, "bold"), f" {said}{manifest.lineage.operation}{origin}"))
    if manifest.evaluations:
        out.print(_evaluations(manifest.evaluations))
    for kind, topics in done.changed.items():
        if topics:
            more = f" and {len(topics) - SHOWN:,} more" if len(topics) > SHOWN else ""
            out.print(Text(f"{kind} {len(topics):,}: {', '.join(topics[:SHOWN])}{more}"))
    out.print(_moved(done, others))


def _evaluations(evaluations: Sequence[Evaluation]) -> Table:
    table = Table("suite", "measure", "before", "now", "", "n")
    for e in evaluations:
        gained = step(e)
        sign = (
            "" if gained is None else ("=" if gained == 0 else "better" if gained > 0 else "worse")
        )
        style = {"better": "green", "worse": "red"}.get(sign, "")
        before = "" if e.before is None else f"{e.before:g}"
        table.add_row(e.suite, e.metric, before, f"{e.value:g}", Text(sign, style), f"{e.n:,}")
    return table


def _moved(done: Done, others: Sequence[BrickManifest]) -> Group:
    manifest = done.manifest
    whole = manifest.size + len(manifest.canonical())
    rows = [("to fetch", done.moved), ("whole", whole)]
    if (model := model_size(manifest, others)) is not None:
        rows.append(("full model", model))
    longest = max(size for _, size in rows)
    table = Table.grid(padding=(0, 1))
    for name, size in rows:
        table.add_row(name, Bar(longest, 0, size, width=_BAR), said_bytes(size))
    return Group(table)


def show_found(found: Found) -> None:
    """Bricks that fit, and why the others do not."""
    out = Console()
    if found.matches:
        table = Table("brick", "fit", "why", "with")
        for match in found.matches:
            table.add_row(
                Text(f"{match.manifest.ref}\n{match.manifest.title}"),
                f"{match.score:.2f}",
                Text("\n".join(match.reasons)),
                Text("\n".join(match.parents)),
            )
        out.print(table)
    else:
        out.print("No brick fits.")
    for ref, reason in sorted(found.rejected.items()):
        out.print(Text(f"not {ref}: {reason}", style="dim"))
