"""Postal codes, whole.

Safe Harbor would let the first three digits of most ZIP codes stay. That needs the current census
table of sparsely populated areas, and three digits help no clinical answer, so nothing stays.
"""

from __future__ import annotations

from compliance.deidentify.recognizers.base import Rule, RuleRecognizer
from compliance.deidentify.recognizers.lexis import US_STATE_CODES, US_STATES


class PostcodeRecognizer(RuleRecognizer):
    """ZIP and ZIP+4, Spanish, British and Canadian codes."""

    ENTITY = "ZIP"
    RULES = (
        Rule(
            "cued",
            (
                r"\b(?:zip(?:\s*-?\s*code)?|post(?:al)?\s*-?\s*code|postcode|c\.?\s?p\.?|"
                r"c[oó]digo\s+postal)\s*(?:is|es|of|[:#])?\s*"
                r"(?P<v>\d{5}(?:-?\d{4})?|\d{3,4}-?\d{2,3}|\d{3,4}|[a-z]{1,2}\d[a-z\d]?\s*\d[a-z]{2})"
                r"(?![\p{L}\d])"
            ),
        ),
        Rule(
            "state",
            rf"\b(?:{US_STATE_CODES}|{US_STATES})\.?,?\s+(?P<v>\d{{5}}(?:-?\d{{4}})?)(?!\d)",
            ignore_case=False,
        ),
        Rule("plus-four", r"(?<![\d-])\d{5}-\d{4}(?![\d-])"),
        Rule(
            "before-town",
            r"(?<![\d.,-])(?P<v>(?:0[1-9]|[1-4]\d|5[0-2])\d{3})\s+(?=\p{Lu}\p{Ll}+)",
            score=0.5,
            ignore_case=False,
        ),
        Rule(
            "british",
            r"(?<![\p{L}\d])[A-Z]{1,2}\d[A-Z\d]?[ ]\d[A-Z]{2}(?![\p{L}\d])",
            ignore_case=False,
        ),
        Rule(
            "canadian",
            r"(?<![\p{L}\d])[ABCEGHJ-NPRSTVXY]\d[A-Z][ -]\d[A-Z]\d(?![\p{L}\d])",
            ignore_case=False,
        ),
    )
