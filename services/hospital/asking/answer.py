"""An answer as Parameters: triage first, then what is said and what carries it."""

from __future__ import annotations

from typing import Any

from services.consult.messages import Answer, Citation, Sentence, Status
from services.hospital.asking.request import Asked, Wish
from services.hospital.asking.service import reference_of
from services.hospital.writing import labels

Part = dict[str, Any]


def parameters(answer: Answer, reason: str | None, asked: Asked, wish: Wish) -> dict[str, Any]:
    """Write an answer down.

    Args:
        answer: of the consult.
        reason: why there is none, where it abstains.
        asked: what was asked.
        wish: how it is wanted.
    """
    parts = [
        _triage(answer),
        _code("outcome", answer.status.value),
        *([_code("reason", reason)] if reason else []),
        _string("text", answer.text),
        *(_sentence("sentence", sentence) for sentence in answer.sentences),
        *([] if wish.minimal else [_sentence("more", sentence) for sentence in answer.more]),
        *(_citation(citation) for citation in answer.citations),
        {"name": "confidence", "valueDecimal": answer.confidence},
        _model(answer),
        *([_reference("encounter", asked.encounter)] if asked.encounter else []),
        _string("consult", answer.id),
    ]
    if answer.status is Status.ABSTAINED:
        parts.append({"name": "issues", "resource": _issues(reason)})
    return {"resourceType": "Parameters", "meta": {"security": labels.whole()}, "parameter": parts}


def _triage(answer: Answer) -> Part:
    said = answer.triage
    parts = [_code("level", said.level.value)]
    for name, value in (("advice", said.advice), ("rule", said.rule), ("source", said.source)):
        parts += [_string(name, value)] if value else []
    return {"name": "triage", "part": parts}


def _sentence(name: str, sentence: Sentence) -> Part:
    parts = [_string("text", sentence.text)]
    for id_ in sentence.citations:
        parts.append(_string("citation", id_))
        if reference := reference_of(id_):
            parts.append(_reference("source", reference))
    return {"name": name, "part": parts}


def _citation(citation: Citation) -> Part:
    parts = [_string("id", citation.id)]
    reference = reference_of(citation.id)
    parts += [_reference("source", reference)] if reference else []
    for name, value in (
        ("title", citation.title),
        ("publisher", citation.source),
        ("date", citation.date),
        ("quote", citation.quote),
    ):
        parts += [_string(name, value)] if value else []
    if citation.url:
        parts.append({"name": "url", "valueUrl": citation.url})
    return {"name": "citation", "part": parts}


def _model(answer: Answer) -> Part:
    parts = [_string("name", answer.model.name), _string("digest", answer.model.digest)]
    return {"name": "model", "part": parts}


def _issues(reason: str | None) -> dict[str, Any]:
    """That there is no answer, in the words that every FHIR client understands."""
    issue = {
        "severity": "information",
        "code": "not-supported",
        "diagnostics": f"No source answers this question ({reason or 'not-covered'}).",
    }
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def _string(name: str, value: str) -> Part:
    return {"name": name, "valueString": value}


def _code(name: str, value: str) -> Part:
    return {"name": name, "valueCode": value}


def _reference(name: str, value: str) -> Part:
    return {"name": name, "valueReference": {"reference": value}}
