"""Common given names anywhere, with the surnames that follow them.

A list of names is no detector of names: it finds the common ones. A trained token classifier
belongs beside this recogniser (see the package's docstring).
"""

from __future__ import annotations

import bisect

import regex
from presidio_analyzer import RecognizerResult

from compliance.deidentify.normalise import fold
from compliance.deidentify.recognizers.base import Rule, RuleRecognizer
from compliance.deidentify.recognizers.lexis import CAPITALISED
from compliance.deidentify.recognizers.trim import is_eponym, trimmed_name
from compliance.deidentify.vocabulary import common_words, eponyms, given_names, word_set

_MIN_LOWER = 4
_ALSO_WORDS = word_set(
    "lisa clara fina tomas cesar rita mari lola alba alma linda ines marco dale gale "
    "drew nan chuck penny nick memo tito pura salva poncho"
)
"""Given names that are words in lower case, in English or Spanish."""
_NOT_A_NAME = regex.compile(
    r"(?:\b(?:North|South)\s+Carolina|\bin\s+(?:\p{L}+ern\s+)?(?:Israel|Jordan)|ELISA|\b[Ss]aco\s+de\s+Douglas|"
    r"\p{Lu}{2,}-\p{Ll}{1,2}-\p{Ll}{1,2})\Z"
)
"""States, countries, a test and a spelt-out word that hold a given name."""
_FORM = regex.compile(r"\s*[,.]\s*(?:date|dob|medical|mrn|age|\d|a\s+\d|is\s+a)")


class GivenNameRecognizer(RuleRecognizer):
    """Listed given names, alone or before surnames."""

    ENTITY = "PERSON"
    RULES = (
        Rule(
            "capital",
            (
                rf"(?<![\p{{L}}\d'-])(?P<v>{CAPITALISED}(?:[ ](?:\p{{Lu}}\.?[ ])?(?:(?:de[ ]la|de[ "
                rf"]los|del|de|van|von|y)[ ])?{CAPITALISED}){{0,3}})"
            ),
            score=0.6,
            ignore_case=False,
        ),
        Rule(
            "lower", r"(?<![\p{L}\d'@./-])\p{Ll}{4,}(?![\p{L}\d@-])", score=0.5, ignore_case=False
        ),
        Rule(
            "lower-full",
            r"(?<![\p{L}\d'@./-])(?P<g>\p{Ll}{3,})[ ](?P<s>\p{Ll}[\p{Ll}'-]+)(?=\s*(?:[.,]|$))",
            score=0.5,
            ignore_case=False,
        ),
        Rule(
            "surname-first",
            rf"(?<!\p{{L}}){CAPITALISED},[ ](?P<g>{CAPITALISED})(?:[ ]\p{{Lu}}\.?)?(?!\p{{L}})",
            score=0.6,
            ignore_case=False,
        ),
    )

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: object = None
    ) -> list[RecognizerResult]:
        """As for every recogniser, less what stands inside a medical eponym ("Lou Gehrig's")."""
        found = super().analyze(text, entities, nlp_artifacts)
        if not found:
            return found
        kept = _eponym_spans(text)
        starts = [start for start, _ in kept]
        return [r for r in found if not _inside(r, kept, starts)]

    def refine(
        self, rule: Rule, match: regex.Match[str], start: int, end: int
    ) -> tuple[int, int] | None:
        """Begin at the first listed given name; keep what follows while it looks like surnames."""
        if rule.name == "lower":
            return (start, end) if fold(match[0]) in given_names() - _ALSO_WORDS else None
        if rule.name == "lower-full":
            known = fold(match["g"]) in given_names() - _ALSO_WORDS
            plain = fold(match["s"]) not in common_words() or bool(
                _FORM.match(match.string, match.end())
            )
            return (start, end) if known and plain else None
        if rule.name == "surname-first":
            return (start, end) if fold(match["g"]) in given_names() else None
        if _NOT_A_NAME.search(match.string, max(0, start - 24), end):
            return None
        for word in regex.finditer(r"\p{L}[\p{L}'-]*", match.string[start:end]):
            given = fold(word[0]).removesuffix("'s")
            if given in given_names() or given.split("-")[0] in given_names():
                cut = trimmed_name(match.string, start + word.start(), end, strong=True)
                shout = (
                    cut is not None
                    and cut[1] - cut[0] <= _MIN_LOWER - 1
                    and match.string[cut[0] : cut[1]].isupper()
                )
                return (
                    None
                    if cut is None or shout or is_eponym(match.string[cut[0] : cut[1]])
                    else cut
                )
        return None


def _eponym_spans(text: str) -> list[tuple[int, int]]:
    """Spans of listed eponyms in ``text``, in order, not overlapping."""
    words = sorted(eponyms(), key=len, reverse=True)
    pattern = r"(?<!\p{L})(?:" + "|".join(map(regex.escape, words)) + r")(?:'s)?(?!\p{L})"
    return [m.span() for m in _eponym_pattern(pattern).finditer(text)]


def _eponym_pattern(pattern: str) -> regex.Pattern[str]:
    """Compile once; ``regex`` keeps its own cache of compiled patterns."""
    return regex.compile(pattern, regex.IGNORECASE)


def _inside(result: RecognizerResult, kept: list[tuple[int, int]], starts: list[int]) -> bool:
    """True when a result lies within a kept span."""
    index = bisect.bisect_right(starts, result.start) - 1
    return index >= 0 and result.end <= kept[index][1]
