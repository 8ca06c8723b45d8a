"""How bricks and repositories are shown to people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.bar import Bar
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.bricks.manifest import BrickManifest
from services.bricks.repository.listing import Listed
from services.bricks.repository.proposals import Proposed
from services.bricks.repository.publish import Moved
from services.bricks.repository.status import Status
from services.bricks.sizes import said_bytes

_BAR = 40
"""Characters of the longest bar."""


def show_bricks(bricks: Sequence[Listed]) -> None:
    """Bricks as a table; a dot stands before those in use."""
    if not bricks:
        return
    table = Table("brick (● in use)", "what", "kind", "for", "languages", "size", "made")
    for brick in bricks:
        domain = "/".join(filter(None, (brick.level, brick.domain, brick.sub_domain)))
        table.add_row(
            Text(f"{'●' if brick.active else ' '} {brick.ref}", "bold" if brick.active else ""),
            Text(brick.title),
            brick.kind,
            domain,
            " ".join(brick.languages),
            said_bytes(brick.size),
            f"{brick.created:%Y-%m-%d}",
        )
    console = Console()
    console.print(table)
    for brick in bricks:
        if brick.unused is not None:
            console.print(Text(f"{brick.ref} is not used: {brick.unused}", style="yellow"))


def show_brick(manifest: BrickManifest) -> None:
    """Everything that a brick says of itself."""
    console, facts = Console(), Table(show_header=False, box=None)
    lineage = manifest.lineage
    for name, value in (
        ("kind", manifest.kind),
        ("for", f"{manifest.level}, {manifest.domain}, {' '.join(manifest.languages)}"),
        ("sub-domain", manifest.sub_domain),
        ("specialises", manifest.parent),
        ("base model", manifest.base),
        ("rank", manifest.rank),
        ("licence", manifest.licence),
        ("made", f"{manifest.created:%Y-%m-%d %H:%M %Z}"),
        ("how", " ".join(filter(None, (lineage.operation, lineage.method)))),
        ("out of", ", ".join(lineage.parents)),
        ("note", lineage.note),
    ):
        if value:
            facts.add_row(Text(name, style="dim"), Text(str(value)))
    console.print(Text(f"{manifest.ref}  {manifest.title}", style="bold"), facts)
    if manifest.evaluations:
        table = Table("suite", "measure", "value", "before", "n", "date", title="evaluation")
        for e in manifest.evaluations:
            before = "" if e.before is None else f"{e.before:g}"
            table.add_row(
                Text(e.suite), Text(e.metric), f"{e.value:g}", before, f"{e.n:,}", str(e.date)
            )
        console.print(table)
    if manifest.sources:
        table = Table("source", "date", "licence", title="made of")
        for source in manifest.sources:
            table.add_row(Text(source.name), str(source.date), Text(source.licence))
        console.print(table)
    table = Table("file", "role", "size", "digest", title=f"files, {said_bytes(manifest.size)}")
    for file in manifest.files:
        table.add_row(Text(file.name), file.role, said_bytes(file.size), file.digest[:23] + "…")
    console.print(table)


def show_moved(moved: Moved) -> None:
    """What a node has to fetch, beside the model that it need not fetch again."""
    rows = [("a node with none of it", moved.whole)]
    if moved.before is not None:
        rows.insert(0, (f"a node with {moved.before}", moved.update))
    if moved.model is not None:
        rows.append(("the whole model", moved.model))
    table = Table("bytes moved", "", "", box=None)
    longest = max(size for _, size in rows)
    for name, size in rows:
        table.add_row(name, said_bytes(size), Bar(longest, 0, size, width=_BAR, color="cyan"))
    Console().print(table)
    if moved.model:
        share = 100 * moved.update / moved.model
        Console().print(f"An update moves {share:.2g} % of the model's bytes.")


def show_proposed(proposed: Sequence[Proposed]) -> None:
    """What a proposal would change, and the signatures that it lacks."""
    console = Console()
    for role in proposed:
        lacks = f"lacks {role.missing} more" if role.missing else "is signed by enough"
        console.print(Text(f"{role.role}, version {role.version}: {lacks}", style="bold"))
        for change in role.changes:
            console.print(Text(f"  {change}", style="red" if change.startswith("-") else "green"))


def show_contents(contents: Mapping[str, Sequence[str]]) -> None:
    """All that the roles of a proposal say."""
    console = Console()
    for role, facts in contents.items():
        console.print(Text(f"{role} would say:", style="bold"))
        for fact in facts:
            console.print(Text(f"  {fact}"))


def show_status(status: Status) -> None:
    """A repository: roles and what people have to do, bricks, what was taken back."""
    console = Console()
    console.print(Text(status.folder, style="bold"))
    console.print(
        f"{len(status.bricks)} bricks, {said_bytes(status.bytes)}; root {status.root[:23]}…"
    )
    table = Table("role", "version", "counts until", "days left", "has to be signed by")
    for state in status.roles:
        left = (state.expires - status.at).days
        table.add_row(
            Text(state.role),
            str(state.version),
            f"{state.expires:%Y-%m-%d %H:%M}",
            str(left),
            f"{state.threshold} of {len(state.keyids)} keys",
            style="red" if left < 0 or not state.signed else "yellow" if state.due else "",
        )
    console.print(table)
    if due := [state.role for state in status.roles if state.due]:
        command = f"caretier bricks repository refresh {' '.join(due)}"
        console.print(Text(f"To be signed anew: {command}", style="yellow"))
    if status.revoked:
        table = Table("taken back", "why", "when")
        for entry in status.revoked:
            table.add_row(entry.ref, Text(entry.reason), str(entry.date))
        console.print(table)
