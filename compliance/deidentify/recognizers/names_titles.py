"""Names after titles: clinicians by "Dr", "Nurse", "doctora"; people by "Mr", "Sra", "Don"."""

from __future__ import annotations

import regex

from compliance.deidentify.recognizers.base import Rule, RuleRecognizer
from compliance.deidentify.recognizers.lexis import CAPITALISED, NAME, PARTICLE
from compliance.deidentify.recognizers.trim import trimmed_name

_CLINICIAN = (
    r"(?:dr[as]?|drs|doctor|doctora|prof|professor|profesor|profesora|nurse|np|pa-c|rn|"
    r"enfermer[oa]|m[eé]dic[oa]|surgeon|physician|therapist|"
    r"cirujan[oa]|pharmacist|midwife|matrona|psychologist|psychiatrist|dentist|"
    r"pediatrician|cardiologist|oncologist|dermatologist|neurologist|"
    r"gynecologist|ob-?gyn)"
)
_PERSON = (
    r"(?:mr|mrs|ms|mx|miss|mister|sir|dame|madam|rev|reverend|fr|father|sister|rabbi|"
    r"imam|pastor|capt|captain|sgt|sergeant|lt|lieutenant|"
    r"judge|hon|sr|sra|srta|srt|se[nñ]or|se[nñ]ora|se[nñ]orita|don|do[nñ]a|d[ªa]?|[dD]ñ[aª])"
)
_DOTTED = r"(?!\p{L})[ ]?\.?\s*(?:[ºª°]\.?)?[ \t]*\n?[ \t]*"
_SENTENCE_END = regex.compile(
    r"(?i)(?:(?:doctor|professor|nurse|physician|surgeon|therapist|pharmacist|midwife|"
    r"psychologist|psychiatrist|dentist|\p{L}+ologist|pediatrician|m[eé]dic[oa]|enfermer[oa])"
    r"(?:\s*\.\s+|\s*\n\s*))\Z"
)
"""A calling that ends a sentence or a line is no title of the next word."""
_CREDENTIAL = (
    r"(?:M\.?D|D\.?O|R\.?N|N\.?P|P\.?A-?C?|Ph\.?D|D\.?D\.?S|Psy\.?D|FNP|DNP|APRN|LCSW|"
    r"MBBS|FACP|Pharm\.?D|D\.?P\.?M)"
)


class _TitledName(RuleRecognizer):
    """Shared cutting of what follows a title."""

    def refine(
        self, rule: Rule, match: regex.Match[str], start: int, end: int
    ) -> tuple[int, int] | None:
        """Cut at ordinary words; the title itself stays readable."""
        if _SENTENCE_END.search(match.string, match.start(), start):
            return None
        lower = rule.name.endswith(("lower", "dot"))
        if (
            lower
            and rule.name != "title-dot"
            and regex.match(r"\p{L}+(?:s|ed|ing|ly|ment|tion)\b", match.string[start:end])
        ):
            return None
        return trimmed_name(
            match.string, start, end, lower=lower, strong=not rule.name.endswith("lower")
        )


class ClinicianTitleRecognizer(_TitledName):
    """Clinicians: "Dr. Brown", "doctora Ruiz", "Brown, MD"."""

    ENTITY = "CLINICIAN"
    RULES = (
        Rule(
            "title",
            (
                rf"(?<![\p{{L}}])(?i:{_CLINICIAN}){_DOTTED}(?P<v>(?:{PARTICLE}[ ])?{NAME})(?:\s*(?:&|"  # noqa: E501 - one pattern, better unbroken
                rf"and|y)\s*(?i:dr[as]?\.?\s+)?(?P<v>{NAME}))?"
            ),
            ignore_case=False,
        ),
        Rule(
            "title-lower",
            (
                r"(?<!\p{L})(?:dr[a]?|doctor|doctora)(?!\p{L})\.?[ ]+(?P<v>\p{L}[\p{L}'-]+(?:[ "
                r"]\p{L}[\p{L}'-]+)?)"
            ),
            score=0.7,
        ),
        Rule(
            "title-dot",
            r"(?<!\p{L})dra?[ ]?\.[ ]*(?P<v>\p{L}[\p{L}'-]+(?:[ ]\p{L}[\p{L}'-]+)?)",
            score=0.7,
        ),
        Rule(
            "credential",
            (
                rf"(?P<v>{CAPITALISED}(?:[ ](?:\p{{Lu}}\.?|{CAPITALISED})){{0,3}})"
                rf",?\s+{_CREDENTIAL}(?![\p{{L}}])"
            ),
            ignore_case=False,
        ),
        Rule(
            "my-doctor",
            (
                rf"(?i:\b(?:my|our|the|his|her|mi|su)\s+(?:\p{{L}}+\s+)?(?:{_CLINICIAN}|pcp|gp|"
                rf"provider|specialist)\s*,?\s*(?:is|was|es|era|named|called|se\s+llama|llamad[oa]|,)"
                rf"?)\s+(?P<v>{NAME})"
            ),
            ignore_case=False,
        ),
        Rule(
            "my-doctor-lower",
            (
                r"\bmy\s+(?:doctor|pcp|gp|nurse|surgeon)\s+(?:is|was)\s+(?:named\s+|called\s+)"
                r"?(?P<v>\p{L}[\p{L}'-]+(?:[ ]\p{L}[\p{L}'-]+)?)"
            ),
            score=0.6,
        ),
        Rule(
            "role",
            (
                rf"(?i:\b(?:attending|referring|primary\s+care|provider|physician|surgeon|doctor|pcp|"
                rf"clinician|seen\s+by|referred\s+by|signed\s+by|dictated\s+by|ordered\s+by|"
                rf"m[eé]dic[oa]|"
                rf"remitido\s+por|responsable\s+cl[ií]nico|firmado))(?i:\s+(?:physician|provider|"
                rf"m[eé]dico))?\s*:?\s*(?i:dra?\.?\s+|do[nñ]a?\s+|d[ªa]?\.\s*)?(?<=[:.]\s*|\b(?i:by|"
                rf"por)\s+)(?P<v>{NAME})"
            ),
            ignore_case=False,
        ),
    )


