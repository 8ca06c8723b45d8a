"""Towns by cue: "I live in ...", "Springfield, Illinois", "vivo en ...".

States and countries alone stay (Safe Harbor removes what is smaller than a state); beside a town
they go with it.
"""

from __future__ import annotations

import regex

from compliance.deidentify.normalise import fold
from compliance.deidentify.recognizers.base import Rule, RuleRecognizer
from compliance.deidentify.recognizers.lexis import CAPITALISED, NAME, US_STATE_CODES, US_STATES
from compliance.deidentify.recognizers.trim import trimmed_name
from compliance.deidentify.vocabulary import common_words, given_names, word_set

_LIVE = (
    r"(?:live[sd]?|living|reside[sd]?|residing|move[sd]?|moving|relocated|grew\s+up|born|"
    r"raised|stay(?:s|ed|ing)?|travel(?:s|l?ed|l?ing)?|"
    r"vacation(?:ing)?|trip|flew|drove|native|went|visiting|visited|i\s+am|i'm|comes?|"
    r"came|is|originally)"
)
_VIVO = (
    r"(?:viv[eo]s?|viv[ií](?:a|mos)?|viviendo|resid\p{L}+|natural|nac\p{L}+|procedente|"
    r"mud\p{L}+|vengo|viene|soy|originari[oa]|viaj\p{L}+|estuve)"
)
_PROVINCES = (
    r"(?:[AÁ]lava|Albacete|Alicante|Almer[ií]a|Asturias|[AÁ]vila|Badajoz|Barcelona|"
    r"Bilbao|Burgos|C[aá]ceres|C[aá]diz|Cantabria|Castell[oó]n|Ceuta|Ciudad[ ]Real|"
    r"C[oó]rdoba|"
    r"Cuenca|Gerona|Girona|Granada|Guadalajara|Guip[uú]zcoa|Huelva|Huesca|Ja[eé]n|La[ "
    r"]Coru[nñ]a|A[ ]Coru[nñ]a|Las[ ]Palmas|Le[oó]n|L[eé]rida|Lleida|Lugo|Madrid|"
    r"M[aá]laga|Melilla|"
    r"Murcia|Navarra|Orense|Ourense|Palencia|Pamplona|Pontevedra|Salamanca|San[ "
    r"]Sebasti[aá]n|Santander|Segovia|Sevilla|Soria|Tarragona|Tenerife|Teruel|Toledo|"
    r"Valencia|Valladolid|Vigo|Vizcaya|Zamora|Zaragoza)"
)
_TOWN = rf"{CAPITALISED}(?:[ -](?:(?:de|del|la|las|los|el|of|the|on|upon)[ ])*{CAPITALISED}){{0,3}}"


