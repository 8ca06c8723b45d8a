"""Ages of 90 and more, in digits and words, and years of birth that tell one.

HIPAA Safe Harbor, 45 CFR 164.514(b)(2)(i)(C): ages over 89 and all elements of dates, the year
too, that indicate such an age. Temperatures, saturations and durations stay.
"""

from __future__ import annotations

from datetime import UTC, datetime

import regex

from compliance.deidentify.recognizers.base import Rule, RuleRecognizer
from compliance.deidentify.recognizers.lexis import AGE_90, AGE_90_WORDS, RELATION

_NOT_AN_AGE = (
    r"(?!\s*(?:%|°|/|:|\.\d|,\d|f\b|c\b|degrees|mg|kg|lb|pounds|kilos|cm|feet|percent|"
    r"por\s+ciento|days?|weeks?|months?|minutes?|mins?\b|"
    r"hours?|ml|miles|km|beats|bpm|over|on\s+(?:room|oxygen|ra\b)|pack|d[ií]as|semanas|"
    r"meses|minutos|horas|sure|grados|mmhg))"
)


class AgeRecognizer(RuleRecognizer):
    """Ages over 89 with the words that make them ages."""

    ENTITY = "AGE"
    RULES = (
        Rule("years-old", rf"{AGE_90}\s*-?\s*(?:years?|yrs?\.?)\s*-?\s*(?:of\s+age|old|young)"),
        Rule("abbreviated", rf"{AGE_90}\s*-?\s*(?:y\.?\s*/?\s*o\.?(?![\p{{L}}])|yrs?\b)(?!\s*ago)"),
        Rule(
            "stated",
            rf"\b(?:aged?|age\s*(?:is|of|[:=])|edad\s*(?:de)?\s*:?|turn(?:ed|ing|s)|reached|"
            rf"i\s*am|i'm|s?he\s*is|s?he's|who\s*is|cumpl\p{{L}}+|"
            rf"is\s+(?:now|already))\s*(?P<v>{AGE_90})(?![\p{{L}}\d]){_NOT_AN_AGE}",
        ),
        Rule(
            "anos",
            (
                rf"(?<!hace\s)(?<!durante\s)(?P<v>{AGE_90}\s*a[nñ]os)(?!\s*(?:atr[aá]s|despu[eé]s|"
                rf"antes))"
            ),
        ),
        Rule(
            "years",
            (
                rf"\b(?:at|is|was|am|i'm|be|nearly|almost|over|about|now)\s+(?P<v>{AGE_90}\s*years?)"
                rf"(?!\s*(?:ago|of\s+(?!age)|later|since))"
            ),
        ),
        Rule(
            "sex",
            (
                rf"{AGE_90}\s*-?\s*(?:y\s*)?(?:male|female|man|woman|lady|gentleman|mujer|var[oó]n|"
                rf"hombre)\b"
            ),
        ),
        Rule(
            "sex-letter",
            (
                rf"(?:\b(?:a|an|this|our)\s+|^\s*|:\s*)(?P<v>{AGE_90}\s?/?\s?[mf])(?=\s*(?:[,;]|"
                rf"with\b|who\b|w/|c/o\b|p/w\b|presents?|s/p\b))"
            ),
        ),
        Rule(
            "decade",
            (
                r"\b(?:in|into|well\s+into)\s+(?:his|her|their|my|the)\s+(?:early\s+|mid[\s-]|"
                r"late\s+)?(?P<v>(?:90|100)'?s|nineties|hundreds)\b"
            ),
        ),
        Rule(
            "noun",
            (
                r"\b(?:nonagenarians?|centenarians?|supercentenarians?|nonagenari[oa]s?|"
                r"centenari[oa]s?)\b"
            ),
        ),
        Rule(
            "birthday",
            (
                rf"(?:{AGE_90}\s*(?:st|nd|rd|th)|ninetieth|ninety-\p{{L}}+(?:st|nd|rd|th)|hundredth)"
                rf"\s+birthday"
            ),
        ),
        Rule(
            "apposition",
            rf"\b(?:{RELATION}|patient|man|woman|paciente)\s*[,(]\s*(?P<v>{AGE_90})\s*(?=[,).;])",
        ),
        Rule(
            "born",
            (
                r"\b(?:born|birth|birth\s*year|dob|year\s+of\s+birth|nacid[oa]|nac[ií]|nacimiento)"
                r"\b[^.\n\d]{0,20}(?P<v>1[89]\d{2})(?![\d/-])"
            ),
        ),
        Rule("bare-words", rf"\b(?:age|aged|edad)\s+(?P<v>{AGE_90_WORDS})(?!\p{{L}})"),
    )

    def accept(self, rule: Rule, match: regex.Match[str]) -> bool:
        """A year of birth counts only when it makes the person 90 or older this year."""
        if rule.name == "born":
            return datetime.now(tz=UTC).year - int(match["v"]) > 89  # noqa: PLR2004 - a number of the rule itself
        return True
