"""Names that people give themselves and labels of forms: "my name is", "Patient:", "me llamo"."""

from __future__ import annotations

import regex

from compliance.deidentify.normalise import fold
from compliance.deidentify.recognizers.base import Rule, RuleRecognizer
from compliance.deidentify.recognizers.lexis import CAPITALISED, NAME
from compliance.deidentify.recognizers.trim import is_eponym, trimmed_name
from compliance.deidentify.vocabulary import word_set

_LABEL = (
    r"(?:patient(?:'s)?(?:\s+name)?|pt|full\s+name|first\s+name|last\s+name|"
    r"middle\s+name|maiden\s+name|surname|family\s+name|given\s+name|name|client|member|"
    r"subscriber|"
    r"guarantor|insured|emergency\s+contact|next\s+of\s+kin|contact|guardian|informant|"
    r"witness|employee|paciente|nombre(?:\s+y\s+apellidos)?|apellidos?|nombre\s+completo|"
    r"asegurad[oa]|contacto|familiar|titular|interpreter|from|to|cc|attn|attention|re)"
)


_CALLED = regex.compile(r"(?i)\b(?:called|named|known\s+as|a\.?k\.?a)")
_OF_A_DISEASE = regex.compile(
    r"(?i)\d|'s\b|\s+(?:disease|syndrome|anemia|test|receptor|gene|protein|compound|sign|an?emia)"
)
_OPENERS = word_set(
    "paciente presentamos se al la el mujer varon hombre decrease increase restore relieve prevent "
    "varones historia acude refiere"
)
"""Words that open a text after a label, not a name."""
_NAMING = regex.compile(r"(?i)[^:=]*(?:name|patient|paciente|nombre|apellido)")


class SelfNamedRecognizer(RuleRecognizer):
    """Names after words that announce one."""

    ENTITY = "PERSON"
    RULES = (
        Rule(
            "numbered",
            r"(?<![\p{L}\d])\p{Lu}\p{Ll}+\d{1,3}(?:[ ]\p{Lu}[\p{L}'-]*\d{1,3})+(?![\p{L}\d])",
            ignore_case=False,
        ),
        Rule(
            "name-is",
            (
                rf"(?i:\b(?:name(?:'s|\s+is|\s+was)|named|called|nickname(?:d|\s+is)|goes\s+by|"
                rf"known\s+as|known\s+to\s+friends\s+as|call\s+me|a\.?k\.?a\.?|n[eé]e|me\s+llamo|"
                rf"se\s+llama(?:ba)?|llamad[oa]|"
                rf"mi\s+nombre\s+(?:completo\s+)?es|su\s+nombre\s+es|apellido(?:s)?\s+(?:es|son)))"
                rf"\s*[:,]?\s+(?P<v>{NAME})"
            ),
            ignore_case=False,
        ),
        Rule(
            "name-is-lower",
            (
                r"\b(?:my\s+(?:full\s+|last\s+|first\s+)?name(?:'s|\s+is)|me\s+llamo|"
                r"mi\s+nombre\s+es|call\s+me)\s+(?P<v>\p{L}[\p{L}'-]+(?:[ ]\p{L}[\p{L}'-]+){0,2})"
            ),
            score=0.7,
        ),
        Rule(
            "i-am",
            (
                rf"(?i:(?<!\p{{L}})(?:i\s+am|i'm|im|this\s+is|it's|it\s+is|soy|speaking\s+with|"
                rf"spoke\s+(?:with|to)|talked\s+to|meet|met\s+with))\s+(?P<v>{NAME})"
            ),
            score=0.7,
            ignore_case=False,
        ),
        Rule(
            "label",
            rf"(?i:(?<![\p{{L}}]){_LABEL})\s*[:=]\s*(?P<v>{NAME}(?:,\s*{NAME})?)",
            ignore_case=False,
        ),
        Rule(
            "label-lower",
            (
                r"^\s*(?:patient(?:\s+name)?|name|paciente|nombre|apellidos)"
                r"\s*[:=]\s*(?P<v>\p{L}[\p{L}'-]+(?:,?[ ]\p{L}[\p{L}'-]+){0,3})"
            ),
            score=0.6,
        ),
        Rule(
            "paciente",
            (
                rf"(?i:\b(?:the\s+patient|patient|el\s+paciente|la\s+paciente|paciente|pt))"
                rf",?\s+(?P<v>{NAME})(?=\s*,|\s+(?:is|was|has|es|fue|tiene|presents|reports|acude|"
                rf"refiere))"
            ),
            ignore_case=False,
        ),
    )

    def refine(
        self, rule: Rule, match: regex.Match[str], start: int, end: int
    ) -> tuple[int, int] | None:
        """Cut at ordinary words; "I am Lexapro-intolerant" and "called Parkinson's" are no names."""  # noqa: E501 - one pattern, better unbroken
        if rule.name == "numbered":  # simulated records number their names: Ana12 Lopez345
            return start, end
        strong = rule.name == "name-is" or (rule.name == "label" and bool(_NAMING.match(match[0])))
        cut = trimmed_name(
            match.string, start, end, lower=rule.name.endswith("lower"), strong=strong
        )
        if cut is None or is_eponym(match.string[cut[0] : cut[1]]):
            return None
        name = match.string[cut[0] : cut[1]]
        if rule.name == "name-is" and (
            (name.isupper() and _CALLED.search(match[0]) and " " not in name)
            or _OF_A_DISEASE.match(match.string, cut[1])
        ):
            return None
        if (rule.name.startswith("label") and fold(name).split()[0] in _OPENERS) or (
            rule.name == "paciente" and name.split()[-1] in {"Measure", "Scale", "Survey", "Index"}
        ):
            return None
        if rule.name == "i-am" and regex.match(
            r"\s*(?:disease|syndrome|positive|negative|-)", match.string[cut[1] :], regex.IGNORECASE
        ):
            return None
        return cut


