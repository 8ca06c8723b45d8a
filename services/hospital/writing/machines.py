"""The programs that had a part in a text, as Device resources, and the cards of their models.

Ids are made of what a resource says, so one model has one Device however often it is filed: the
store changes nothing when equal text is written again.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from compliance.transparency import Card, card_markdown, load_cards
from services.consult.messages import ModelCardRef
from services.hospital.audited import PORTAL
from services.hospital.writing import labels
from services.hospital.writing.narrative import narrative

Resource = dict[str, Any]
_RULES = ("record-rules", "triage-rules")
_CHOOSES = "all-MiniLM-L6-v2 + BM25"
_CARDS = {_CHOOSES: ("minilm", "matcher", "reader"), "SmolLM2": ("embedded-language-model",)}
"""Cards by the beginning of a model's name; the operator keeps that of a model of their own."""
_ID_CHARS = 40


def kind_of(model: ModelCardRef) -> str:
    """The code of AIdeviceTypeCS that says what kind of machine it is."""
    if model.name in _RULES:
        return "Rule-Based-Systems"
    return "Hybrid-Models" if model.name.startswith(_CHOOSES) else "Large-Language-Models"


def ai_device(model: ModelCardRef, cards: Sequence[Resource]) -> Resource:
    """The Device of a model, after the AI-Device profile.

    Args:
        model: its name, and the digest of what it consists of.
        cards: the DocumentReferences of its model cards.
    """
    kind = labels.concept(labels.DEVICE_TYPES, kind_of(model))
    about = [
        {"url": labels.AI_KIND, "valueCodeableConcept": kind},
        *(
            {"url": labels.MODEL_CARD_OF, "valueReference": {"reference": _ref(card)}}
            for card in cards
        ),
    ]
    return {
        "resourceType": "Device",
        "id": _id("model", f"{model.name}\n{model.digest}"),
        "meta": {"profile": [labels.AI_DEVICE]},
        "text": narrative([f"Model: {model.name}", f"Digest: {model.digest}"]),
        "extension": about,
        "identifier": [{"system": "urn:caretier:model", "value": model.name}],
        "status": "active",
        "deviceName": [{"name": model.name, "type": "model-name"}],
        "type": labels.concept(labels.DEVICE_TYPES, "Artificial-Intelligence"),
        "version": [{"type": {"text": "digest"}, "value": model.digest}],
        "property": [
            {"type": {"text": "digest"}, "valueCode": [{"text": model.digest}]},
            {"type": {"text": "kind"}, "valueCode": [kind]},
        ],
    }


def application() -> Resource:
    """The Device of the portal, under the name by which the audit trail calls it."""
    return {
        "resourceType": "Device",
        "id": PORTAL.id,
        "text": narrative(["The clinicians' portal of Caretier"]),
        "identifier": [PORTAL.who()["identifier"]],
        "status": "active",
        "deviceName": [{"name": "Caretier portal", "type": "user-friendly-name"}],
        "type": {"text": "application"},
    }


@lru_cache(maxsize=32)
def _cards_of(name: str) -> tuple[Card, ...]:
    ids = next((ids for prefix, ids in _CARDS.items() if name.startswith(prefix)), ())
    known = {card.id: card for card in load_cards()}
    return tuple(known[id_] for id_ in ids)


def model_cards(model: ModelCardRef) -> list[Resource]:
    """The cards that ship for a model, after the AI-ModelCard profile; none for rules."""
    return [_document(card) for card in _cards_of(model.name)]


def _document(card: Card) -> Resource:
    text = card_markdown(card)
    return {
        "resourceType": "DocumentReference",
        "id": _id(f"card-{card.id}", text)[:64],
        "meta": {"profile": [labels.AI_MODEL_CARD]},
        "text": narrative([f"Model card: {card.name}"]),
        "identifier": [{"system": "urn:caretier:model-card", "value": card.id}],
        "status": "current",
        "type": labels.concept(labels.INPUTS, "AIModelCard", "AI Model-Card"),
        "category": [labels.concept(labels.INPUTS, "AIModelCardMarkdownFormat", "Markdown Format")],
        "description": card.name,
        "content": [
            {
                "attachment": {
                    "contentType": "text/markdown",
                    "language": "en",
                    "data": base64.b64encode(text.encode()).decode(),
                    "title": card.name,
                }
            }
        ],
    }


def _id(prefix: str, said: str) -> str:
    return f"{prefix}-{hashlib.sha256(said.encode()).hexdigest()[: _ID_CHARS - len(prefix)]}"


def _ref(resource: Resource) -> str:
    return f"{resource['resourceType']}/{resource['id']}"
