"""Questions to the sandbox's people, with what must and must not be said."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.consult.record import Record
from services.fhir.references import links
from services.fhir.sandbox import SANDBOX_DAY, generate

QUESTIONS = [
    row
    for name in ("questions.yaml", "lay_questions.yaml")
    for row in yaml.safe_load(Path(__file__).with_name(name).read_text("utf-8"))
]


@lru_cache(maxsize=32)
def record_of(patient: str, today: date = SANDBOX_DAY) -> Record:
    mine = [r for r in generate() if r["id"] == patient or _is_about(r, patient)]
    return Record(mine, today=today)


def _is_about(resource: Mapping[str, Any], patient: str) -> bool:
    shared = {"Practitioner", "Organization", "Location"}
    return resource["resourceType"] in shared or any(
        link.compartment and link.target_id == patient for link in links(resource)
    )


@pytest.mark.parametrize("row", QUESTIONS, ids=lambda row: f"{row['p']}: {row['q']}")
def test_a_question_is_answered_from_the_record_and_with_nothing_else(row: Mapping[str, Any]):
    record, language = record_of(row["p"]), row.get("lang", "en")
    answer = record.answer(row["q"], language)
    assert (answer.kind.value if answer else None) == row["answer"], answer and answer.text
    facts = list(answer.facts) if answer else record.facts_for(row["q"], language)
    said = " ".join(fact.text for fact in facts).lower()
    for part in row.get("has", ()):
        assert part.lower() in said, said
    for part in row.get("hasnt", ()):
        assert part.lower() not in said, said
    if row.get("warns"):
        assert facts[0].warning, said
