"""Identifiers of the patient's own record, and the Presidio recogniser that looks for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from presidio_analyzer import LocalRecognizer, RecognizerResult

from compliance.deidentify.known_index import KnownIndex, build_index
from compliance.deidentify.known_match import find_known
from compliance.deidentify.record import Known, read_record

IDENTITY = "caretier_identity"
"""Key of the recognition metadata that says whose identifier it is."""


class KnownIdentifiers:
    """Everything in a FHIR record that identifies the patient or people around them.

    Build it once a record and use it for every text: the look-up tables are kept.
    """

    def __init__(self, known: Iterable[Known] = ()) -> None:
        self.known: tuple[Known, ...] = tuple(known)

    def __len__(self) -> int:
        return len(self.known)

    def __repr__(self) -> str:
        return f"KnownIdentifiers({len(self.known)} identifiers)"

    @classmethod
    def from_record(cls, resources: Iterable[Mapping[str, Any]]) -> KnownIdentifiers:
        """Read FHIR R4 JSON resources (a Bundle counts as one).

        Raises:
            KnownIdentifiersError: something is not a FHIR resource.
        """
        return cls(read_record(resources))

    @cached_property
    def index(self) -> KnownIndex:
        """The look-up tables, built on first use."""
        return build_index(self.known)


class KnownRecognizer(LocalRecognizer):
    """Ad-hoc recogniser for one record."""

    def __init__(self, known: KnownIdentifiers, supported_language: str) -> None:
        super().__init__(
            supported_entities=["KNOWN"],
            supported_language=supported_language,
            name="KnownRecognizer",
        )
        self._known = known

    def load(self) -> None:
        """Nothing to load."""

    def analyze(
        self,
        text: str,
        entities: list[str],  # noqa: ARG002 - the interface is presidio's
        nlp_artifacts: Any = None,  # noqa: ARG002 - the interface is presidio's
    ) -> list[RecognizerResult]:
        """Results for ``text`` (plain form), each with the identity in its metadata."""
        return [
            RecognizerResult(
                entity_type=hit.type,
                start=hit.start,
                end=hit.end,
                score=1.0,
                recognition_metadata={
                    RecognizerResult.RECOGNIZER_NAME_KEY: "KnownRecognizer",
                    RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id,
                    IDENTITY: hit.identity,
                },
            )
            for hit in find_known(self._known.index, text)
        ]
