"""A card as Markdown with a YAML head, the form in which model hubs and FHIR carry cards."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from compliance.transparency.artifacts import ROOT, describe
from compliance.transparency.cards import Card, Unknown
from compliance.transparency.fields import Language, Section, sections
from compliance.transparency.figures import filled

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|])")


def card_markdown(card: Card, language: Language = "en", root: Path = ROOT) -> str:
    """One card; the texts are English, the headings follow ``language``."""
    head = {"model_name": card.name, "license": _told(card.answers.get("licence"), root)}
    front = yaml.safe_dump(head, allow_unicode=True, sort_keys=False, width=1000)
    parts = [f"---\n{front}---", f"# {_plain(card.name)}", "\n".join(_files(card, root))]
    parts += ["\n".join(_section(card, section, language, root)) for section in sections()]
    return "\n\n".join(parts) + "\n"


def _files(card: Card, root: Path) -> Iterator[str]:
    for name in card.artifacts:
        file = describe(name, root)
        known = f", {file.size} bytes, SHA-256 {file.digest}" if file else ""
        yield f"- {_plain(name)}{known}"


def _section(card: Card, section: Section, language: Language, root: Path) -> Iterator[str]:
    yield f"## {_plain(getattr(section.title, language))}\n"
    for field in section.fields:
        title = _plain(getattr(field.title, language))
        yield f"- **{title}** {_plain(_told(card.answers.get(field.key), root))}"


def _told(answer: str | Unknown | None, root: Path) -> str:
    if answer is None:
        return "Missing."
    if isinstance(answer, Unknown):
        return f"Not known: {answer.unknown}"
    try:
        return filled(answer, root)
    except LookupError as error:
        return f"Not known: {error}"


def _plain(text: str) -> str:
    """A text in which no character means anything to Markdown, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
