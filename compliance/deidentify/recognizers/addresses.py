"""Street, post-box, rural and military addresses, English and Spanish."""

from __future__ import annotations

import regex

from compliance.deidentify.recognizers.base import Rule, RuleRecognizer
from compliance.deidentify.recognizers.lexis import CAPITALISED
from compliance.deidentify.vocabulary import word_set

_SURE = (
    r"(?:street|avenue|ave|road|rd|boulevard|blvd|lane|ln|highway|hwy|parkway|pkwy|"
    r"terrace|turnpike|crescent)"
)
_MAYBE = (
    r"(?:St|Ave|Dr|Drive|Way|Court|Ct|Place|Pl|Circle|Cir|Trail|Trl|Run|Square|Sq|Plaza|"
    r"Loop|Path|Row|Alley|Point|Pt|Cove|Cv|Ridge|Rdg|"
    r"Crossing|Xing|Heights|Hts|Landing|Lndg|Meadow|Mall|Port|Extension|Ext|Village|Vlg|"
    r"Route|Rte|Bypass|Pike|Close|Gardens|Mews|Green|Hill)"
)
_UNIT = (
    r"(?:\s*,?\s*(?:apt|apartment|suite|ste|unit|floor|fl|room|rm|bldg|building|lot|trlr|"
    r"space|\#)\.?\s*\#?\s*[\p{L}]?\d*[\p{L}]?(?![\p{L}\d]))?"
)
_NUMBER = r"(?<![\p{L}\d./:-])\d{1,6}(?:[-/]\d{1,4})?\p{L}?"
_VIA = (
    r"(?i:C/|calle|avda\.?|av\.|avenida|plaza|pza\.?|pl\.|paseo|p[º°]\.?|camino|"
    r"carretera|ctra\.?|ronda|traves[ií]a|urb\.?|"
    r"urbanizaci[oó]n|pasaje|glorieta|rambla|barrio|pol[ií]gono|callej[oó]n|colonia|col\.)"
)
_NOT_IN_A_STREET = word_set(
    "a after and at before by days down for from hours i in is mg minutes my of on or "
    "per that the times to until weeks "
    "with years months walk ml units was were have has had he she it they went took take "
    "then when because but so patients "
    "people pounds kg mcg blocks block miles hour minute day week month year pills "
    "tablets different other more"
)


class AddressRecognizer(RuleRecognizer):
    """Addresses below the level of a town."""

    ENTITY = "ADDRESS"
    RULES = (
        Rule(
            "street",
            (
                rf"{_NUMBER}\s+(?P<n>(?:[\p{{L}}\d'.-]+\s+){{1,5}}?){_SURE}\b\.?(?:\s+(?:n|s|e|w|ne|"
                rf"nw|se|sw)\b\.?)?{_UNIT}"
            ),
        ),
        Rule(
            "street-capitals",
            (
                rf"{_NUMBER}\s+(?P<n>(?:(?:{CAPITALISED}|\d+(?:st|nd|rd|th|ST|ND|RD|TH)|"
                rf"[NSEW]{{1,2}}\.?)\s+){{1,4}}?)(?:{_MAYBE}|(?:{_MAYBE.upper()}))\b\.?(?i:{_UNIT})"
            ),
            ignore_case=False,
        ),
        Rule(
            "unit",
            (
                r"\b(?:apt|apartment|suite|ste)\b\.?\s*\#?\s*(?:\d+\p{L}?(?![\p{L}\d])|"
                r"\p{L}\d+(?![\p{L}\d])|\p{L}(?=\s*(?:[.,;\n]|$)))"
            ),
        ),
        Rule(
            "box",
            (
                r"\b(?:p\.?\s*o\.?\s*box|post\s+office\s+box|apartado(?:\s+de\s+correos)?|apdo\.?)"
                r"\s*(?:no\.?|\#|n[º°])?\s*\d+"
            ),
        ),
        Rule("rural", r"\b(?:rr|hc|rural\s+route)\s*\#?\d+,?\s*box\s*\d+"),
        Rule(
            "military",
            (
                r"\b(?:psc|unit|cmr)\s*\#?\d+\s*,?\s*box\s*\d+(?:\s*,?\s*(?:apo|fpo|dpo)"
                r"\s*,?\s*(?:aa|ae|ap)\s*\d{5})?"
            ),
        ),
        Rule("military-post", r"\b(?:apo|fpo|dpo)\s*,?\s*(?:aa|ae|ap)\s*\d{5}(?:-\d{4})?"),
        Rule(
            "ship",
            rf"\b(?:USS|USNS|USCGC|USNV)\s+{CAPITALISED}(?:\s+{CAPITALISED})?",
            ignore_case=False,
        ),
        Rule(
            "via",
            (
                rf"(?<![\p{{L}}]){_VIA}\s*(?:(?i:de|del|la|las|los|el|san|santa|n[º°])\s+)"
                rf"{{0,3}}(?:{CAPITALISED}|\d+)(?:\s+(?:(?i:de|del|la|las|los|el|y)\s+)"
                rf"{{0,2}}{CAPITALISED}){{0,4}}"
                r"(?:\s*,?\s*(?i:n[º°uú]m?(?:ero)?\.?\s*|\#\s*)?\d{1,4}\p{L}?(?!\d))"
                r"?(?:[\s,.-]*(?:P?\d{1,2}\s?[º°ªo]?\s?[A-Z]{0,2}(?!\p{Ll}|\d)|(?i:dcha|izda?|izq|"
                r"s\s?/\s?n)\b\.?|\d{1,2}\s*[º°ª]\s*\p{L}{0,10}|(?i:piso|bajo|[aá]tico|esc(?:alera)"
                r"?\.?|portal|puerta)\s*\w{0,4}))*"
            ),
            ignore_case=False,
        ),
        Rule(
            "cued",
            (
                r"\b(?:(?:home|mailing|billing|street|current)?\s*address\s*(?:is|:)|"
                r"reside[sd]?\s+at|live[sd]?\s+at|living\s+at|domicilio\s*(?:es|:)|"
                r"direcci[oó]n\s*(?:es|:))"
                r"\s*(?P<v>(?=[^\n;]{0,30}\d)[^\n;.]{4,80}?)(?=\s*(?:[;\n]|\.\s|\.?$|,?\s+(?:and|but|"
                r"with|who|y|pero)\s))"
            ),
        ),
    )

    def accept(self, rule: Rule, match: regex.Match[str]) -> bool:
        """Refuse "2 weeks down the road": no ordinary word stands inside a street's name."""
        if rule.name == "street":
            return not any(
                word.lower().strip(".") in _NOT_IN_A_STREET for word in match["n"].split()
            )
        return True
