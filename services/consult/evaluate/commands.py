"""``caretier bench triage`` and ``caretier bench answers``: suites run, tables printed.

Exit codes: 0 done; 2 a suite cannot be read. A change since the last release is printed, not
judged: the bounds are held by the tests.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from services.consult.evaluate import answers, calibration, released, suites
from services.consult.evaluate import triage as triage_suite
from services.consult.evaluate.scores import Rate

triage_app = typer.Typer(add_completion=False)
answers_app = typer.Typer(add_completion=False)

SUITES = Path("tests/suites")
FILES: Mapping[str, type[answers.Item]] = {
    "unanswerable": suites.Unanswerable,
    "near": suites.NearMiss,
    "adversarial": suites.Adversarial,
}
Json = Annotated[bool, typer.Option("--json", help="Print a JSON object.")]
Accept = Annotated[
    bool, typer.Option("--accept", help="Keep these outcomes as those of the release.")
]
Misses = Annotated[bool, typer.Option("--misses", help="List what went wrong.")]


@triage_app.command()
def triage(
    files: Annotated[list[Path] | None, typer.Argument(help="Suites (text).")] = None,
    *,
    as_json: Json = False,
    misses: Misses = False,
    accept: Accept = False,
) -> None:
    """Run triage over suites of messages: recall, false alarms, levels, worst topics."""
    from services.consult.triage import Triager

    triager = Triager.load()
    told: dict[str, Any] = {"version": triager.version}
    console = Console()
    for path in files or sorted((SUITES / "triage").glob("*.txt")):
        score = triage_suite.run(triager, suites.read_messages(path))
        told[path.stem] = score.figures()
        if not as_json:
            _show(console, f"triage: {path}", _rates(score.figures()))
            worst = {k: v for k, v in score.topics().items() if v.value < 1}
            _show(console, "levels exactly right, worst topics", dict(list(worst.items())[:12]))
            if misses:
                for message, given in score.given:
                    if given.level is not message.level:
                        console.print(
                            f"{message.level} → {given.level} ({given.rule}): {message.text}",
                            highlight=False,
                            markup=False,
                        )
        _compare(console, path.with_suffix(".released.json"), score.outcomes(), accept=accept)
    if as_json:
        typer.echo(json.dumps(told))


@answers_app.command(name="answers")
def answer_suites(
    files: Annotated[list[Path] | None, typer.Argument(help="Suites (JSON Lines).")] = None,
    *,
    as_json: Json = False,
    misses: Misses = False,
    accept: Accept = False,
) -> None:
    """Run questions through device, clinic and hospital: right, silent, wrong; calibration."""
    hierarchy = answers.Hierarchy.open()
    console = Console(stderr=as_json)
    told: dict[str, Any] = {}
    everything: list[answers.Result] = []
    for path in files or sorted((SUITES / "answers").glob("*.jsonl")):
        items: list[Any] = suites.read_items(path, _kind(path))
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task(path.name, total=len(items))
            step = partial(progress.advance, task, 1)
            results = asyncio.run(answers.run(hierarchy, items, step))
        everything += results
        figures = _verdicts(results)
        told[path.stem] = {k: v.dump() for k, v in figures.items()}
        if not as_json:
            _show(console, f"answers: {path}", figures)
            if misses:
                _list_misses(console, results)
        outcomes = {r.item.id: r.verdict for r in results}
        _compare(console, path.with_suffix(".released.json"), outcomes, accept=accept)
    curve = calibration.reliability(everything)
    told["calibration"] = curve.dump()
    if as_json:
        typer.echo(json.dumps(told))
    else:
        console.print(curve.table())


def _kind(path: Path) -> type[answers.Item]:
    """The class of a suite's items, by the file's name."""
    return next((k for name, k in FILES.items() if name in path.stem), suites.Answerable)


def _verdicts(results: Sequence[answers.Result]) -> dict[str, Rate]:
    """Shares of each verdict, of the right topic in the first three, and of wrong by kind."""
    rates = {
        v: Rate.of(r.verdict == v for r in results) for v in ("right", "partial", "silent", "wrong")
    }
    if all(isinstance(r.item, suites.Answerable) for r in results):
        rates["recall@3"] = Rate.of(r.found for r in results)
        rates["answered on the device"] = Rate.of(r.answer.tier == "device" for r in results)
    kinds = sorted({k for r in results if (k := getattr(r.item, "kind", None))})
    for kind in kinds:
        of_kind = [r for r in results if getattr(r.item, "kind", None) == kind]
        rates[f"wrong: {kind}"] = Rate.of(r.verdict == "wrong" for r in of_kind)
    return rates


def _list_misses(console: Console, results: Sequence[answers.Result]) -> None:
    for r in results:
        expected = {"right"} | ({"silent"} if not isinstance(r.item, suites.Answerable) else set())
        if r.verdict in expected:
            continue
        line = f"{r.verdict} {r.item.id} {r.item.q!r} → {r.answer.status}: {r.answer.text[:160]}"
        console.print(line, highlight=False, markup=False)
        cited = [c.id for c in r.answer.citations]
        wanted = getattr(r.item, "topics", None) or getattr(r.item, "asked", "")
        console.print(
            f"    wanted {wanted} {getattr(r.item, 'sections', '')} cited {cited}"
            f" ranked {list(r.ranked[:3])} facts {getattr(r.item, 'facts', '')}",
            highlight=False,
            markup=False,
        )


def _rates(figures: Mapping[str, Mapping[str, Any]]) -> dict[str, Rate]:
    return {name: Rate(f["hits"], f["total"]) for name, f in figures.items()}


def _show(console: Console, title: str, rates: Mapping[str, Rate]) -> None:
    table = Table("figure", "hits / total = share [95 %]", title=title, title_justify="left")
    for name, rate in rates.items():
        if rate.total:
            table.add_row(name.replace("_", " "), str(rate))
    console.print(table)


def _compare(console: Console, path: Path, outcomes: Mapping[str, str], *, accept: bool) -> None:
    changed = released.changes(path, outcomes)
    if changed is not None:
        console.print(f"since the last release: {len(changed)} outcomes differ")
        for change in changed[:20]:
            line = f"  {change.before} → {change.now}: {change.item}"
            console.print(line, highlight=False, markup=False)
    if accept:
        released.accept(path, outcomes)
