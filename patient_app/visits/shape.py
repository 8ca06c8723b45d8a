"""A questionnaire as a page asks it, and answers with the words of their questions beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.fhir.intake.answers import Item, items_of
from services.fhir.intake.conditions import Scope, enabled

_CONTENT = "content"


def words_of(element: Mapping[str, Any], name: str, language: str) -> str:
    """A text of a questionnaire in the reader's language; as it is where it has no translation."""
    for translation in element.get(f"_{name}", {}).get("extension", ()):
        parts = {part["url"]: part for part in translation.get("extension", ())}
        if parts.get("lang", {}).get("valueCode") == language:
            return str(parts[_CONTENT]["valueString"])
    return str(element.get(name, ""))


def shape(questionnaire: Item, language: str) -> dict[str, Any]:
    """Title and questions in one language."""
    questions = [_question(item, language) for item in items_of(questionnaire)]
    return {"title": words_of(questionnaire, "title", language), "questions": questions}


def _question(item: Item, language: str) -> dict[str, Any]:
    options = [option["valueCoding"] for option in item.get("answerOption", ())]
    return {
        "link": item["linkId"],
        "type": item["type"],
        "text": words_of(item, "text", language),
        "required": bool(item.get("required")),
        "repeats": bool(item.get("repeats")),
        "longest": item.get("maxLength"),
        "options": [
            {"system": o["system"], "code": o["code"], "display": words_of(o, "display", language)}
            for o in options
        ],
        "when": item.get("enableWhen", []),
        "items": [_question(inner, language) for inner in items_of(item)],
    }


def worded(items: list[dict[str, Any]], questionnaire: Item, language: str) -> list[dict[str, Any]]:
    """Answers as they are kept: only to what is asked, each with its question in words.

    What was answered and is asked no more, since another answer changed, is left out.
    """
    return _level(items, questionnaire, language, Scope({"item": items}))


def _level(
    items: list[dict[str, Any]], asked: Item, language: str, scope: Scope
) -> list[dict[str, Any]]:
    questions = {q["linkId"]: q for q in items_of(asked)}
    kept: list[dict[str, Any]] = []
    for item in items:
        question = questions.get(item.get("linkId"))
        if question is None:
            kept.append(item)  # the check of the whole refuses it, and says so
        elif enabled(question, scope):
            made = {**item, "text": words_of(question, "text", language)}
            inner = [dict(one) for one in items_of(item)]
            if inner:
                made["item"] = _level(inner, question, language, scope.within(item))
            kept.append(made)
    return kept
