"""E-mail, web and network addresses, telephone and fax numbers."""

from __future__ import annotations

from typing import Any

import phonenumbers
import regex
from presidio_analyzer import RecognizerResult

from compliance.deidentify.recognizers.base import Rule, RuleRecognizer
from compliance.deidentify.recognizers.lexis import COLON, UNIT_AHEAD

_TLD = (
    r"(?:com|org|net|edu|gov|mil|int|info|biz|io|co|us|uk|es|mx|ar|cl|pe|ca|de|fr|it|eu|"
    r"me|health|app|dev|tv|link|online|site|xyz|ly|ai|care|clinic|doctor|hospital|cat|pt|"
    r"br|au|nl|be|se|no|dk|fi|pl|cz|ch|at|ie|uy)"
)

_DIGIT_WORD = (
    r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|"
    r"cero|uno|dos|tres|cuatro|cinco|seis|siete|ocho|nueve)"
)


class EmailRecognizer(RuleRecognizer):
    """E-mail addresses, obfuscated ones too.

    Presidio's recogniser asks for the public suffix list over the network and drops what is not on
    it; here the form is enough.
    """

    ENTITY = "EMAIL_ADDRESS"
    RULES = (
        Rule(
            "email",
            r"(?<![\p{L}\d._%+-])[\p{L}\d._%+'-]+\s?@\s?[\p{L}\d-]+(?:\.[\p{L}\d-]+)+",
            score=1.0,
        ),
        Rule(
            "spelled",
            (
                rf"(?<![\p{{L}}\d])[\p{{L}}\d._%+-]+\s*[\[(]?\s*(?:@|(?<=[\s\[(])(?:at|arroba)"
                rf"(?=[\s\])]))\s*[\])]?\s*[\p{{L}}\d-]+(?:\s*[\[(]?\s*(?:\.|(?<=[\s\[(])(?:dot|"
                rf"punto)(?=[\s\])]))\s*[\])]?\s*[\p{{L}}\d-]+)*\s*[\[(]?\s*(?<=[\s\[(])(?:dot|punto)"
                rf"(?=[\s\])])\s*[\])]?\s*{_TLD}(?![\p{{L}}\d])"
            ),
        ),
        Rule("handle", r"(?<![\p{L}\d@.])@[\p{L}_][\p{L}\d_.]{2,30}", score=0.6),
    )


_PUBLISHER = regex.compile(
    r"(?:https?://)?(?:[\p{L}\d-]+\.)*(?:(?:nih|cdc|fda|hhs|ahrq|cancer|medlineplus|clinicaltrials|"
    r"trials|smokefree|womenshealth|health|usda|epa|medicare)\.gov|who\.int|nhs\.uk|"
    r"nihseniorhealth\.gov|fruitsandveggiesmatter\.gov|europa\.eu)(?:/[^\s?@]*)?[.,]?",
    regex.IGNORECASE,
)
"""Pages that health authorities publish for everybody; with a query they may tell somebody."""


class UrlRecognizer(RuleRecognizer):
    """Web addresses, but for the public pages of health authorities."""

    ENTITY = "URL"
    RULES = (
        Rule("scheme", r"\b(?:https?|ftp|sftp|file)://[^\s<>\"'\])}]+", score=1.0),
        Rule("www", r"\bwww\d?\.[\p{L}\d-]+(?:\.[\p{L}\d-]+)+(?:/[^\s<>\"'\])}]*)?", score=1.0),
        Rule(
            "bare",
            (
                rf"(?<![\p{{L}}\d@.-])(?:[\p{{L}}\d](?:[\p{{L}}\d-]*[\p{{L}}\d])?\.)"
                rf"+{_TLD}(?:/[^\s<>\"'\])}}]*|(?![\p{{L}}\d.-]))"
            ),
            score=0.6,
        ),
    )

    def accept(self, rule: Rule, match: regex.Match[str]) -> bool:
        """A missing space after a full stop ("pain.it hurts") makes no address."""
        if _PUBLISHER.fullmatch(match[0]):
            return False
        if rule.name != "bare" or "/" in match[0]:
            return True
        label, _, tld = match[0].rpartition(".")
        return (
            tld.lower()
            not in {
                "it",
                "me",
                "no",
                "us",
                "be",
                "at",
                "es",
                "se",
                "de",
                "co",
                "link",
                "care",
                "health",
                "doctor",
                "hospital",
                "clinic",
                "online",
                "site",
                "cat",
                "info",
            }
            or "." in label
        )


