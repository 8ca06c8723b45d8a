"""Any other unique number or code: after "id", "no.", "ref", and long digit strings anywhere."""

from __future__ import annotations

import regex

from compliance.deidentify.recognizers.base import Rule, RuleRecognizer
from compliance.deidentify.recognizers.lexis import CODE, COLON, UNIT_AHEAD

_MEDICAL = regex.compile(
    r"(?i:[ctlsd]\d{1,2}-[ctlsd]?\d{1,2}$|vitamin|covid|sars|h\d+n\d+|il-?\d|cd\d|t\d|"
    r"l\d|s\d|c\d|b\d+|a1c|hba1c|ca-?\d|icd|cpt|brca\d|her2|omega|type|grade|stage|"
    r"factor|p53|e11|q\d+h|co2|o2|fio2|spo2|\d+(?:mg|mcg|ml|g|kg|cm|mm|x\d|st|nd|rd|th|h|"
    r"hr|d|w|yo|am|pm|bpm|iu|units?|%)).*"
)


_REGISTERED = regex.compile(r"(?i)NCT\d{8}|ISRCTN\d{8}|ACTRN\d{14}|EudraCT.*")
_PUBLISHED = regex.compile(
    r"(?i)rs\d{4,}|FY\d{4}(?:-FY\d{4})?|\d+[xX]\d+(?:[xX]\d+)?|[CG]\d{3,5}[ACGT]|"
    r"\d+(?:UI|IU|ml|mg)|(?:19|20)\d\d\p{Ll}{3,}"
)
"""Registered trials, gene variants, sizes, budget years: public, nobody's own."""
_TELLING_DIGITS = 8
_AMOUNT_DIGITS = 5
"""Groups of digits need more than the first, what looks like a test or an amount the second."""


class CodeRecognizer(RuleRecognizer):
    """Codes that identify something or someone, of no known kind."""

    ENTITY = "UNIQUE_CODE"
    RULES = (
        Rule(
            "cued",
            (
                rf"(?<![\p{{L}}])(?:id|identifier|identification|ref|reference|confirmation|tracking|"
                rf"ticket|case|file|record|badge|employee|student|username|user|login|password|"
                rf"passcode|pin|code|key|token|n[º°]|no\.|nr|"
                rf"referencia|c[oó]digo|identificador|expediente|usuario|contrase[nñ]a)(?:\s*(?:id|"
                rf"no\.?|number|num|n[uú]mero|n[º°]|\#|code))?{COLON}(?P<v>{CODE})"
            ),
            score=0.7,
        ),
        Rule("hash", rf"(?<![\p{{L}}\d&])\#\s?(?P<v>\d{{4,}}|{CODE})", score=0.6),
        Rule(
            "long-digits",
            (
                rf"(?<![\p{{L}}\d.,/-])\d{{7,}}(?![\p{{L}}\d]|[.,]\d){UNIT_AHEAD}(?!\s*(?:people|"
                rf"americans|adults|children|women|men|cases|personas))"
            ),
            score=0.5,
        ),
        Rule(
            "grouped-digits",
            r"(?<![\p{L}\d.,/-])\d{2,6}(?:[- ]\d{2,8}){2,4}(?![\p{L}\d/%]|[.,]\d)",
            score=0.45,
        ),
        Rule(
            "mixed",
            (
                r"(?<![\p{L}\d.-])(?=[A-Z\d-]*[A-Z])(?=(?:[A-Z-]*\d){4})[A-Z\d]{2,}(?:-?[A-Z\d]+)"
                r"*(?![\p{L}\d]|[.-]\d)"
            ),
            score=0.45,
            ignore_case=False,
        ),
        Rule(
            "mixed-lower",
            (
                r"(?<![\p{L}\d._-])(?=[a-z]*\d)(?=(?:[a-z]*\d){4})(?=\d*[a-z])(?:[a-z\d])"
                r"{8,}(?![\p{L}\d])"
            ),
            score=0.45,
        ),
        Rule("hex", r"(?<![\p{L}\d])(?=[\da-f]*\d)[\da-f]{16,}(?![\p{L}\d])", score=0.6),
    )

    def accept(self, rule: Rule, match: regex.Match[str]) -> bool:
        """Names of tests, types and amounts are no codes; grouped digits need nine of them."""
        value = match["v"] if "v" in match.groupdict() else match[0]
        if _REGISTERED.fullmatch(value) or (rule.name != "cued" and _PUBLISHED.fullmatch(value)):
            return False
        digits: int = sum(c.isdigit() for c in value)
        if rule.name == "grouped-digits":
            return digits > _TELLING_DIGITS or bool(regex.fullmatch(r"\d\d(?:-\d\d){3}", value))
        if rule.name in {"cued", "mixed", "mixed-lower"} and _MEDICAL.fullmatch(value):
            return digits > _AMOUNT_DIGITS
        return True
