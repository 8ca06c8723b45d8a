"""The base of Caretier's own recognisers: patterns that may look at a cue and mask only the value.

Presidio's ``PatternRecognizer`` reports a whole match and swallows time-outs. Here a pattern names
the part to mask with a group ``v`` (repeatable), and a time-out stops the call.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import regex
from presidio_analyzer import LocalRecognizer, RecognizerResult

from compliance.deidentify.deadline import OutOfTimeError, remaining


@dataclass(frozen=True, slots=True)
class Rule:
    """One pattern.

    Attributes:
        name: short slug, unique within its recogniser.
        pattern: expression for the ``regex`` library; group ``v`` is what is masked, else all.
        score: confidence from 0 to 1.
        ignore_case: False where capitals carry the meaning.
    """

    name: str
    pattern: str
    score: float = 0.85
    ignore_case: bool = True


@lru_cache(maxsize=512)
def compiled(pattern: str, *, ignore_case: bool) -> regex.Pattern[str]:
    """The compiled expression, shared by the instances for each language."""
    flags = regex.MULTILINE | regex.VERBOSE
    return regex.compile(pattern, flags | regex.IGNORECASE if ignore_case else flags)


class RuleRecognizer(LocalRecognizer):
    """Runs ``RULES`` over the plain text; subclasses refine with ``accept``.

    Attributes:
        ENTITY: the type that is reported.
        RULES: the patterns, English and Spanish together: people mix languages.
    """

    ENTITY: ClassVar[str]
    RULES: ClassVar[tuple[Rule, ...]]

    def __init__(self, supported_language: str = "en") -> None:
        super().__init__(
            supported_entities=[self.ENTITY],
            supported_language=supported_language,
            name=type(self).__name__,
        )

    def load(self) -> None:
        """Nothing to load: patterns are compiled on first use."""

    def analyze(
        self,
        text: str,
        entities: list[str],  # noqa: ARG002 - the interface is presidio's
        nlp_artifacts: Any = None,  # noqa: ARG002 - the interface is presidio's
    ) -> list[RecognizerResult]:
        """Results for ``text`` (plain form), offsets into it.

        Raises:
            OutOfTimeError: the call's time budget is spent.
        """
        results: list[RecognizerResult] = []
        for rule in self.RULES:
            expression = compiled(rule.pattern, ignore_case=rule.ignore_case)
            group = "v" if "v" in expression.groupindex else 0
            try:
                for match in expression.finditer(text, timeout=remaining()):
                    results += self._results_of(rule, match, group)
            except TimeoutError:
                raise OutOfTimeError from None
        return results

    def _results_of(
        self, rule: Rule, match: regex.Match[str], group: str | int
    ) -> list[RecognizerResult]:
        """Results of one match: one for each time that the masked group matched."""
        if not self.accept(rule, match):
            return []
        spans = (self.refine(rule, match, *span) for span in match.spans(group))
        return [self.result(*span, rule.score) for span in spans if span and span[0] < span[1]]

    def accept(self, rule: Rule, match: regex.Match[str]) -> bool:  # noqa: ARG002 - the interface is presidio's
        """Whether a match counts; check digits and exceptions go here."""
        return True

    def refine(
        self,
        rule: Rule,  # noqa: ARG002 - the interface is presidio's
        match: regex.Match[str],  # noqa: ARG002 - the interface is presidio's
        start: int,
        end: int,
    ) -> tuple[int, int] | None:
        """Narrow one span of the match, or None to drop it."""
        return start, end

    def result(self, start: int, end: int, score: float) -> RecognizerResult:
        """A result of this recogniser for ``text[start:end]``."""
        return RecognizerResult(
            entity_type=self.ENTITY,
            start=start,
            end=end,
            score=score,
            recognition_metadata={
                RecognizerResult.RECOGNIZER_NAME_KEY: type(self).__name__,
                RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id,
            },
        )
