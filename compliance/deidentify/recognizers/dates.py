"""Dates, all but a year alone: numeric, with month names, in words, English and Spanish.

HIPAA Safe Harbor, 45 CFR 164.514(b)(2)(i)(C): all elements of dates except the year. Times of day,
scores ("2/10"), doses ("1/2 tablet"), pressures ("120/80") and "24/7" are not dates and stay. A
year that tells an age over 89 is found by the recogniser for ages.
"""

from __future__ import annotations

import regex

from compliance.deidentify.recognizers.base import Rule, RuleRecognizer
from compliance.deidentify.recognizers.lexis import (
    DIA,
    MONTH,
    MONTH_LONG,
    ORDINAL_DAY,
    UNIT_AHEAD,
    WEEKDAY,
    YEAR_WORDS,
)

_WEEKDAY_LONG = (
    r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|lunes|martes|mi[eé]rcoles|jueves|viernes|"
    r"s[aá]bado|domingo)"
)
"""A weekday tells a date when it is one certain day; "every Monday" is a dose and stays."""
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_TH = r"(?:st|nd|rd|th|º|ª)?"
_YEAR = r"(?:(?:1[89]|20)\d{2}|'\d{2})(?!\d)"
_CLOCK = (
    r"(?:(?:T|[ ]+(?=\d{1,2}:\d{2}:\d{2}))\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|"
    r"[+-]\d{2}:?\d{2})?)?"
)
_TAIL_YEAR = rf"(?:\s*,?\s*(?:del?\s+(?:a[nñ]o\s+)?|of\s+|in\s+)?(?:{_YEAR}|{YEAR_WORDS}))?"
_RANGE = rf"(?:\s*(?:-|to|through|thru|al?|hasta(?:\s+el)?)\s*(?:the\s+)?{_DAY}{_TH}(?!\d))?"
_BEFORE = (
    r"\b(?:in|since|last|next|this|by|until|till|early|mid|late|during|before|after|of|"
    r"from|through|every|"
    r"beginning\s+of|end\s+of|en|desde|hasta|este|pr[oó]ximo|pasado|de|finales\s+de|"
    r"principios\s+de|"
    r"mediados\s+de|durante)[\s-]+"
)
_ON = (
    r"\b(?:on|since|by|dated?|dob|born|until|till|thru|before|after|as\s+of|due|visit|"
    r"seen|admitted|discharged|"
    r"el|el\s+d[ií]a|desde|hasta|fecha|ingreso|alta)\s*(?:el\s+|the\s+)?:?\s*"
)
_FRACTIONS = frozenset({("1", "2"), ("1", "3"), ("2", "3"), ("1", "4"), ("3", "4"), ("24", "7")})
_WORDS_NOT_MONTHS = frozenset({"may", "mar", "march", "dec", "set", "ago", "sun", "sat", "abr"})


