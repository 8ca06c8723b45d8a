"""`caretier bricks`: make knowledge packs, set them against one another, list what is there.

Exit codes: 0 done; 2 an item or an option cannot be used (the pack is written all the same when
others can); 20 a pack or brick cannot be read or made; 21 to 25 see ``infra/EXIT_CODES.md``.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from compliance.errors import BadInputError
from services.bricks.adapters.commands import app as adapters_app
from services.bricks.operations.commands import app as operations_app
from services.bricks.repository.commands import app as repository_app
from services.bricks.repository.options import DATA, DataOption
from services.bricks.updater.commands import app as updater_app

app = typer.Typer(add_completion=False, no_args_is_help=True)
for part in (repository_app, updater_app, operations_app, adapters_app):
    app.add_typer(part)

_AsJson = Annotated[bool, typer.Option("--json", help="Print a JSON object.")]


@app.callback()
def _root() -> None:
    """Knowledge packs and bricks: make, compare, list, publish, fetch, and take back."""


@app.command()
def ingest(  # noqa: PLR0917 - Typer calls it by name
    sources: Annotated[
        list[Path], typer.Argument(metavar="SOURCE…", exists=True, help="Files and folders.")
    ],
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder of the pack.")],
    manifest: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="pack.yaml of the material.")
    ] = None,
    pack_id: Annotated[
        str | None, typer.Option("--id", help="Short name; default: the name of the folder.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="What the pack is called.")] = None,
    publisher: Annotated[str | None, typer.Option(help="Who published the material.")] = None,
    licence: Annotated[str | None, typer.Option(help="Under which licence.")] = None,
    date: Annotated[str | None, typer.Option(help="Of the material, like 2026-01-31.")] = None,
    url: Annotated[str | None, typer.Option(help="Where it is published (https).")] = None,
    language: Annotated[str | None, typer.Option(help="en or es.")] = None,
    level: Annotated[str | None, typer.Option(help="device, clinic or hospital.")] = None,
    kind: Annotated[str | None, typer.Option(help="Kind of topics that cannot be told.")] = None,
    audience: Annotated[str | None, typer.Option(help="all, adult, child, pregnancy.")] = None,
    wanted: Annotated[
        str,
        typer.Option(
            "--format", help="auto, markdown, html, pdf, jsonl, fhir, medlineplus, openfda."
        ),
    ] = "auto",
    as_json: _AsJson = False,
) -> None:
    """Make a pack of files. Publisher, licence and date must be said, by manifest or option.

    A run that broke off goes on where it stopped when it is started again.
    """
    given = {
        "id": pack_id,
        "title": title,
        "publisher": publisher,
        "licence": licence,
        "date": date,
        "url": url,
        "language": language,
        "level": level,
        "kind": kind,
        "audience": audience,
    }
    _ingest(sources, out, manifest, given, wanted, as_json=as_json)


def _ingest(
    sources: list[Path],
    out: Path,
    file: Path | None,
    given: dict[str, str | None],
    wanted: str,
    *,
    as_json: bool,
) -> None:
    from services.bricks.ingest import ingest as run
    from services.bricks.ingest import manifest_of
    from services.bricks.ingest.formats import READERS, files_of
    from services.bricks.show import progress_bar, show_report

    if wanted != "auto" and wanted not in READERS:
        raise BadInputError(f"There is no format {wanted}: auto, {', '.join(READERS)}.")
    made = manifest_of(given, file, default_id=out.resolve().name)
    total = sum(source.path.stat().st_size for source in files_of(sources))
    with progress_bar(total) as progress:
        report = run(sources, out, made, wanted, progress)
    if as_json:
        typer.echo(json.dumps(asdict(report), ensure_ascii=False))
    else:
        show_report(report, out)
    if report.bad:
        raise typer.Exit(BadInputError.exit_code)


@app.command()
def compare(
    packs: Annotated[
        list[Path], typer.Argument(metavar="PACK…", exists=True, file_okay=False, help="Folders.")
    ],
    built_in: Annotated[
        bool, typer.Option("--built-in", help="Also the pack that ships with Caretier.")
    ] = False,
    as_json: _AsJson = False,
) -> None:
    """Find duplicates and contradictions between packs and within them; nothing is changed."""
    _compare(packs, built_in=built_in, as_json=as_json)


def _compare(packs: list[Path], *, built_in: bool, as_json: bool) -> None:
    from services.bricks.catalogue import pack_topics, packs_in
    from services.bricks.ingest.report import Comparison
    from services.bricks.knowledge import PACKS
    from services.bricks.show import show_findings

    folders = [p for folder in ([PACKS, *packs] if built_in else packs) for p in packs_in(folder)]
    comparison = Comparison((p.resolve().name, pack_topics(p)) for p in folders)
    findings = list(comparison.findings())
    counts: dict[str, Any] = dict(Counter(f.kind for f in findings))
    if as_json:
        held = {"counts": counts, "left_out": comparison.left_out}
        typer.echo(json.dumps({**held, "findings": [asdict(f) for f in findings]}))
        return
    show_findings(findings)
    said = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())) or "nothing"
    left = f"; {comparison.left_out} passages of large groups were left out"
    typer.echo(f"Found: {said}{left if comparison.left_out else ''}.")


@app.command("list")
def list_packs(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(
            exists=True, file_okay=False, help="Packs; default: those in use, and the bricks."
        ),
    ] = None,
    data: DataOption = DATA,
    as_json: _AsJson = False,
) -> None:
    """List packs (topics, passages, dates, licences) and the bricks of a node."""
    _list(folders, data, as_json=as_json)


def _list(folders: list[Path] | None, data: Path, *, as_json: bool) -> None:
    from services.bricks.catalogue import pack_cards
    from services.bricks.knowledge import pack_folders
    from services.bricks.repository.listing import listed
    from services.bricks.repository.show import show_bricks
    from services.bricks.show import show_cards

    cards = pack_cards(folders or pack_folders())
    bricks = [] if folders else listed(data / "bricks")
    if as_json:
        held = {
            "packs": [asdict(card) for card in cards],
            "bricks": [brick.model_dump(mode="json") for brick in bricks],
        }
        typer.echo(json.dumps(held, ensure_ascii=False))
    else:
        show_cards(cards)
        show_bricks(bricks)
