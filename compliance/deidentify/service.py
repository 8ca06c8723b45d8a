"""Detect, mask, check again: the one way for text to become fit to leave the device."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import regex
from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerResult

from compliance.deidentify.deadline import OutOfTimeError, time_budget
from compliance.deidentify.engine import LANGUAGES, build_analyzer, hard_recognizers
from compliance.deidentify.entities import Deidentified, Entity
from compliance.deidentify.errors import DeidentificationError
from compliance.deidentify.known import IDENTITY, KnownIdentifiers, KnownRecognizer
from compliance.deidentify.normalise import Normalised, normalise
from compliance.deidentify.placeholders import PlaceholderMap, placeholder_like
from compliance.deidentify.residual import residue
from compliance.deidentify.settings import DeidentifySettings

Tongue = Literal["en", "es"]
MAX_WORD = 500
"""A longer word is refused at once, in letters: patterns of names would try at each of them."""
_ENDLESS = regex.compile(rf"(?<!\p{{L}}[-'\u2019.]?)(?:\p{{L}}[-'\u2019.]?+){{{MAX_WORD + 1}}}+")
_SPEAKER = regex.compile(r"^\[(?:patient|clinician|relative|person)(?:_\p{Ll}+)?\][ \t]", regex.M)
"""Who speaks, at the start of a transcript's line. Our placeholders are in capitals, and a bent one
in an answer is still refused, so these words need no escape."""
_NO_NLP: Any = None
"""Patterns need no tokens; only context words would, which the hard detectors do without."""
_TYPE_ORDER = (
    "LITERAL",
    "EMAIL_ADDRESS",
    "URL",
    "ADDRESS",
    "DATE",
    "AGE",
    "US_SSN",
    "PHONE_NUMBER",
)


@dataclass(frozen=True, slots=True)
class _Found:
    """A span of the plain text to mask."""

    start: int
    end: int
    type: str
    score: float
    recognizer: str
    identity: str | None


class Deidentifier:
    """The detector. Build it once (``load``): building takes about two seconds.

    Attributes:
        version: ``caretier-deid/<digest>`` of configuration and code; receipts carry it.
        settings: limits and parts.
    """

    def __init__(self, settings: DeidentifySettings, analyzer: AnalyzerEngine) -> None:
        self.settings = settings
        self.version = settings.version()
        self._analyzer = analyzer
        self._hard = {code: hard_recognizers(analyzer, code) for code in LANGUAGES}

    @classmethod
    def load(cls, config: Path | None = None) -> Deidentifier:
        """Build the detector from ``config``, or from the packaged configuration.

        Raises:
            BadInputError: the configuration is not valid, or the name model is not the one that was
                measured.
            NotFoundError: the name model is required and not there.
        """
        settings = DeidentifySettings.read(config)
        return cls(settings, build_analyzer(settings))

    def detect(
        self, text: str, *, language: Tongue = "en", known: KnownIdentifiers | None = None
    ) -> list[Entity]:
        """Identifiers in ``text``, in order, disjoint, offsets into ``text`` as given.

        Raises:
            DeidentificationError: detection failed or took too long.
        """
        return list(self._guarded(text, language, known, PlaceholderMap(), check=False).entities)

    def deidentify(
        self,
        text: str,
        *,
        language: Tongue = "en",
        known: KnownIdentifiers | None = None,
        mapping: PlaceholderMap | None = None,
    ) -> Deidentified:
        """Mask ``text``; ``mapping`` is that of the conversation, and grows.

        Raises:
            DeidentificationError: the masked text could not be shown to be free of identifiers.
        """
        return self._guarded(
            text, language, known, PlaceholderMap() if mapping is None else mapping, check=True
        )

    def _guarded(
        self,
        text: str,
        language: str,
        known: KnownIdentifiers | None,
        mapping: PlaceholderMap,
        *,
        check: bool,
    ) -> Deidentified:
        """Run with every failure turned into a refusal that quotes nothing of the text.

        The refusal is raised outside the handlers, so that no chained exception carries the text.
        """
        self._refuse_unfit(text, language, known, mapping)
        try:
            with time_budget(self.settings.time_budget_s):
                return self._run(text, language, known, mapping, check=check)
        except DeidentificationError as refusal:
            reason = refusal.message
        except OutOfTimeError:
            reason = f"De-identification took longer than {self.settings.time_budget_s:g} s."
        except Exception as error:  # noqa: BLE001 - any failure must refuse, never pass text on
            reason = f"A detector failed ({type(error).__name__})."
        raise DeidentificationError(reason)

    def _refuse_unfit(self, text: object, language: object, known: object, mapping: object) -> None:
        """Wrong types and sizes, before anything looks at the text."""
        if not isinstance(text, str):
            raise DeidentificationError("Only text can be de-identified.")
        if len(text) > self.settings.max_chars:
            raise DeidentificationError(
                f"The text is longer than {self.settings.max_chars} characters."
            )
        if len(text) > MAX_WORD and _ENDLESS.search(text):
            raise DeidentificationError(f"The text has a word of more than {MAX_WORD} letters.")
        if any("\ud800" <= c <= "\udfff" for c in text) if not text.isascii() else False:
            raise DeidentificationError("The text holds code points that are no characters.")
        if language not in LANGUAGES:
            raise DeidentificationError("The language is not one of en, es.")
        if not isinstance(known, KnownIdentifiers | None) or not isinstance(
            mapping, PlaceholderMap
        ):
            raise DeidentificationError(
                "Known identifiers or placeholder map are of the wrong type."
            )

    def _run(
        self,
        text: str,
        language: str,
        known: KnownIdentifiers | None,
        mapping: PlaceholderMap,
        *,
        check: bool,
    ) -> Deidentified:
        """Detect, mask and check."""
        plain = normalise(text)
        found = self._find(plain, language, known)
        masked, entities = _mask(text, plain, found, mapping)
        if check:
            left = residue(masked, mapping, known, lambda t: self._look_hard(t, language, known))
            if left:
                raise DeidentificationError(f"The masked text still holds what looks like {left}.")
        return Deidentified(masked, tuple(entities), mapping, self.version)

    def _find(
        self, plain: Normalised, language: str, known: KnownIdentifiers | None
    ) -> list[_Found]:
        """Disjoint spans of the plain text, in order."""
        if not plain.text.strip():
            return []
        ad_hoc: list[EntityRecognizer] = [KnownRecognizer(known, language)] if known else []
        results = self._analyzer.analyze(
            text=plain.text, language=language, ad_hoc_recognizers=ad_hoc
        )
        found = [_from_presidio(result) for result in results]
        found += [
            _Found(start, end, "LITERAL", 1.0, "PlaceholderGuard", None)
            for start, end in placeholder_like(plain)
            if not _SPEAKER.match(plain.text, start)
        ]
        return _disjoint(found)

    def _look_hard(
        self, plain: Normalised, language: str, known: KnownIdentifiers | None
    ) -> list[_Found]:
        """What the detectors that leave no doubt find."""
        asked = [*self._hard[language], *([KnownRecognizer(known, language)] if known else [])]
        results: list[RecognizerResult] = []
        for recognizer in asked:
            results += recognizer.analyze(plain.text, recognizer.supported_entities, _NO_NLP) or []
        return [_from_presidio(r) for r in results if r.score >= self.settings.score_threshold]


def _from_presidio(result: RecognizerResult) -> _Found:
    """Our view of one of Presidio's results."""
    metadata = result.recognition_metadata or {}
    name = metadata.get(RecognizerResult.RECOGNIZER_NAME_KEY, "unknown")
    return _Found(
        result.start,
        result.end,
        result.entity_type,
        float(result.score),
        str(name),
        metadata.get(IDENTITY),
    )