class PlaceRecognizer(RuleRecognizer):
    """Towns and their states after or before words that make them places."""

    ENTITY = "LOCATION"
    RULES = (
        Rule(
            "town-state",
            rf"(?<![\p{{L}}]){_TOWN}\s*,\s*(?:{US_STATE_CODES}\b|{US_STATES}\b)",
            ignore_case=False,
        ),
        Rule(
            "live",
            (
                rf"(?i:\b{_LIVE}\s+(?:back\s+|over\s+|up\s+|down\s+)?(?:in|to|at|near|from|"
                rf"outside(?:\s+of)?|around|of|by))\s+(?:the\s+)?(?P<v>{_TOWN}(?:,\s*{_TOWN})?)"
            ),
            ignore_case=False,
        ),
        Rule(
            "live-lower",
            (
                r"\b(?:live[sd]?|living|reside[sd]?|moved)\s+(?:in|to|near|outside)"
                r"\s+(?P<v>\p{L}[\p{L}'-]+(?:[ ]\p{L}[\p{L}'-]+)?)"
            ),
            score=0.6,
        ),
        Rule(
            "vivo",
            (
                rf"(?i:\b{_VIVO}\s+(?:en|de|a|cerca\s+de))\s+(?:(?:la\s+)?(?:ciudad|provincia|"
                rf"localidad)\s+de\s+)?(?P<v>{_TOWN}(?:\s*[,(]\s*{_TOWN}\)?)?)"
            ),
            ignore_case=False,
        ),
        Rule(
            "vivo-lower",
            r"\b(?:vivo|vive|vivimos|resido|reside)\s+en\s+(?P<v>\p{L}[\p{L}'-]+)",
            score=0.6,
        ),
        Rule(
            "labelled",
            (
                rf"(?i:\b(?:city|town|county|hometown|birthplace|place\s+of\s+birth|localidad|"
                rf"provincia|ciudad|municipio|poblaci[oó]n|lugar\s+de\s+nacimiento|"
                rf"localidad\s*/\s*provincia))\s*(?:is|es)"
                rf"?\s*:\s*(?P<v>{NAME}(?:\s*[,/(]\s*{NAME}\)?)*)"
            ),
            ignore_case=False,
        ),
        Rule(
            "after-postcode",
            rf"(?<![\d.,-])\d{{5}}[ ]+(?P<v>{_TOWN}(?:\s*[,(]\s*{_TOWN}\)?)?)",
            ignore_case=False,
        ),
        Rule("province", rf"(?<!\p{{L}}){_PROVINCES}(?!\p{{L}})", score=0.6, ignore_case=False),
        Rule(
            "county",
            rf"{CAPITALISED}(?:[ ]{CAPITALISED})?\s+(?:County|Parish|Township|Borough)\b",
            ignore_case=False,
        ),
        Rule(
            "city-of",
            (
                rf"(?i:\b(?:city|town|village|ciudad|pueblo|municipio|provincia)\s+(?:of|de))"
                rf"\s+(?P<v>{_TOWN})"
            ),
            ignore_case=False,
        ),
    )

    def refine(
        self, rule: Rule, match: regex.Match[str], start: int, end: int
    ) -> tuple[int, int] | None:
        """Cut at ordinary words; states and countries alone, and diseases, are no towns."""
        if rule.name == "town-state" and _no_town(match):
            return None
        if rule.name == "after-postcode" and match["v"].split()[0].upper() in _LABELS:
            return None
        if rule.name in {
            "town-state",
            "labelled",
            "county",
            "city-of",
            "province",
            "after-postcode",
        }:
            return start, end
        cut = trimmed_name(match.string, start, end, lower=rule.name.endswith("lower"))
        if cut is None or match.string[cut[0] : cut[1]].lower() in _WIDE:
            return None
        first = match.string[cut[0] : cut[1]].split()[0].lower()
        return None if first in common_words() and rule.name.endswith("lower") else cut


_LABELS = word_set("E-MAIL EMAIL FAX TEL TELF CORREO TFNO PHONE")
_NO_TOWN = regex.compile(
    r"\p{Lu}{2,}|.*(?:-positive|-negative)|(?:African|Asian|Native|Mexican|Pacific)\b|"
    r"(?:Caribbean|Africa|Asia|Europe|Australia)\b"
)


def _no_town(match: regex.Match[str]) -> bool:
    """Two abbreviations, peoples before "Alaska Natives", and a physician assistant's PA."""
    if _NO_TOWN.match(match[0]):
        # A town in capitals is followed by a state's code and a postcode, or stands alone.
        return not regex.match(r"\s*\d{5}", match.string[match.end() :])
    first = fold(match[0].split()[0])
    return match[0].endswith("PA") and first in given_names()


_WIDE = word_set(
    "usa us america uk england spain españa mexico méxico canada france germany italy "
    "china india japan europe asia africa "
    "the united states estados unidos argentina colombia perú peru chile cuba venezuela "
    "ecuador guatemala honduras"
) | {
    "united states",
    "estados unidos",
    "south america",
    "latin america",
    "el salvador",
    "puerto rico",
}
