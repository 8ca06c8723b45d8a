"""Hospitals, clinics, employers and schools by the words around them."""

from __future__ import annotations

import regex

from compliance.deidentify.recognizers.base import Rule, RuleRecognizer
from compliance.deidentify.recognizers.lexis import CAPITALISED
from compliance.deidentify.vocabulary import word_set

_LINK = r"(?:(?:of|the|and|&|for|at|de|del|la|las|los|el|y|St\.)[ ])*"
_RUN = rf"{CAPITALISED}(?:[ ]{_LINK}{CAPITALISED}){{0,5}}"
_KIND = (
    r"(?:Hospital|Clinic|Medical[ ]Cent(?:er|re)|Health[ ]Cent(?:er|re)|Health[ ]System|"
    r"Healthcare|Infirmary|Medical[ ]Group|Nursing[ ](?:Home|Center)|Hospice|Pharmacy|"
    r"Laborator(?:y|ies)|Rehabilitation[ ]Center|Surgery[ ]Center|Urgent[ ]Care|Family[ "
    r"](?:Medicine|Practice)|Pediatrics|Elementary(?:[ ]School)?|High[ ]School|Middle[ "
    r"]School|"
    r"School|College|University|Institute|Academy|Church|Foundation)"
)
_GENERIC = word_set(
    "the a an my our your this that at in to from general local community hospital "
    "clinic medical center nursing home public high middle elementary health urgent care "
    "emergency state national county university school college"
)


_PUBLIC = regex.compile(
    r"(?:(?<=\b(?:National|American|World|Federal|European|International|Royal|U\.?S\.?)\s)|"
    r"[^,.;]*\b(?:National|American|World|Federal|European|International|NIH|Mayo|Eunice)\b)"
)
"""Bodies that publish guidance identify nobody."""
_SUBJECT = regex.compile(
    r"(?:Institute|Academy|College|Society)[ ]of[ ](?:the[ ])?"
    r"(?=(?:\p{L}+[ ])?(?:[\p{Lu}]\p{L}*(?:ical|ing|ics|ology|ment|ity|tion|ance|ders|ases|ine|"
    r"ist|ists|tics|apy|ure|ion|ness|ry|care|health))\b|Health|Heart|Child|Eye|Aging|Drug|"
    r"Medicine|Arthritis|Surgeons|Physicians|Nursing|General)"
)
"""Institutes called after what they study; one called after a town or a person is no such."""
_TEAM = regex.compile(
    r".*\b(?:Study|Work|Working|Research|Task|Trial|Trials|Collaborative|Cooperative|Oncology|"
    r"Investigator|Control|Intervention|Treatment|Placebo|Age|Focus|Support|\p{Lu}{3,})[ ]Group\b"
)
"""Groups of a study are no employers."""


def is_public_body(text: str, start: int, end: int) -> bool:
    """Whether ``text[start:end]`` names a body that publishes guidance, not an employer or ward."""
    return bool(_PUBLIC.match(text, start, end) or _SUBJECT.match(text, start, end))


class OrganizationRecognizer(RuleRecognizer):
    """Named organisations; "the hospital" alone is none."""

    ENTITY = "ORGANIZATION"
    RULES = (
        Rule(
            "kind-last",
            (
                rf"(?<!\p{{L}}){_RUN}[ ](?:{_KIND}|(?:{_KIND.upper()}))(?:[ ]of[ ]{_RUN}|[ ](?:at|in)"  # noqa: E501 - one pattern, better unbroken
                rf"[ ]{CAPITALISED})?(?!\p{{L}})"
            ),
            ignore_case=False,
        ),
        Rule(
            "kind-first",
            (
                rf"(?<!\p{{L}})(?:University|College|Hospital|Cl[ií]nica|Institute|Universidad|"
                rf"Instituto|Colegio|Centro[ ]de[ ]Salud|CS|Fundaci[oó]n|Facultad|Complejo[ "
                rf"]Hospitalario|Residencia)[ ](?:{_LINK}){CAPITALISED}(?:[ ]{_LINK}{CAPITALISED})"
                rf"{{0,6}}"
            ),
            ignore_case=False,
        ),
        Rule(
            "company",
            (
                rf"(?<!\p{{L}}){_RUN}(?:,[ ]?{CAPITALISED})?(?:,?[ ]and[ ]{CAPITALISED})?,?[ ](?:Inc|"  # noqa: E501 - one pattern, better unbroken
                rf"LLC|L\.L\.C|Ltd|Corp|Corporation|GmbH|PLC|LLP|S\.?A\.?U?|S\.?L\.?U?|Group|Company)"
                rf"\b\.?"
            ),
            ignore_case=False,
        ),
        Rule(
            "employer",
            (
                rf"(?i:\b(?:works?|worked|working|employed|employee|job|hired|fired|retired|"
                rf"employer\s+is|trabaj\p{{L}}+|emplead[oa])\s+(?:at|for|by|from|with|of|en|para))"
                rf"\s+(?:the[ ])?(?P<v>{_RUN})"
            ),
            score=0.7,
            ignore_case=False,
        ),
        Rule(
            "employer-label",
            (
                rf"(?i:\b(?:employer|company|organization|facility|school|empresa|centro|hospital|"
                rf"cl[ií]nica|instituci[oó]n))\s*:\s*(?P<v>{_RUN})"
            ),
            ignore_case=False,
        ),
    )

    def accept(self, rule: Rule, match: regex.Match[str]) -> bool:
        """Something in it must be more than "General Hospital"."""
        if rule.name in {"kind-last", "kind-first"}:
            if is_public_body(match.string, match.start(), match.end()):
                return False
            return any(word.lower().strip(".,") not in _GENERIC for word in match[0].split())
        return rule.name != "company" or not _TEAM.match(match[0])
