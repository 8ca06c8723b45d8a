"""What de-identification gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from compliance.deidentify.placeholders import PlaceholderMap


@dataclass(frozen=True, slots=True)
class Entity:
    """One identifier found.

    Attributes:
        start: offset of its first code point in the input as given.
        end: one past its last.
        type: entity type, for example ``PATIENT``, ``DATE``, ``US_SSN``.
        score: confidence from 0 to 1.
        recognizer: what found it.
        placeholder: what stands for it in the masked text.
    """

    start: int
    end: int
    type: str
    score: float
    recognizer: str
    placeholder: str

    def to_dict(self) -> dict[str, Any]:
        """As in the JSON of ``caretier deidentify``."""
        return {
            "start": self.start,
            "end": self.end,
            "type": self.type,
            "score": round(self.score, 3),
            "recognizer": self.recognizer,
            "placeholder": self.placeholder,
        }


@dataclass(frozen=True, slots=True)
class Deidentified:
    """A masked text that passed the residual check.

    Attributes:
        text: the masked text; the only part that may leave the device.
        entities: what was masked, in order, disjoint, offsets into the input.
        mapping: the way back; stays on the device.
        detector: version of configuration and code that did it.
    """

    text: str
    entities: tuple[Entity, ...]
    mapping: PlaceholderMap
    detector: str

    def to_dict(self) -> dict[str, Any]:
        """As in the JSON of ``caretier deidentify``: without the map."""
        return {
            "text": self.text,
            "entities": [entity.to_dict() for entity in self.entities],
            "detector": self.detector,
        }
