"""Streets and postcodes as other countries write them, and corners of streets."""

from __future__ import annotations

from compliance.deidentify.recognizers.base import Rule, RuleRecognizer
from compliance.deidentify.recognizers.lexis import CAPITALISED, US_STATE_CODES

_ENDING = (
    r"(?:stra(?:ß|ss)e|str\.|weg|gasse|platz|allee|steig|straat|laan|plein|gracht|kade|singel|dreef|"
    r"gatan|v[äa]gen|gränd|stigen|veien|vegen|gata|gate|vei|bakken|svingen|vej|gade|allé|stræde|"
    r"katu|tie|kuja|polku|raitti|vegur|braut|stígur|utca|ova)"
)
_BEFORE = (
    r"(?:ul\.|al\.|os\.|pl\.|n[áa]m\.|Via|Viale|Corso|Piazza|Piazzale|Vicolo|Largo|Strada|Rua|R\.|"
    r"Travessa|Praça|Estrada|Alameda|[Rr]ue|[Cc]hemin|[Ii]mpasse|[Qq]uai|Route|Odos|Leoforos|"
    r"Plateia|Ulica|Trg|Bulevar|bul\.|Pod|Nad|prospekt|pereulok|Jalan|Jl\.)"
)
_AFTER = (
    r"(?:utca|útja|út|tér|tere|körút|köz|fasor|u\.|tn|tee|puiestee|iela|gatve|g\.|cesta|ulica|"
    r"ulitsa|prospekt|Sokak|Sok\.|Sk\.|Caddesi|Cad\.|Bulvar\p{L}|Nagar|Marg|Chowk|str\b\.?)"
)
_LINK = (
    r"(?:(?:de|des|del|della|delle|di|do|da|dos|du|la|le|les|los|las|dei|degli|d'|van|der|den)[ ])*"
)
_NAMES = rf"{_LINK}{CAPITALISED}\.?(?:[ ]{_LINK}{CAPITALISED}\.?){{0,3}}"
_NUMBER = (
    r"(?:No[:.]?[ ]?|nr\.?[ ]?|n[.º°][ ]?|č\.[ ]?|d\.[ ]?)?\d{1,5}(?:[ ]?\p{L}(?!\p{L}))?"
    r"(?:[/-]\d{1,4})?\.?"
)
_COUNTRY = (
    r"(?:Norway|Sweden|Denmark|Finland|Iceland|Germany|Austria|Switzerland|Italy|France|Spain|"
    r"Portugal|Poland|Czech[ ]Republic|Czechia|Slovakia|Slovenia|Croatia|Serbia|Hungary|Romania|"
    r"Bulgaria|Greece|Cyprus|Turkey|Russia|Ukraine|Estonia|Latvia|Lithuania|Belgium|Netherlands|"
    r"Luxembourg|Ireland|United[ ]Kingdom|England|Scotland|Wales|United[ ]States|USA|Canada|Mexico|"
    r"Brazil|Argentina|Uruguay|Chile|Peru|Colombia|South[ ]Africa|Kenya|Nigeria|Ghana|Egypt|"
    r"Tunisia|Morocco|Algeria|Israel|India|Pakistan|Japan|China|Vietnam|Thailand|Philippines|"
    r"Indonesia|Malaysia|Singapore|Australia|New[ ]Zealand|Greenland)"
)
_UNIT = r"(?:[ ,]{1,3}(?i:apt|suite|ste|unit|flat)\.?[ ]?\#?\d{1,5}){0,2}"


class WorldAddressRecognizer(RuleRecognizer):
    """Streets of other countries with their numbers; postcodes beside a country or a state."""

    ENTITY = "ADDRESS"
    RULES = (
        Rule(
            "ending",
            rf"(?<!\p{{L}})(?:\d{{1,5}}[ ])?(?:{CAPITALISED}[ ])?\p{{Lu}}[\p{{L}}'-]*{_ENDING}"
            rf"[ ]{_NUMBER}(?![\p{{L}}\d]){_UNIT}",
            ignore_case=False,
        ),
        Rule(
            "before",
            rf"(?<![\p{{L}}\d])(?:\d{{1,5}},?[ ])?{_BEFORE}[ ]{_NAMES},?[ ]{_NUMBER}(?![\p{{L}}\d])"
            rf"{_UNIT}",
            ignore_case=False,
        ),
        Rule(
            "number-before",
            rf"(?<![\p{{L}}\d.])\d{{1,5}},?[ ](?:[Rr]ue|[Aa]venue|[Bb]oulevard|[Cc]hemin|[Pp]lace|"
            rf"[Aa]llée|[Ii]mpasse|[Qq]uai)[ ]{_NAMES}{_UNIT}",
            ignore_case=False,
        ),
        Rule(
            "after",
            rf"(?<!\p{{L}})(?:\d{{1,5}}[ ])?{_NAMES}[ ]{_AFTER}[ ]{_NUMBER}(?![\p{{L}}\d]){_UNIT}",
            ignore_case=False,
        ),
        Rule(
            "unit",
            rf"(?<![\p{{L}}\d])\d{{1,5}}[ ]{_NAMES}[ ]\d{{1,5}}(?:[ ,]{{1,3}}(?i:apt|suite|ste|"
            rf"unit|flat)\.?[ ]?\#?\d{{1,5}}){{1,2}}",
            ignore_case=False,
        ),
        Rule(
            "corner",
            r"\b(?:the\s+)?corner\s+of\s+(?=[^.\n,;?!]{0,60}\p{Lu})[^\n,;?!]{2,45}?\s+(?:and|&)\s+"
            rf"{CAPITALISED}(?:[ ](?:{CAPITALISED}|\d{{1,5}})\.?){{0,3}}",
            ignore_case=False,
        ),
        Rule(
            "postcode-after-country",
            rf"(?<!\p{{L}}){_COUNTRY},?[ ](?P<v>(?!(?:19|20)\d\d\b)\d{{4,6}}|"
            rf"\d{{2,3}}[ -]\d{{2,3}})(?=\s*(?:[.,;:)\n]|\Z|\d{{3}}))",
            score=0.6,
            ignore_case=False,
        ),
        Rule(
            "postcode-own-line",
            rf"\n[ \t>?]*(?:{US_STATE_CODES}|\p{{Lu}}{{2}}|{_COUNTRY}|\p{{Lu}}[\p{{L}} ]{{2,25}})\n"
            r"[ \t>?]*(?P<v>\d{4,5}(?:-\d{3,4})?|\d{2,3}[ -]\d{2,3})[ \t]*(?=\n|\Z)",
            score=0.5,
            ignore_case=False,
        ),
    )