class LetterRecognizer(RuleRecognizer):
    """Names where letters have them: "Dear X", greetings, signatures."""

    ENTITY = "PERSON"
    RULES = (
        Rule(
            "dear",
            (
                rf"(?i:(?<!\p{{L}})(?:dear|querid[oa]|estimad[oa]))\s+(?P<v>{NAME})(?:\s*(?:&|and|y)"
                rf"\s*(?P<v>{NAME}))?"
            ),
            ignore_case=False,
        ),
        Rule(
            "greeting",
            (
                rf"(?i:(?<!\p{{L}})(?:hi|hello|hey|good\s+(?:morning|afternoon|evening)|hola|thanks|"
                rf"thank\s+you|bye|goodbye|welcome|gracias))(?!\p{{L}})\s*,?\s*(?P<v>{CAPITALISED})"
                rf"(?=\s*(?:[.,!?:;]|$))"
            ),
            score=0.7,
            ignore_case=False,
        ),
        Rule(
            "greeting-lower",
            (
                r"(?<!\p{L})(?:hi|hello|hey|good\s+(?:morning|afternoon|evening)|hola)(?!\p{L})"
                r"\s*,?\s*(?P<v>\p{L}[\p{L}'-]+)(?=\s*[.,!?:;])"
            ),
            score=0.6,
        ),
        Rule(
            "signature",
            (
                rf"(?i:^\s*(?:(?:best|kind|warm|with)?\s*regards|sincerely|yours(?:\s+\p{{L}}+)?|"
                rf"respectfully|best(?:\s+wishes)?|cheers|love|thanks(?:\s+again)?|many\s+thanks|"
                rf"thank\s+you|cordially|"
                rf"saludos|un\s+saludo|atentamente|gracias|cordialmente|un\s+abrazo))"
                rf"\s*[,.!]?\s*\n+\s*[-~]*\s*(?P<v>{NAME})"
            ),
            ignore_case=False,
        ),
        Rule(
            "signed",
            (
                rf"(?i:(?:electronically\s+)?signed(?:\s+by)?|firmado(?:\s+por)?|/s/|fdo\.?|"
                rf"sent\s+by|written\s+by|author)\s*:?\s*(?P<v>{NAME})"
            ),
            ignore_case=False,
        ),
        Rule(
            "dash",
            rf"(?:^|\n)\s*(?:--?|~)\s*(?P<v>{CAPITALISED}(?:[ ]{CAPITALISED}){{0,2}})\s*\Z",
            ignore_case=False,
        ),
        Rule(
            "last-line",
            rf"[,.!?]\s*\n+\s*(?P<v>{CAPITALISED}[ ](?:\p{{Lu}}\.[ ])?{CAPITALISED})\s*\Z",
            ignore_case=False,
        ),
    )

    def refine(
        self, rule: Rule, match: regex.Match[str], start: int, end: int
    ) -> tuple[int, int] | None:
        """Cut at ordinary words."""
        return trimmed_name(
            match.string,
            start,
            end,
            lower=rule.name.endswith("lower"),
            strong=rule.name in {"dear", "signature", "signed"},
        )