def _disjoint(found: Iterable[_Found]) -> list[_Found]:
    """Join overlapping spans to their union; the best of them gives its type."""
    ordered = sorted(found, key=lambda f: (f.start, -f.end))
    joined: list[list[_Found]] = []
    end = -1
    for span in ordered:
        if span.start < end:
            joined[-1].append(span)
        else:
            joined.append([span])
        end = max(end, span.end) if span.start < end else span.end
    return [_union(group) for group in joined]


def _union(group: list[_Found]) -> _Found:
    """One span over a group of overlapping ones."""
    best = max(group, key=_rank)
    start, end = group[0].start, max(span.end for span in group)
    return _Found(start, end, best.type, best.score, best.recognizer, best.identity)


def _rank(span: _Found) -> tuple[bool, bool, int, float, int, str]:
    """Escapes first, then known identifiers, then longer and surer spans; ties by name."""
    order = -_TYPE_ORDER.index(span.type) if span.type in _TYPE_ORDER else -len(_TYPE_ORDER)
    return (
        span.type == "LITERAL",
        span.identity is not None,
        span.end - span.start,
        span.score,
        order,
        span.type,
    )


def _mask(
    text: str, plain: Normalised, found: list[_Found], mapping: PlaceholderMap
) -> tuple[str, list[Entity]]:
    """The masked text, and the entities with offsets into the input."""
    out: list[str] = []
    entities: list[Entity] = []
    position = 0
    for span in found:
        start, end = plain.span(span.start, span.end)
        start = max(start, position)
        if start >= end:
            continue
        placeholder = mapping.placeholder(span.type, text[start:end], span.identity)
        out += [text[position:start], placeholder]
        entities.append(Entity(start, end, span.type, span.score, span.recognizer, placeholder))
        position = end
    return "".join([*out, text[position:]]), entities
