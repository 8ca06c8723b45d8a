"""How blind questions to the charts of the sandbox come out: right, silent, or wrong."""

from __future__ import annotations

from collections import Counter
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from services.fhir.references import links
from services.fhir.sandbox import generate
from services.hospital.chart.asked import answered
from services.hospital.chart.source import Record
from services.hospital.chart.view import View
from services.hospital.portal.views import COMMON, LOCALE
from services.web.i18n import Catalogue

TODAY = date(2026, 11, 26)
WORDS = Catalogue.load(COMMON, LOCALE)
Outcome = Literal["right", "silent", "wrong"]
Row = tuple[str, ...]


def questions(name: str) -> list[Row]:
    """A set of questions by name: person, language, question, entries, entries of other answers."""
    held = yaml.safe_load(Path(__file__).with_name("chart_blind.yaml").read_text("utf-8"))
    return [tuple(row) for row in held[name]]


@cache
def _sandbox() -> list[dict[str, Any]]:
    return generate(1, TODAY)


@cache
def view(person: str, language: str) -> View:
    """A chart of the sandbox."""
    made, mine = _sandbox(), ("Patient", person)
    record = Record(
        [r for r in made if (r["resourceType"], r["id"]) == mine]
        + [r for r in made if any((x.target_type, x.target_id) == mine for x in links(r))]
    )
    say = WORDS.translator(language)
    return View(record, TODAY, lambda key, **values: say(f"chart.{key}", **values), language)


def outcome(row: Row) -> Outcome:
    """What comes of a question; that nothing is found of what the record holds is wrong, too."""
    person, language, question, entry, *others = row
    said = answered(view(person, language), question).reply
    assert said is not None
    if said.outcome == "unclear":
        return "silent" if entry else "right"
    if said.outcome == "none":
        return "wrong" if entry else "right"
    sources = {source.partition("/")[2] for line in said.lines for source in line.sources}
    wanted, barred = set(entry.split()), {name for names in others for name in names.split()}
    return "right" if wanted and wanted <= sources and not sources & barred else "wrong"


def figures(rows: list[Row]) -> Counter[Outcome]:
    """How many come out how."""
    return Counter(outcome(row) for row in rows)