class PersonTitleRecognizer(_TitledName):
    """People: "Mrs. Long", "la Sra. de la Cruz", "Don José"."""

    ENTITY = "PERSON"
    RULES = (
        Rule(
            "title",
            (
                rf"(?<![\p{{L}}.])(?:(?i:(?:mr|mrs|ms|mx|miss|mister|sr|sra|srta|se[nñ]ora?|"
                rf"se[nñ]orita|do[nñ]a)){_DOTTED}|(?:Don|DON|don|Sir|Rev|Reverend|Father|Sister|"
                rf"Rabbi|Imam|Pastor|Captain|Capt|Sgt|Sergeant|Lt|Judge|Hon|D|D[ªª])(?:\.[ªº]?)?[ ]+)"  # noqa: E501 - one pattern, better unbroken
                rf"(?P<v>(?:{PARTICLE}[ ])?{NAME})"
            ),
            ignore_case=False,
        ),
        Rule(
            "couple",
            rf"(?i:\b(?:mr|dr)\.?\s*(?:&|and)\s*(?:mrs|ms)\.?)\s+(?P<v>{NAME})",
            ignore_case=False,
        ),
        Rule(
            "title-lower",
            (
                r"(?<!\p{L})(?:mr|mrs|ms|miss|mister|se[nñ]or|se[nñ]ora|se[nñ]orita|do[nñ]a|sra|srta)"
                r"\.?[ ]+(?P<v>\p{L}[\p{L}'-]+(?:[ ]\p{L}[\p{L}'-]+)?)"
            ),
            score=0.7,
        ),
        Rule(
            "title-dot",
            (
                r"(?<!\p{L})(?:mrs?|ms|sra?|srta)[ ]?\.?[ ]+(?P<v>\p{L}[\p{L}'-]+(?:[ "
                r"]\p{L}[\p{L}'-]+)?)"
            ),
            score=0.7,
        ),
        Rule(
            "suffix",
            rf"(?P<v>{CAPITALISED}[ ](?:\p{{Lu}}\.?[ ])?{CAPITALISED}),?\s+(?:Jr|Sr|III|IV|Esq)\b",
            ignore_case=False,
        ),
    )

    def accept(self, rule: Rule, match: regex.Match[str]) -> bool:
        """Refuse what only looks like a title.

        A "D" is one only with its dot and after no number or vitamin; MR and MS in capitals before
        a word in lower case are an image and a disease, "ms" after a number is a time.
        """
        before = match.string[max(0, match.start() - 8) : match.start()]
        title = match[0].split(maxsplit=1)[0]
        if rule.name == "title":
            return not match[0].startswith("D ") and not (
                title in {"D", "D."}
                and regex.search(r"(?i)(?:\d|vitamin|stage|[A-Z]\.)\s*\Z", before)
            )
        if rule.name in {"title-lower", "title-dot"}:
            scan = title.lower() in {"mr", "ms", "mrs"} and (
                title != "mr" or _IMAGE.match(match["v"]) is not None
            )
            plain = match["v"].islower() and "." not in match[0][: match.start("v") - match.start()]
            if scan and plain and (title != title.lower() or _IMAGE.match(match["v"])):
                return False
            return not (title.startswith("ms") and regex.search(r"\d\s*\Z", before))
        return True


_IMAGE = regex.compile(
    r"(?i)(?:angio|arthro|imag|scan|spectro|entero|uro|veno|chol|elasto|sequence|mammo|neuro|"
    r"patients?|lesions?|plaques?|brain|contrast)"
)
"""Words after which MR is magnetic resonance and MS multiple sclerosis."""
