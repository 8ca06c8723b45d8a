"""Names of relatives by relation: "my husband John", "su hija Ana", "John, his brother"."""

from __future__ import annotations

import regex

from compliance.deidentify.recognizers.base import Rule, RuleRecognizer
from compliance.deidentify.recognizers.lexis import CAPITALISED, NAME, RELATION
from compliance.deidentify.recognizers.trim import is_eponym, trimmed_name
from compliance.deidentify.vocabulary import given_names

_WHOSE = r"(?:my|his|her|their|our|the|mi|mis|su|sus|tu|'s|patient's)"


class RelativeRecognizer(RuleRecognizer):
    """Relatives and friends by relation."""

    ENTITY = "RELATIVE"
    RULES = (
        Rule(
            "relation",
            (
                rf"(?i:(?<!\p{{L}}){_WHOSE}\s+(?:\p{{L}}+\s+)?{RELATION}s?)\s*,?\s*(?:(?i:named|"
                rf"called|is|whose\s+name\s+is|se\s+llama|llamad[oa])\s+)?(?P<v>{NAME})(?:\s*(?:&|"
                rf"and|y)\s+(?P<v>{NAME}))?"
            ),
            ignore_case=False,
        ),
        Rule(
            "relation-lower",
            (
                rf"(?<!\p{{L}})(?:my|his|her|our|mi|su)\s+{RELATION}\s*,?\s*(?:(?:named|called)\s+)"
                rf"?(?P<v>\p{{L}}[\p{{L}}'-]+)"
            ),
            score=0.6,
        ),
        Rule(
            "named",
            (
                rf"(?<!\p{{L}}){_WHOSE}\s+{RELATION}(?:'s\s+name\s+is|\s+(?:is\s+)?(?:named|called))"
                rf"\s+(?P<v>\p{{L}}[\p{{L}}'-]+)"
            ),
            score=0.7,
        ),
        Rule(
            "apposed",
            (
                rf"(?P<v>{CAPITALISED}(?:[ ]{CAPITALISED})?)\s*,\s*(?i:(?:my|his|her|mi|su)"
                rf"\s+{RELATION})(?!\p{{L}})"
            ),
            ignore_case=False,
        ),
        Rule(
            "form", rf"(?i:\b{RELATION})\s*(?:\([^)\n]*\))?\s*:\s*(?P<v>{NAME})", ignore_case=False
        ),
    )

    def refine(
        self, rule: Rule, match: regex.Match[str], start: int, end: int
    ) -> tuple[int, int] | None:
        """Cut at ordinary words; in lower case only listed given names count without "named"."""
        cut = trimmed_name(
            match.string,
            start,
            end,
            lower=rule.name in {"relation-lower", "named"},
            strong=rule.name == "relation",
        )
        if cut is None:
            return None
        words = match.string[cut[0] : cut[1]]
        if is_eponym(words) or (
            rule.name == "relation-lower" and words.lower() not in given_names()
        ):
            return None
        return cut
