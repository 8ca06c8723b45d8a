"""Free text of a record: found by the text pipeline, written anew with surrogates and moved dates.

The pipeline (``compliance.deidentify.service``) masks the text and checks the mask; only then are
its placeholders filled. What has no surrogate stays a placeholder without a number: ``[URL]``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Literal

import regex

from compliance.deidentify.dateshift import DateShift
from compliance.deidentify.datetext import move_text
from compliance.deidentify.entities import Deidentified, Entity
from compliance.deidentify.errors import DeidentificationError
from compliance.deidentify.fhir.needles import Needles
from compliance.deidentify.fhir.people import People
from compliance.deidentify.known import KnownIdentifiers
from compliance.deidentify.placeholders import label_of
from compliance.deidentify.service import Deidentifier
from compliance.deidentify.surrogates import Surrogates

Language = Literal["en", "es"]
REMOVED = "[REMOVED]"
"""Stands for a text that could not be shown to be free of identifiers."""
_PEOPLE = frozenset({"PATIENT", "RELATIVE", "CLINICIAN", "PERSON"})
_NO_SURROGATE = frozenset({"LITERAL", "URL", "IP_ADDRESS", "AGE"})
_KEPT_ZIP = 3


@dataclass(frozen=True, slots=True)
class Here:
    """Where a value stands: whose record, in which language, written when.

    Attributes:
        shift: the dates' shift of the owner.
        name: canonical name of the resource.
        language: of its texts.
        written: its own date, where it has one; for dates in text that say no year.
    """

    shift: DateShift
    name: str
    language: Language = "en"
    written: date | None = None


class Texts:
    """The text pipeline for one run; equal texts are looked at once."""

    def __init__(
        self,
        detector: Deidentifier,
        known: KnownIdentifiers,
        people: People,
        surrogates: Surrogates,
        needles: Needles,
    ) -> None:
        self._detector = detector
        self._known = known
        self._people = people
        self._surrogates = surrogates
        self._needles = needles
        self._masked = lru_cache(maxsize=20_000)(self._run)

    def masked(self, text: str, here: Here) -> str | None:
        """``text`` fit to be given out; None when that cannot be shown."""
        if not text.strip():
            return text
        masked = self._masked(text, here.language)
        if masked is None:
            return None
        identities = _identities(masked)
        out, position = [], 0
        for entity in masked.entities:
            surface = text[entity.start : entity.end]
            out += [text[position : entity.start], self._instead(entity, surface, identities, here)]
            position = entity.end
        written = "".join([*out, text[position:]])
        return None if self._needles.found(written) else written

    def _run(self, text: str, language: Language) -> Deidentified | None:
        """The pipeline; None when it refuses."""
        try:
            return self._detector.deidentify(text, language=language, known=self._known)
        except DeidentificationError:
            return None

    def _instead(self, entity: Entity, surface: str, identities: dict[str, str], here: Here) -> str:
        """What stands for one identifier."""
        placeholder = f"[{label_of(entity.type)}]"
        if "@" in surface and not regex.search(r"\s", surface):
            return self._surrogates.email(surface)
        if entity.type in _PEOPLE or entity.type == "EMAIL_ADDRESS":  # a name, its @ not there
            return self._people.written(surface, identities.get(entity.placeholder, ""))
        if entity.type == "DATE":
            moved = move_text(surface, here.shift, language=here.language, written=here.written)
            return moved or placeholder
        if entity.type == "ZIP":
            digits = regex.match(rf"\d{{{_KEPT_ZIP}}}(?=\d\d)", surface)
            return f"{digits[0]}**" if digits else placeholder
        if entity.type in _NO_SURROGATE:
            return placeholder
        return self._other(entity.type, surface, here)

    def _other(self, kind: str, surface: str, here: Here) -> str:
        """Surrogate of a place, an organisation, a way to reach somebody, or a number."""
        made = self._surrogates
        if kind == "LOCATION":
            return made.town(surface, spanish=here.language == "es")
        if kind == "ORGANIZATION":
            return made.organization(surface)
        if kind == "ADDRESS":
            return made.street(surface)
        if kind == "PHONE_NUMBER":
            return made.phone(surface)
        return self._people.code(surface) or made.code(surface)


def _identities(masked: Deidentified) -> dict[str, str]:
    """Placeholder to whose it is, or what it was, as the map of the text has it."""
    by_key: dict[str, str] = json.loads(masked.mapping.to_json())["by_key"]
    return {placeholder: key.partition("\x1f")[2] for key, placeholder in by_key.items()}
