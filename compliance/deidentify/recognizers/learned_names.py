"""Names and places that the trained model finds.

Runs when the settings say ``names: required``. Without the model, or with another one than was
measured, it cannot be made: a detector that finds no names must not pass for one that found none.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import regex
from presidio_analyzer import LocalRecognizer, RecognizerResult

from compliance.deidentify.names.decode import NameSpan
from compliance.deidentify.names.model import NameModel
from compliance.deidentify.normalise import fold
from compliance.deidentify.recognizers.organizations import is_public_body
from compliance.deidentify.recognizers.trim import is_eponym
from compliance.deidentify.vocabulary import common_words

_WORD = regex.compile(r"\p{L}+|\d+")
_SURE = 0.95
_SPEAKER = regex.compile(r"\[(?:patient|doctor|clinician|nurse|relative|person)(?:_\p{Ll}+)?\]")
ENTITIES = ("ADDRESS", "CLINICIAN", "LOCATION", "ORGANIZATION", "PERSON", "RELATIVE")
"""Types that are reported; PROFESSION is learnt and left alone, being no identifier by itself."""


@cache
def _shared() -> NameModel:
    """The one model of the process, for all languages."""
    return NameModel.load()


def stays_readable(text: str, span: NameSpan) -> bool:
    """Whether a find is ordinary language after all.

    Words of the list of ordinary ones in lower case, unless the model is very sure, eponyms, and
    bodies that publish guidance.
    """
    value = text[span.start : span.end]
    words = _WORD.findall(value)
    if span.score < _SURE and value.islower() and all(fold(w) in common_words() for w in words):
        return True
    if is_eponym(value) or _SPEAKER.match(text, max(0, span.start - 1)):
        return True
    return span.type == "ORGANIZATION" and is_public_body(text, span.start, span.end)


class LearnedNameRecognizer(LocalRecognizer):
    """The name model as one of Presidio's recognisers.

    Raises:
        NotFoundError: on making it, when there is no model.
        BadInputError: on making it, when the model is not the one that was measured.
    """

    def __init__(self, supported_language: str = "en", model: NameModel | None = None) -> None:
        self._model = model or _shared()
        super().__init__(
            supported_entities=list(ENTITIES),
            supported_language=supported_language,
            name=type(self).__name__,
        )

    def load(self) -> None:
        """Nothing to load: the model was taken on making it."""

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
            if span.type in wanted and not stays_readable(text, span)
        ]
