"""``caretier compliance``: the report of what is enforced and proven, and the model cards.

Exit codes: 0 done; 2 bad input; 8 the report or a card claims what is not so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from compliance.errors import BadInputError
from compliance.transparency.fields import Language

app = typer.Typer(
    help="What is enforced, where, and which tests prove it.",
    no_args_is_help=True,
    add_completion=False,
)
cards_app = typer.Typer(help="Model cards.", no_args_is_help=True, add_completion=False)
app.add_typer(cards_app, name="cards")
LanguageOption = Annotated[str, typer.Option(help="en or es")]


@app.command()
def report(
    out: Annotated[Path, typer.Option(help="Folder that the files are written to.")] = Path(
        "var/compliance"
    ),
    junit: Annotated[
        Path | None, typer.Option(help="Results of the tests (pytest --junit-xml FILE).")
    ] = None,
    language: LanguageOption = "en",
    html_only: Annotated[bool, typer.Option("--html-only", help="Write no PDF.")] = False,
) -> None:
    """Write the report as HTML and PDF; exit 8 when it claims what is not so.

    The files are written in any case, with what is wrong at their top.
    """
    from compliance.report import build, to_html, to_pdf
    from compliance.report.results import read_results

    chosen = _language(language)
    made = build(read_results(junit) if junit else None)
    pages = {"report.html": to_html(made, chosen).encode()}
    if not html_only:
        pages["report.pdf"] = to_pdf(made, chosen)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in pages.items():
            (out / name).write_bytes(content)
            typer.echo(out / name)
    except OSError as error:
        raise BadInputError(f"The report cannot be written: {error.strerror}.") from None
    made.require()


@cards_app.command("check")
def check() -> None:
    """Refuse a release (exit 8) whose models lack a card, or a card a field."""
    from compliance.transparency.check import require_cards

    require_cards()
    typer.echo("Every model that ships has a complete card.")


@cards_app.command("list")
def list_cards() -> None:
    """Name the cards, and whether their model is in this installation."""
    from compliance.transparency import load_cards
    from compliance.transparency.check import ships

    for card in load_cards():
        typer.echo(f"{card.id}\t{'here' if ships(card) else 'not here'}\t{card.name}")


@cards_app.command("show")
def show(card: str, language: LanguageOption = "en") -> None:
    """Print one card as HTML."""
    from compliance.errors import NotFoundError
    from compliance.transparency import card_html, load_cards

    found = {c.id: c for c in load_cards()}.get(card)
    if found is None:
        raise NotFoundError(
            "There is no such card.", remedy="See `caretier compliance cards list`."
        )
    typer.echo(card_html(found, _language(language)))


def _language(given: str) -> Language:
    if given not in {"en", "es"}:
        raise BadInputError("The language is en or es.")
    return cast("Language", given)
