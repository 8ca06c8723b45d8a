"""Presidio's analyzer on blank spaCy pipelines: no downloaded model, no torch, no network."""

from __future__ import annotations

from typing import Any

import presidio_analyzer.pattern_recognizer as presidio_patterns
import spacy
from presidio_analyzer import (
    AnalyzerEngine,
    EntityRecognizer,
    RecognizerRegistry,
    predefined_recognizers,
)
from presidio_analyzer.context_aware_enhancers import LemmaContextAwareEnhancer
from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine
from spacy.language import Language
from spacy.tokens import Doc

from compliance.deidentify.recognizers import all_recognizers
from compliance.deidentify.recognizers.learned_names import LearnedNameRecognizer
from compliance.deidentify.residual import HARD_TYPES
from compliance.deidentify.settings import DeidentifySettings
from compliance.errors import BadInputError

LANGUAGES = ("en", "es")
_COMPONENT = "caretier_lower_lemma"


@Language.component(_COMPONENT)
def lower_lemma(doc: Doc) -> Doc:
    """Set every lemma to the lower-case token.

    A blank pipeline leaves it empty, and then Presidio's context words silently do nothing.
    """
    for token in doc:
        token.lemma_ = token.lower_
    return doc


class BlankNlpEngine(SpacyNlpEngine):
    """spaCy tokenisers alone; Presidio's own engine would download a model."""

    engine_name = "caretier-blank"

    def __init__(self) -> None:
        super().__init__(
            models=[{"lang_code": code, "model_name": "blank"} for code in LANGUAGES],
            ner_model_configuration=NerModelConfiguration(
                model_to_presidio_entity_mapping={"PERSON": "PERSON"}
            ),
        )

    def load(self) -> None:
        """Make the pipelines in memory."""
        pipelines: dict[str, Language] = {}
        for code in LANGUAGES:
            pipeline = spacy.blank(code)
            pipeline.max_length = 10_000_000
            pipeline.add_pipe(_COMPONENT)
            pipelines[code] = pipeline
        self.nlp = pipelines  # type: ignore[assignment]  # presidio says None there


def build_analyzer(settings: DeidentifySettings) -> AnalyzerEngine:
    """The analyzer with our recognisers and the chosen ones of Presidio, for both languages.

    Raises:
        BadInputError: the settings name a recogniser that Presidio does not have, or the name model
            is not the one that was measured.
        NotFoundError: the settings require the name model and it is not there.
    """
    # Presidio skips a pattern that times out. With the same limit as the whole call, a skipped
    # pattern means that the call is over its budget, and the call fails.
    presidio_patterns.REGEX_TIMEOUT_SECONDS = max(1, round(settings.time_budget_s))
    registry = RecognizerRegistry(recognizers=[], supported_languages=list(LANGUAGES))
    for language in LANGUAGES:
        for recognizer in all_recognizers(language, phone_regions=settings.phone_regions):
            registry.add_recognizer(recognizer)
        for built_in in settings.presidio:
            registry.add_recognizer(_built_in(built_in.name, list(built_in.context), language))
        if settings.names == "required":
            registry.add_recognizer(LearnedNameRecognizer(supported_language=language))
    return AnalyzerEngine(
        registry=registry,
        nlp_engine=BlankNlpEngine(),
        supported_languages=list(LANGUAGES),
        default_score_threshold=settings.score_threshold,
        context_aware_enhancer=LemmaContextAwareEnhancer(
            context_matching_mode="whole_word", context_prefix_count=6
        ),
    )


def hard_recognizers(analyzer: AnalyzerEngine, language: str) -> list[EntityRecognizer]:
    """Those of the analyzer's recognisers of which not one result may be left after masking."""
    every = analyzer.registry.get_recognizers(language=language, all_fields=True)
    return [r for r in every if HARD_TYPES.intersection(r.supported_entities)]


def _built_in(name: str, context: list[str], language: str) -> Any:
    """An instance of one of Presidio's recognisers."""
    found = getattr(predefined_recognizers, name, None)
    if found is None:
        raise BadInputError(f"Presidio has no recogniser called {name}.")
    return found(supported_language=language, context=context)
