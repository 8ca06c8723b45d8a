"""Advice as JSON: what `caretier advise --json` prints and `POST /v1/advise` answers."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from services.advisor.advise import Advice
from services.advisor.catalogue import CatalogueModel, ModelFile
from services.advisor.choice import Choice
from services.advisor.wish import ANSWER, PROMPT


def advice_json(advice: Advice) -> dict[str, Any]:
    """All of an advice; the need's own words are not repeated."""
    return {
        "place": {"path": advice.place.path, "scores": dict(advice.place.scores)},
        "machine": advice.machine.model_dump(mode="json"),
        "pace": advice.pace.model_dump(mode="json") if advice.pace else None,
        "recommended": [_choice(c) for c in advice.recommended],
        "rejected": [_choice(c) for c in advice.rejected],
        "bricks": [{"ref": b.ref, "title": b.title, "kind": b.kind} for b in advice.bricks],
        "notes": list(advice.notes),
    }


def model_json(model: CatalogueModel) -> dict[str, Any]:
    """An entry of the catalogue; what is not known is null."""
    return model.model_dump(mode="json") | {"score": model.score.value if model.score else None}


def _choice(choice: Choice) -> dict[str, Any]:
    model, memory, pace = choice.model, choice.memory, choice.pace
    return {
        "id": model.id,
        "name": model.name,
        "runner": choice.runner,
        "form": choice.form,
        "file": _file(choice.file),
        "licence": model.licence,
        "terms": model.terms,
        "gated": model.gated,
        "authoring": model.authoring.value,
        "context": model.context,
        "score": model.score.value if model.score else None,
        "memory": asdict(memory) | {"needed": memory.needed, "limit": choice.limit},
        "tokens_per_second": round(pace.written_per_second, 1) if pace else None,
        "seconds": round(pace.seconds(PROMPT, ANSWER), 1) if pace else None,
        "error": pace.error if pace else None,
        "why": choice.why,
        "how": choice.how,
        "against": list(choice.against),
        "note": model.note,
    }


def _file(file: ModelFile | None) -> dict[str, Any] | None:
    if file is None:
        return None
    return file.model_dump(mode="json") | {"url": file.url}
