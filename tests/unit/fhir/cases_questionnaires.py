"""Cases of questionnaires."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.unit.fhir.cases_base import Case, Resource, made, parts


def of_questionnaires() -> Iterator[Case]:
    def asking(**item: Any) -> Resource:
        return made("Questionnaire", status="draft", item=[{"linkId": "1", **item}])

    option = [{"valueString": "x"}]
    condition = {"question": "2", "operator": "=", "answerBoolean": True}
    table: list[tuple[str, Resource, Resource]] = [
        ("que-1", {"type": "group", "item": [{"linkId": "2", "type": "date"}]}, {"type": "group"}),
        (
            "que-2",
            {"type": "group", "item": [{"linkId": "2", "type": "date"}]},
            {"type": "group", "item": [{"linkId": "1", "type": "date"}]},
        ),
        (
            "que-3",
            {"type": "date", "code": [{"code": "x"}]},
            {"type": "display", "code": [{"code": "x"}]},
        ),
        (
            "que-4",
            {"type": "choice", "answerOption": option},
            {"type": "choice", "answerOption": option, "answerValueSet": "http://example.org/v"},
        ),
        (
            "que-5",
            {"type": "choice", "answerOption": option},
            {"type": "boolean", "answerOption": option},
        ),
        ("que-6", {"type": "date", "required": True}, {"type": "display", "required": True}),
        (
            "que-7",
            {"type": "date", "enableWhen": [condition]},
            {
                "type": "date",
                "enableWhen": [{"question": "2", "operator": "exists", "answerString": "x"}],
            },
        ),
        (
            "que-8",
            {"type": "date", "initial": [{"valueDate": "2020"}]},
            {"type": "display", "initial": [{"valueDate": "2020"}]},
        ),
        ("que-9", {"type": "date", "readOnly": True}, {"type": "display", "readOnly": True}),
        ("que-10", {"type": "string", "maxLength": 5}, {"type": "date", "maxLength": 5}),
        (
            "que-11",
            {"type": "choice", "answerOption": option},
            {"type": "choice", "answerOption": option, "initial": option},
        ),
        (
            "que-12",
            {"type": "date", "enableWhen": [condition] * 3, "enableBehavior": "all"},
            {"type": "date", "enableWhen": [condition] * 3},
        ),
        (
            "que-13",
            {"type": "string", "initial": option * 2, "repeats": True},
            {"type": "string", "initial": option * 2},
        ),
    ]
    for key, kept, broken in table:
        yield key, asking(**kept), asking(**broken)
    yield from parts(
        made("QuestionnaireResponse", status="completed"),
        "item",
        (
            "qrs-1",
            {"linkId": "1", "answer": option},
            {"linkId": "1", "answer": option, "item": [{"linkId": "2"}]},
        ),
    )
