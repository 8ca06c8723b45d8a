"""Sources and changes on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from services.learning.rounds.show import criteria_table

COLOURS = {"well": "green", "failing": "red", "old": "yellow", "waiting": "yellow"}
MOST_TOPICS = 40
Held = Mapping[str, Any]


def sources_table(rows: Sequence[Held], changes: Sequence[Held]) -> RenderableType:
    """Every source with its health, then the changes that are on their way."""
    table = Table("source", "licence", "health", "last", "age", "next", "brick", "")
    for one in rows:
        age = "" if one["age_hours"] is None else f"{one['age_hours']:.0f} h"
        said = one["error"] or ("" if one["allowed"] else "its origin is not listed")
        table.add_row(
            one["id"],
            escape(one["licence"]),
            _coloured(one["health"]),
            (one["fetched"] or "never")[:16],
            age,
            (one["due"] or "")[:16],
            one["brick"] or "",
            escape(said),
        )
    parts: list[RenderableType] = [table]
    if changes:
        listed = Table("change", "source", "state", "since", "what")
        for one in changes:
            said = escape(one["error"] or _counted(one["counts"]))
            listed.add_row(
                one["id"][:8], one["source"], _coloured(one["state"]), one["made"][:16], said
            )
        parts.append(listed)
    return Group(*parts)


def change_report(held: Held) -> RenderableType:
    """One change: what contradicts first, then what changed, then every criterion."""
    report = held["report"] or {}
    lines = [
        f"[bold]{held['id']}[/]  {held['source']}: {_coloured(held['state'])}",
        f"candidate {held['candidate'] or '—'}",
        f"follows {held['former'] or 'nothing'}; brick {held['brick'] or '—'}",
    ]
    if report:
        licence = report["licence"]
        lines += [
            f"{escape(report['publisher'])}; {escape(licence['name'])} ({licence['terms']})",
            f"snapshot {report['snapshot']} of {report['dated'] or 'no day'}, {report['taken']}",
        ]
    lines += [f"[red]{escape(held['error'])}[/]"] if held["error"] else []
    if held["by"]:
        lines.append(f"{escape(held['by'])}, {held['decided']}: {escape(held['note'] or '—')}")
    lines += _contradictions(report)
    lines += [
        f"[red]set apart[/] {escape(one['title'])} ({one['rule']}): {escape(one['sentence'])}"
        for one in report.get("quarantined", [])
    ]
    lines += _topics(report.get("topics", []))
    lines += [
        f"  {one['date'] or ''} {escape(one['title'])} {one['url']}"
        for one in report.get("entries", [])
    ]
    return Group("\n".join(lines), criteria_table(held["criteria"]))


def _contradictions(report: Held) -> Iterator[str]:
    for one in report.get("contradictions", []):
        out = "left out" if one["left_out"] else "kept"
        where = f"{escape(one['entity'])}, {one['section']} ({one['detail']})"
        yield f"[red]contradicts[/] {where}, {out}"
        for name, side in (("in use", one["left"]), ("new", one["right"])):
            who = f"{side['source']}, {side['date']}, {side['passage']}"
            yield f"    {name}: {escape(side['quote'])} ({escape(who)})"


def _topics(topics: Sequence[Held]) -> Iterator[str]:
    for topic in topics[:MOST_TOPICS]:
        yield f"[bold]{escape(topic['title'])}[/] {topic['kind']} ({escape(topic['source'])})"
        for section in topic["sections"]:
            for line in section["lines"]:
                mark = f" [red]({line['turns']})[/]" if line["turns"] else ""
                if line["old"]:
                    yield f"  [red]-[/] {section['section']}: {escape(line['old'])}{mark}"
                if line["new"]:
                    yield f"  [green]+[/] {section['section']}: {escape(line['new'])}{mark}"
    if len(topics) > MOST_TOPICS:
        yield f"… and {len(topics) - MOST_TOPICS} topics more (--json shows all)"


def _counted(counts: Held) -> str:
    """The figures that are not nothing."""
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in counts.items() if value)


def _coloured(word: str) -> str:
    colour = COLOURS.get(word)
    return f"[{colour}]{word}[/]" if colour else word
