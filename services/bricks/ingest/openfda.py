"""openFDA drug labels (JSON as the search API and the downloads give it): a label a result.

Fields of the label are the sections; tables and what identifies the package are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import Any

import ijson

from services.bricks.ingest.clean import one_line
from services.bricks.ingest.errors import ItemError
from services.bricks.ingest.html import strip_markup
from services.bricks.ingest.item import Block, Document, Item, Source
from services.bricks.ingest.manifest import Manifest
from services.bricks.ingest.nesting import refuse
from services.bricks.ingest.sections import MORE

LABEL_URL = "https://dailymed.nlm.nih.gov/dailymed/drugInfo.cfm?setid="
"""Where a label is shown to people, before its set id."""
FIELDS = {
    "description": "what",
    "indications_and_usage": "uses",
    "purpose": "uses",
    "dosage_and_administration": "dose",
    "when_using": "how-to-take",
    "instructions_for_use": "how-to-take",
    "boxed_warning": "serious-side-effects",
    "warnings": "serious-side-effects",
    "warnings_and_cautions": "serious-side-effects",
    "precautions": "serious-side-effects",
    "general_precautions": "serious-side-effects",
    "adverse_reactions": "side-effects",
    "drug_interactions": "interactions",
    "contraindications": "who-should-not",
    "do_not_use": "who-should-not",
    "ask_doctor": "who-should-not",
    "ask_doctor_or_pharmacist": "who-should-not",
    "stop_use": "when-to-seek-care",
    "pregnancy": "pregnancy",
    "pregnancy_or_breast_feeding": "pregnancy",
    "nursing_mothers": "pregnancy",
    "lactation": "pregnancy",
    "pediatric_use": "children",
    "overdosage": "overdose",
    "storage_and_handling": "storage",
    "how_supplied": "storage",
    "keep_out_of_reach_of_children": "storage",
}
"""Field of a label to section; a field that is not named here goes to ``more``."""
_LEFT_OUT = re.compile(
    r"_table$|^(spl_product_data_elements|package_label_principal_display_panel|"
    r"spl_unclassified_section|version|id|set_id|effective_time|openfda|references|"
    r"active_ingredient|inactive_ingredient|recent_major_changes)$"
)
_NUMBERED = re.compile(r"^\s*\d{1,2}(\.\d{1,2})*\s+[A-Z][A-Z ,&()/-]{3,}(?=\s|$)")
"""The number and name that a field begins with: "1 INDICATIONS AND USAGE"."""


def read_openfda(source: Source, _pack: Manifest) -> Iterator[Item]:
    """Every label of a file, read one after the other."""
    refuse(source.path)
    with source.path.open("rb") as stream:
        try:
            for number, held in enumerate(ijson.items(stream, "results.item", use_float=True), 1):
                raw = json.dumps(held, sort_keys=True).encode()
                place = f"{source.name}: result {number}"
                yield Item(place, raw, partial(label_document, held))
        except ijson.JSONError as error:
            raise ItemError(f"the JSON cannot be read further: {error}") from error


def label_document(held: Any) -> Document:
    """The document of one label."""
    if not isinstance(held, dict):
        raise ItemError("not a label")
    known = held.get("openfda") or {}
    generic, brands = _names(known, "generic_name"), _names(known, "brand_name")
    names = generic[:1] + brands + generic[1:]
    if not names:
        raise ItemError("no name of the medicine (openfda.generic_name, brand_name)")
    identity = str(held.get("set_id") or held.get("id") or "")
    return Document(
        key=identity or names[0],
        title=names[0],
        blocks=tuple(_blocks(held)),
        kind="medicine",
        aliases=tuple(names[1:]),
        url=f"{LABEL_URL}{identity}" if re.fullmatch(r"[0-9a-f-]{36}", identity) else None,
        written=_day(str(held.get("effective_time") or "")),
        publisher=next(iter(_names(known, "manufacturer_name", proper=False)), None),
    )


def _names(known: dict[str, Any], name: str, *, proper: bool = True) -> list[str]:
    given = [one_line(str(v)) for v in known.get(name) or () if one_line(str(v))]
    return list(dict.fromkeys(v.title() if proper and v.isupper() else v for v in given))


def _blocks(held: dict[str, Any]) -> Iterator[Block]:
    for name, values in held.items():
        if _LEFT_OUT.search(name) or not isinstance(values, list):
            continue
        for value in values:
            if isinstance(value, str):
                text = _NUMBERED.sub("", strip_markup(value))
                yield Block((name.replace("_", " "),), text, FIELDS.get(name, MORE))


def _day(text: str) -> date | None:
    found = re.fullmatch(r"(\d{4})(\d{2})(\d{2})", text)
    try:
        return date(*(int(part) for part in found.groups())) if found else None
    except ValueError as error:
        raise ItemError("effective_time is no date") from error
