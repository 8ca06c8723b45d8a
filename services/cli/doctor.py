"""`caretier doctor`: is everything here that this machine needs, and what to do where it is not."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from compliance.errors import CaretierError

app = typer.Typer(add_completion=False)
DEFAULT_DATA = Path("var")
Check = tuple[str, bool, str]


def _packages() -> Iterator[Check]:
    for name in (
        "fastapi",
        "presidio-analyzer",
        "cryptography",
        "fhir.resources",
        "llama-cpp-python",
    ):
        try:
            yield f"package {name}", True, version(name)
        except PackageNotFoundError:
            yield f"package {name}", False, "missing: run `make up` once"


def _works(name: str, probe: Callable[[], str]) -> Check:
    try:
        return name, True, probe()
    except CaretierError as error:
        return name, False, f"{error.message} {error.advice}"
    except Exception as error:  # noqa: BLE001 - a doctor reports whatever is wrong
        return name, False, type(error).__name__


def _embedding() -> str:
    from services.engines.embed import Embedder

    return f"{Embedder.load().encode(['ready']).shape[1]} dimensions"


def _engine() -> str:
    from services.engines.open import open_engine
    from services.engines.settings import EngineSettings

    settings = EngineSettings()
    engine = open_engine(settings, "hospital")
    return f"{engine.card.name}, authoring {engine.card.authoring}" if engine else "none configured"


def _knowledge() -> str:
    from services.bricks.knowledge import Knowledge

    knowledge = Knowledge.load("hospital")
    return f"{len(knowledge.topics)} topics, {len(knowledge.passages)} passages"


def _triage() -> str:
    from services.consult.triage import Triager

    return Triager.load().version


def _sealing() -> str:
    from compliance.sealing import SealingKey, seal, unseal

    key = SealingKey.generate()
    good = unseal(seal(b"ready", key.public, context=b"doctor"), key, context=b"doctor") == b"ready"
    return "HPKE with MLKEM768-X25519" if good else "wrong result"


def _programs() -> Iterator[Check]:
    for name, why in (("redis-server", "the hospital's queue"), ("chromium", "browser tests")):
        found = shutil.which(name)
        yield f"program {name}", True, found or f"not installed; only needed for {why}"


def _space(data: Path) -> Check:
    place = data if data.exists() else Path()
    free = shutil.disk_usage(place).free / 2**30
    return "disk", free > 1.0, f"{free:.1f} GiB free"


def checks(data: Path) -> Iterator[Check]:
    """Every check as (name, good, what was found or what to do)."""
    yield "python", sys.version_info >= (3, 11), sys.version.split()[0]
    yield from _packages()
    yield _works("embedding model", _embedding)
    yield _works("engine", _engine)
    yield _works("knowledge", _knowledge)
    yield _works("triage rules", _triage)
    yield _works("sealing", _sealing)
    yield from _programs()
    yield _space(data)


@app.command()
def doctor(
    data: Annotated[Path, typer.Option("--data", help="Folder of all state.")] = DEFAULT_DATA,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
) -> None:
    """Check this machine and installation; exit status 1 when something is missing."""
    found = list(checks(data))
    if as_json:
        rows = [{"check": n, "ok": ok, "found": what} for n, ok, what in found]
        typer.echo(json.dumps({"ok": all(r["ok"] for r in rows), "checks": rows}))
    else:
        table = Table("check", "", "found")
        for name, good, what in found:
            table.add_row(name, "[green]ok[/]" if good else "[red]no[/]", what)
        Console().print(table)
    raise typer.Exit(0 if all(good for _, good, _ in found) else 1)
