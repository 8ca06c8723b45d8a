"""A card as HTML in the shared design system's classes: a fragment, no script, no style of its own.

The portal puts it inside its page; `caretier compliance report` puts it into its document.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from compliance.transparency.artifacts import ROOT, Artifact, describe
from compliance.transparency.cards import Card, Unknown
from compliance.transparency.fields import HTI_RULE, Language, sections
from compliance.transparency.figures import filled

WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "unknown": "Not known:",
        "missing": "Missing: this card must not be released.",
        "files": "Files",
        "not_here": "not in this installation",
        "bytes": "bytes",
    },
    "es": {
        "unknown": "No se sabe:",
        "missing": "Falta: esta ficha no debe publicarse.",
        "files": "Archivos",
        "not_here": "no está en esta instalación",
        "bytes": "bytes",
    },
}


def card_html(card: Card, language: Language = "en", root: Path = ROOT) -> str:
    """One card as an ``<article>``; every value is escaped.

    The texts of the cards are English; the headings follow ``language``.
    """
    files: list[tuple[str, Artifact | None]] = [(n, describe(n, root)) for n in card.artifacts]
    return (
        _environment()
        .get_template("card.html")
        .render(
            card=card,
            files=files,
            language=language,
            rows=[_section(card, section, language, root) for section in sections()],
            rule=HTI_RULE,
            words=WORDS[language],
        )
    )


def _section(card: Card, section: Any, language: Language, root: Path) -> dict[str, Any]:
    return {
        "id": section.section,
        "title": getattr(section.title, language),
        "fields": [
            {
                "title": getattr(field.title, language),
                "hti": field.hti,
                "chai": field.chai,
                **_answer(card.answers.get(field.key), root),
            }
            for field in section.fields
        ],
    }


def _answer(answer: str | Unknown | None, root: Path) -> dict[str, str]:
    if answer is None:
        return {"state": "missing", "text": ""}
    if isinstance(answer, Unknown):
        return {"state": "unknown", "text": answer.unknown}
    try:
        return {"state": "known", "text": filled(answer, root)}
    except LookupError as error:
        return {"state": "unknown", "text": str(error)}


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("compliance.transparency", "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
