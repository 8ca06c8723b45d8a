"""Names and places that the trained model finds.

Not among ``all_recognizers``: a model has to be trained and measured first. Without a trained
model it says so once and finds nothing, and the rules go on alone.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

from presidio_analyzer import LocalRecognizer, RecognizerResult

from compliance.deidentify.names.model import NameModel, present, tokenizer_file

_LOG = logging.getLogger(__name__)
ENTITIES = ("ADDRESS", "CLINICIAN", "LOCATION", "ORGANIZATION", "PERSON", "RELATIVE")
"""Types that are reported; PROFESSION is learnt and left alone, being no identifier by itself."""


@cache
def _shared() -> NameModel | None:
    """The one model of the process, for all languages; None (said once) when there is none."""
    if present() and tokenizer_file():
        return NameModel.load()
    _LOG.warning("The name model has not been trained; names are found by rules alone.")
    return None


class LearnedNameRecognizer(LocalRecognizer):
    """The name model as one of Presidio's recognisers."""

    def __init__(self, supported_language: str = "en", model: NameModel | None = None) -> None:
        self._model = model
        super().__init__(
            supported_entities=list(ENTITIES),
            supported_language=supported_language,
            name=type(self).__name__,
        )

    def load(self) -> None:
        """Take the process's model, unless one was given."""
        self._model = self._model or _shared()

    def analyze(
        self,
        text: str,
        entities: list[str],
        nlp_artifacts: Any = None,  # noqa: ARG002 - the interface is presidio's
    ) -> list[RecognizerResult]:
        """Results for ``text`` of the types asked for, offsets into it.

        Raises:
            OutOfTimeError: the call's time budget is spent.
        """
        if self._model is None:
            return []
        wanted = set(entities or ENTITIES) & set(ENTITIES)
        return [
            RecognizerResult(
                entity_type=span.type,
                start=span.start,
                end=span.end,
                # The model's own threshold has decided, not the analyzer's.
                score=(1 + span.score) / 2,
                recognition_metadata={
                    RecognizerResult.RECOGNIZER_NAME_KEY: type(self).__name__,
                    RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id,
                },
            )
            for span in self._model.find(text)
            if span.type in wanted
        ]