class DateRecognizer(RuleRecognizer):
    """Whole dates, month and year, day and month, month alone after a preposition."""

    ENTITY = "DATE"
    RULES = (
        Rule(
            "iso",
            (
                rf"(?<![\d.-])(?:{WEEKDAY},?\s+)?(?:1[89]|20)\d{{2}}\s?([-/.])\s?(?:0?[1-9]|1[0-2])"
                rf"\s?\1\s?{_DAY}(?!\d){_CLOCK}"
            ),
        ),
        Rule(
            "numeric",
            (
                rf"(?:{WEEKDAY},?\s+)?(?<![\d/.-])(?P<a>\d{{1,2}})(?:\s?(?P<s>[/.-])\s?|[ ](?=\d\d?[ "  # noqa: E501 - one pattern, better unbroken
                rf"](?:19|20)\d\d))"
                rf"(?P<b>\d{{1,2}})(?:\s?(?P=s)\s?|[ ])(?P<y>\d{{4}}|\d{{2}})(?!\d|/\d|-\d|\.\d)"
                rf"{_CLOCK}"
            ),
        ),
        Rule(
            "compact",
            r"(?<![\d.])(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:\d{6})?(?!\d)",
        ),
        Rule(
            "compact-us", r"(?<![\d.])(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:19|20)\d{2}(?!\d)"
        ),
        Rule(
            "compact-eu", r"(?<![\d.])(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:19|20)\d{2}(?!\d)"
        ),
        Rule("year-month", r"(?<![\d/.-])(?:19|20)\d{2}[-/](?:0[1-9]|1[0-2])(?![\d/-])"),
        Rule(
            "month-year-numeric",
            rf"(?<![\d/.-])(?:0?[1-9]|1[0-2])[/-](?:19|20)\d{{2}}(?![\d/.-]){UNIT_AHEAD}",
        ),
        Rule(
            "day-month-cued",
            rf"{_ON}(?P<v>(?P<a>\d{{1,2}})[/-](?P<b>\d{{1,2}}))(?![\d/-]|\.\d){UNIT_AHEAD}"
            r"(?!\s*(?:pain|on\s+the\s+scale|strength|vision|murmur|dolor|of\b|x\b|scale|inch|"
            r"years?|days?|weeks?))",
        ),
        Rule(
            "month-day",
            (
                rf"(?:{WEEKDAY},?\s+)?(?<![\p{{L}}\d])(?P<m>{MONTH})\s*(?:the\s+)"
                rf"?{_DAY}{_TH}(?![\d:]|\.\d|\p{{L}}){_RANGE}{UNIT_AHEAD}{_TAIL_YEAR}"
            ),
        ),
        Rule(
            "day-month",
            rf"(?:{WEEKDAY},?\s+)?(?:(?:the|el|d[ií]a)\s+)*(?<![\d./:-])"
            rf"{_DAY}{_TH}{_RANGE}\s*(?:day\s+)?(?:of\s+|de\s+|-|/|\.)?\s*"
            rf"(?<![\p{{L}}])(?P<m>{MONTH})(?!\p{{L}})(?:[-/.]\d{{2,4}}(?!\d)|{_TAIL_YEAR})",
        ),
        Rule(
            "month-year",
            (
                rf"(?<![\p{{L}}\d])(?P<m>{MONTH})(?!\p{{L}})\s*,?\s*(?:of\s+|del?\s+(?:a[nñ]o\s+)?)"
                rf"?(?:{_YEAR}|{YEAR_WORDS})"
            ),
        ),
        Rule("month-short-year", rf"(?<![\p{{L}}\d])(?P<m>{MONTH_LONG})\s?-\s?\d{{2}}(?!\d)"),
        Rule(
            "months-year",
            (
                rf"(?<![\p{{L}}\d])(?P<m>{MONTH_LONG})\s*(?:y|and|to|through|a|-|/|,)"
                rf"\s*{MONTH_LONG}\s*,?\s*(?:of\s+|de\s+)?{_YEAR}"
            ),
        ),
        Rule(
            "month-alone",
            (
                rf"{_BEFORE}(?P<v>(?P<m>{MONTH_LONG})(?:\s*(?:-|to|through|and|or|y|a)"
                rf"\s*{MONTH_LONG})?)(?!\p{{L}})"
            ),
        ),
        Rule(
            "words",
            rf"(?<!\p{{L}})(?:(?:the\s+)?{ORDINAL_DAY}\s+(?:day\s+)?(?:of\s+)?(?P<m>{MONTH_LONG})|"
            rf"(?P<m>{MONTH_LONG})\s+(?:the\s+)?{ORDINAL_DAY}|(?:el\s+)"
            rf"?{DIA}\s+de\s+(?P<m>{MONTH_LONG}))(?!\p{{L}}){_TAIL_YEAR}",
        ),
        Rule(
            "weekday-day",
            (
                rf"\b{WEEKDAY},?\s+(?:the\s+|d[ií]a\s+)?{_DAY}(?:st|nd|rd|th)?(?![\d:/%]|\.\d|"
                rf"\s*[ap]\.?m){UNIT_AHEAD}"
            ),
        ),
        Rule(
            "weekday-told",
            (
                rf"\b(?:(?:last|this(?:\s+past)?|next|past|until|till|est[ea]|el\s+pr[oó]ximo|"
                rf"el\s+pasado)\s+(?P<v>{_WEEKDAY_LONG})(?!\p{{L}})|"
                rf"on\s+(?P<v>{_WEEKDAY_LONG}\s+(?:morning|afternoon|evening|night))(?!\p{{L}})|"
                rf"(?:meet|see\s+you|appointment(?:\s+is)?)\s+(?:on\s+)?(?P<v>{_WEEKDAY_LONG})"
                rf"(?!\p{{L}}))"
            ),
            score=0.6,
        ),
        Rule(
            "day-alone",
            (
                r"\b(?:on|since|by|until|before|after)\s+(?P<v>the\s+\d{1,2}(?:st|nd|rd|th))"
                r"(?=\s*(?:[.,;:!?)]|$|at\b|around\b|and\s+i\b))"
            ),
        ),
        Rule(
            "birth",
            r"(?:\bd\.?o\.?b\.?\b|\bborn(?:\s+on)?\b|birth\s?da(?:te|y)|date\s+of\s+birth|"
            r"nacimiento|nacid[oa](?:\s+el)?|\bf\.?\s?nac\.?)"
            r"\W{0,4}(?:is\s+|es\s+|el\s+)?(?P<v>\d[\d/.\s-]{2,9}\d)(?!\d)",
        ),
        Rule(
            "holiday",
            (
                r"\b(?:(?:christmas|thanksgiving|halloween|easter|hanukkah|labor|memorial|"
                r"independence|veterans?|valentine'?s?|mother'?s|father'?s|"
                r"new\s+year'?s?|st\.?\s+patrick'?s)\s+(?:day|eve|weekend|sunday|monday)"
                r"(?:\s*,?\s*(?:of\s+)?(?:19|20)\d\d)?|"
                r"(?:christmas|thanksgiving|halloween|easter|navidad|nochebuena|nochevieja|"
                r"semana\s+santa)(?!\p{L})(?:\s*,?\s*(?:of\s+|de\s+)?(?:19|20)\d\d)?)"
            ),
        ),
    )

    def accept(self, rule: Rule, match: regex.Match[str]) -> bool:
        """Refuse impossible days, fractions, and "may" or "mar" that are no months here."""
        if rule.name in {"numeric", "day-month-cued"}:
            first, second = match["a"], match["b"]
            possible = _is_day_and_month(int(first), int(second))
            if rule.name == "numeric" and match["s"] == "/" and len(match["y"]) == 4:  # noqa: PLR2004 - a number of the rule itself
                return True
            if rule.name == "numeric":
                return possible and not _looks_like_measure(match)
            return possible and (first, second) not in _FRACTIONS and second != "10"
        if rule.name == "birth":
            return len(match["v"].strip()) != 4 or not match["v"].strip().isdigit()  # noqa: PLR2004 - a number of the rule itself
        if "m" in match.groupdict() and match["m"]:
            return self._is_month(rule, match)
        return True

    @staticmethod
    def _is_month(rule: Rule, match: regex.Match[str]) -> bool:
        """Ordinary words that are months too need a capital, a year or an ordinal."""
        word = match["m"].rstrip(".")
        if word.lower() not in _WORDS_NOT_MONTHS:
            return True
        if rule.name in {"month-year", "words", "months-year", "month-short-year"}:
            return True
        if regex.search(
            r"\d(?:st|nd|rd|th)|\b(?:of|de)\s|'\d\d|\d[-/.]|(?:19|20)\d\d", match[0].lower()
        ):
            return True
        if word[0].isupper():
            after = match.string[match.end() : match.end() + 12]
            return rule.name != "day-month" or not regex.match(r"\s+[a-z]", after)
        return bool(
            regex.search(
                r"\b(?:on|since|by|until|el|d[ií]a|the)\s+$",
                match.string[max(0, match.start() - 8) : match.start()],
            )
        )


def _is_day_and_month(first: int, second: int) -> bool:
    """True when the two can be day and month, in either order."""
    return (1 <= first <= 12 and 1 <= second <= 31) or (1 <= second <= 12 and 1 <= first <= 31)  # noqa: PLR2004 - a number of the rule itself


def _looks_like_measure(match: regex.Match[str]) -> bool:
    """Three short numbers with dots and a two-digit last one are versions more often than dates."""
    if match["s"] is None:
        return len(match["y"]) != 4  # noqa: PLR2004 - a number of the rule itself
    return match["s"] == "." and len(match["y"]) == 2 and len(match["a"]) + len(match["b"]) < 4  # noqa: PLR2004 - a number of the rule itself