class IpRecognizer(RuleRecognizer):
    """IPv4 and IPv6 addresses."""

    ENTITY = "IP_ADDRESS"
    RULES = (
        Rule(
            "v4",
            (
                r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)"
                r"(?:/\d{1,2}|:\d{2,5})?(?![\d.]*\d)"
            ),
        ),
        Rule("v6", r"(?<![\p{L}\d:])(?:[\da-f]{1,4}:){7}[\da-f]{1,4}(?![\p{L}\d:])"),
        Rule(
            "v6-short",
            (
                r"(?<![\p{L}\d:])(?=[\da-f:]*\d)(?:[\da-f]{1,4}:){1,6}(?::[\da-f]{1,4})"
                r"{1,6}(?![\p{L}\d:])"
            ),
        ),
    )


class PhoneRecognizer(RuleRecognizer):
    """Telephone and fax numbers: by cue, by national form, and what libphonenumber accepts.

    libphonenumber reads only stretches with enough digits: on whole texts it is the slowest part.
    """

    ENTITY = "PHONE_NUMBER"
    RULES = (
        Rule(
            "nanp",
            (
                r"(?<![\d.])(?:\+?1[\s.-]?)?(?:\(\s?\d{3}\s?\)|\d{3})"
                r"\s?[-.\s/]\s?\d{3}\s?[-.\s]\s?\d{4}(?:\s*(?:x|ext\.?|extension)\s*\d{1,6})?(?!\d)"
            ),
        ),
        Rule("words", rf"(?<!\p{{L}})(?:{_DIGIT_WORD}[\s,.-]+){{6,}}{_DIGIT_WORD}(?!\p{{L}})"),
        Rule("local", r"(?<![\d./-])[2-9]\d{2}-\d{4}(?![\d/-]|\.\d)" + UNIT_AHEAD),
        Rule(
            "international",
            r"(?<![\p{L}\d.,])(?:\+|00)\s?(?=(?:[\s()./-]{0,2}\d){8})\d{1,3}"
            r"(?:[\s./-]{0,2}\(?\d{1,4}\)?){2,6}(?!\d)",
        ),
        Rule(
            "spain",
            (
                r"(?<![\d.,-])[6789]\d{2}[\s.-]?(?:\d{3}[\s.-]?\d{3}|\d{2}[\s.-]?\d{2}[\s.-]?\d{2})"
                r"(?![\d,]|\.\d)"
            )
            + UNIT_AHEAD,
        ),
        Rule(
            "cued",
            (
                rf"(?<!\p{{L}})(?:phone|telephone|tel|tlf|tfno|tel[eé]fono|m[oó]vil|cell(?:phone)?|"
                rf"mobile|fax|pager|beeper|call(?:\s+(?:me|us|him|her))?|text(?:\s+me)?|whats\s?app|"
                rf"reach\s+me|ll[aá]m[ae](?:me)?|contact|celular)"
                rf"(?:\s+(?:at|on|al|number|no|me\s+at|n[uú]mero|my\s+\p{{L}}+))"
                rf"*\.?{COLON}(?P<v>[+(]?\d(?:[\s().\-/]{{0,3}}\d){{5,14}})(?!\d)"
            ),
        ),
        Rule(
            "ending",
            r"\b(?:ending|ends|terminad[oa]|acaba|termina)\s+(?:in|with|en)\s+(?P<v>\d{3,5})(?!\d)",
        ),
    )
    _STRETCH = regex.compile(
        r"(?<![\d.,/$=<-])[+(]?\d[\d\s().\-/]{5,22}\d(?!\d)" + UNIT_AHEAD, regex.IGNORECASE
    )
    _MIN_DIGITS = 7
    _SCORE = 0.5

    def __init__(
        self, supported_language: str = "en", regions: tuple[str, ...] = ("US", "ES")
    ) -> None:
        super().__init__(supported_language)
        self.regions = regions

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: Any = None
    ) -> list[RecognizerResult]:
        """Results of the rules, then of libphonenumber on stretches with seven digits or more."""
        found = super().analyze(text, entities, nlp_artifacts)
        for stretch in self._STRETCH.finditer(text):
            if sum(c.isdigit() for c in stretch[0]) < self._MIN_DIGITS:
                continue
            for region in self.regions:
                for match in phonenumbers.PhoneNumberMatcher(
                    stretch[0], region, leniency=phonenumbers.Leniency.VALID
                ):
                    found.append(
                        self.result(
                            stretch.start() + match.start, stretch.start() + match.end, self._SCORE
                        )
                    )
        return found
