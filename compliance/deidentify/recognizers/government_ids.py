"""Numbers of states: Social Security, passports, Spanish DNI, NIE, NUSS, driving licences."""

from __future__ import annotations

import regex

from compliance.deidentify.recognizers.base import Rule, RuleRecognizer
from compliance.deidentify.recognizers.lexis import CODE, COLON

_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"


class SocialSecurityRecognizer(RuleRecognizer):
    """US Social Security numbers in usual formats.

    Presidio's own recogniser drops 123-45-6789 as a sample and area 666; here a number that looks
    like one is one.
    """

    ENTITY = "US_SSN"
    RULES = (
        Rule("separated", r"(?<![\d-])\d{3}\s?[-./_]\s?\d{2}\s?[-./_]\s?\d{4}(?![\d-])"),
        Rule("spaced", r"(?<![\d-])\d{3}[ ]\d{2}[ ]\d{4}(?![\d-])"),
        Rule(
            "cued",
            (
                rf"(?<!\p{{L}})(?:s\.?s\.?n\.?|soc(?:ial)?\.?\s*sec(?:urity)?\.?|ss\s*\#|social)"
                rf"(?:\s*(?:no|number|num|\#))?\.?{COLON}(?P<v>\d(?:[\s./-]?\d){{8}})(?!\d)"
            ),
        ),
        Rule(
            "last-four",
            (
                r"(?:last\s+(?:four|4)(?:\s+(?:digits|of\s+\p{L}+))?(?:\s+(?:my\s+|the\s+)?(?:ssn|"
                r"social(?:\s+security(?:\s+number)?)?))?|x{3}-?x{2}-?|\*{3}-?\*{2}-?)(?:\s*(?:is|"
                r"are|:))?\s*(?P<v>\d{4})(?!\d)"
            ),
        ),
    )


class SpanishIdRecognizer(RuleRecognizer):
    """DNI and NIE (with their check letter or a cue), NUSS/NASS, Spanish passports."""

    ENTITY = "ES_ID"
    RULES = (
        Rule(
            "dni",
            (
                r"(?<![\p{L}\d])(?P<v>(?P<d>\d{1,2}[.\s]?\d{3}[.\s]?\d{3})\s?-?\s?(?P<l>[A-Z]))"
                r"(?![\p{L}\d])"
            ),
        ),
        Rule(
            "nie",
            (
                r"(?<![\p{L}\d])(?P<v>(?P<x>[XYZ])\s?-?\s?(?P<d>\d{7})\s?-?\s?(?P<l>[A-Z]))"
                r"(?![\p{L}\d])"
            ),
        ),
        Rule(
            "cued",
            (
                rf"(?<!\p{{L}})(?:d\.?n\.?i\.?|n\.?i\.?e\.?|n\.?i\.?f\.?|pasaporte|cif)"
                rf"{COLON}(?P<v>{CODE})"
            ),
        ),
        Rule(
            "nuss",
            (
                rf"(?<!\p{{L}})(?:n\.?u?a?\.?s\.?s\.?|seguridad\s+social|n[º°]\s*ss|naf)"
                rf"{COLON}(?P<v>\d[\d /.-]{{6,18}}\d)(?!\d)"
            ),
        ),
        Rule("nuss-bare", r"(?<![\d.])(?:0[1-9]|[1-4]\d|5[0-3]|66)[ /-]\d{8}[ /-]\d{2}(?!\d)"),
    )

    def accept(self, rule: Rule, match: regex.Match[str]) -> bool:
        """The check letter of DNI and NIE: number modulo 23."""
        if rule.name not in {"dni", "nie"}:
            return True
        digits = regex.sub(r"\D", "", match["d"])
        prefix = str("XYZ".index(match["x"].upper())) if rule.name == "nie" else ""
        return len(digits) >= 7 and _LETTERS[int(prefix + digits) % 23] == match["l"].upper()  # noqa: PLR2004 - a number of the rule itself


class CertificateRecognizer(RuleRecognizer):
    """Certificates and licences: DEA with its check digit, medical, driving, passports, colegiado."""  # noqa: E501 - one pattern, better unbroken

    ENTITY = "LICENSE_NUMBER"
    RULES = (
        Rule("dea", r"(?<![\p{L}\d])[A-Z][A-Z9]\d{7}(?![\p{L}\d])"),
        Rule(
            "cued",
            (
                rf"(?<!\p{{L}})(?:licen[cs]es?|licencia|certificate|certification|permit|"
                rf"registration|dea|npi|upin|driver'?s?\s*licen[cs]e|d\.?l\.?|passport|pasaporte|"
                rf"state\s+id|green\s+card|alien|a-number|visa\s+number|"
                rf"n\.?[º°o]?\.?\s*col(?:egiado)?\.?|colegiad[oa]|carn[eé]t?(?:\s+de\s+conducir)?|"
                rf"permiso|tax\s*id|tin|ein|itin)(?:\s*(?:id|no|number|num|n[uú]mero|n[º°]|\#))"
                rf"?\.?{COLON}(?P<v>\d[\d ]{{2,14}}\d(?![./-]?[\p{{L}}\d])|{CODE})"
            ),
        ),
    )

    def accept(self, rule: Rule, match: regex.Match[str]) -> bool:
        """DEA: (d1+d3+d5) + 2*(d2+d4+d6) ends in d7 (21 CFR 1301; the usual check)."""
        if rule.name != "dea":
            return True
        d = [int(c) for c in match[0][2:]]
        return (d[0] + d[2] + d[4] + 2 * (d[1] + d[3] + d[5])) % 10 == d[6]
