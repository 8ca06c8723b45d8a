"""Pieces of patterns that several recognisers share: months, numbers in words, names, units.

Every string is for the ``regex`` library in verbose mode.
"""

from __future__ import annotations

MONTH_LONG = (
    r"(?:january|february|march|april|may|june|july|august|september|october|november|december|"
    r"enero|febrero|marzo|abril|mayo|junio|julio|agosto|sep?tiembre|octubre|noviembre|diciembre)"
)
MONTH = (
    rf"(?:{MONTH_LONG}|(?:jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|ene|abr|ago|dic|"
    rf"fev|set)\b\.?)"
)
WEEKDAY = (
    r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|(?:mon|tues?|wed|thur?s?|fri|sat|sun)\b\.?|"
    r"lunes|martes|mi[eé]rcoles|jueves|viernes|s[aá]bado|domingo)"
)
UNIT_AHEAD = (
    r"(?!\s*(?:%|°|mg|mcg|µg|g\b|kg|ml|cc\b|dl|l\b|units?|iu\b|ui\b|tablets?|tabs?\b|pills?|doses?|"
    r"capsules?|caps?\b|pastillas?|comprimidos?|tabletas?|c[aá]psulas?|drops?|gotas?|puffs?|cups?|"
    r"hours?|hrs?\b|horas?|minutes?|mins?\b|minutos?|times?|veces|mmhg|mm\b|cm\b|bpm|"
    r"inch|lbs?\b|pounds?|"
    r"percent|por\s+ciento|degrees|grados|miles|km|copies|cells|copias|c[eé]lulas))"
)
_UNIT_WORDS = r"(?:one|two|three|four|five|six|seven|eight|nine)"
_UNIDADES = r"(?:uno?|dos|tres|cuatro|cinco|seis|siete|ocho|nueve)"
_ORD_UNITS = r"(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)"
ORDINAL_DAY = (
    rf"(?:twenty[\s-]{_ORD_UNITS}|thirty[\s-]first|thirtieth|twentieth|nineteenth|eighteenth|"
    rf"seventeenth|sixteenth|fifteenth|fourteenth|thirteenth|twelfth|eleventh|tenth|{_ORD_UNITS})"
)
DIA = (
    rf"(?:primero|treinta\s+y\s+uno|treinta|veinti(?:uno|d[oó]s|tr[eé]s|cuatro|cinco|s[eé]is|siete|"
    rf"ocho|nueve)|veinte|diecinueve|dieciocho|diecisiete|diecis[eé]is|quince|catorce|trece|doce|"
    rf"once|diez|{_UNIDADES})"
)
_TENS = r"(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)"
_TEENS = r"(?:ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen)"
YEAR_WORDS = (
    rf"(?:(?:nineteen|twenty)[\s-](?:hundred|oh[\s-]{_UNIT_WORDS}|"
    rf"{_TENS}(?:[\s-]{_UNIT_WORDS})?|{_TEENS})|"
    rf"two\s+thousand(?:\s+(?:and\s+)?(?:{_TENS}(?:[\s-]{_UNIT_WORDS})?|{_TEENS}|{_UNIT_WORDS}))?|"
    rf"(?:mil\s+novecientos|dos\s+mil)(?:\s+(?:y\s+)?\p{{L}}+){{0,3}})"
)
AGE_90_WORDS = (
    rf"(?:ninety(?:[\s-]{_UNIT_WORDS})?|(?:one|a)\s+hundred(?:\s+(?:and\s+)"
    rf"?(?:{_UNIT_WORDS}|{_TEENS}))?|"
    rf"noventa(?:\s+y\s+{_UNIDADES})?|ciento?(?:\s+{_UNIDADES})?)"
)
AGE_90 = rf"(?:(?<![\d.,/:$-])(?:9\d|1[0-4]\d)(?![\d/:])|{AGE_90_WORDS})"

CAPITALISED = r"(?:\p{Lu}[\p{L}']*(?:-\p{Lu}?\p{L}+)*)"
"""One capitalised word, with apostrophes and hyphens (a case-sensitive piece)."""
PARTICLE = (
    r"(?:de\s+la|de\s+los|de\s+las|del|de|da|do|dos|la|van\s+der|van\s+den|van|von|der|"
    r"den|bin|ibn|al|el|y|i|st\.)"
)
NAME = (
    rf"(?:{CAPITALISED}|\p{{Lu}}\.)(?:[ \t]*\n?[ \t]*(?:{PARTICLE}[ ])?(?:{CAPITALISED}|"
    rf"\p{{Lu}}\.)){{0,4}}"
)
"""A run of capitalised words, initials and particles (a case-sensitive piece)."""
WORDS = r"\p{L}[\p{L}'-]*(?:[ \t]+\p{L}[\p{L}'-]*){0,2}"
"""One to three words in any case, to be cut at the first ordinary word."""

RELATION = (
    r"(?:husband|wife|spouse|partner|fianc[eé]e?|boyfriend|girlfriend|mother|father|mom|mum|dad|"
    r"mother-in-law|father-in-law|stepmother|stepfather|step-?son|step-?daughter|son|"
    r"daughter|brother|"
    r"sister|twin|grandmother|grandfather|grandma|grandpa|grandson|granddaughter|aunt|uncle|"
    r"cousin|niece|nephew|friend|neighbou?r|caregiver|roommate|boss|coworker|marido|esposo|esposa|"
    r"novi[oa]|pareja|madre|padre|mam[aá]|pap[aá]|hij[oa]|herman[oa]|abuel[oa]|niet[oa]|"
    r"t[ií][oa]|prim[oa]|sobrin[oa]|suegr[oa]|cu[nñ]ad[oa]|yerno|nuera|vecin[oa]|"
    r"amig[oa]|cuidador[oa]?)"
)
US_STATES = (
    r"(?:Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Georgia|"
    r"Hawaii|Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts|"
    r"Michigan|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada|New[ ]Hampshire|New[ ]Jersey|"
    r"New[ ]Mexico|New[ ]York|North[ ]Carolina|North[ ]Dakota|Ohio|Oklahoma|Oregon|Pennsylvania|"
    r"Rhode[ ]Island|South[ ]Carolina|South[ ]Dakota|Tennessee|Texas|Utah|Vermont|Virginia|"
    r"Washington|West[ ]Virginia|Wisconsin|Wyoming|Puerto[ ]Rico)"
)
US_STATE_CODES = (
    r"(?:AL|AK|AZ|AR|CA|CO|CT|DE|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|"
    r"NM|NY|NC|ND|OH|OK|OR|PA|RI|SC|SD|TN|TX|UT|VT|VA|WA|WV|WI|WY|DC|PR|GU|VI|AA|AE|AP)"
)
COLON = r"\s*(?:is|are|was|es|[:=#.]|no\.?|num(?:ber|\.)?|n[uú]mero|n[º°o]\.?|\s)*\s*"
"""What may stand between a cue and its value: "is", "number", "no.", "#", ":"."""
CODE = (
    r"(?<![\p{L}\d])(?=[\p{L}\d./-]*\d)[\p{L}\d](?:[\p{L}\d]|[./-](?=[\p{L}\d])){3,30}(?![\p{L}\d])"
)
"""A code of four to thirty-odd letters, digits and separators with at least one digit."""
DIGITS_SPACED = r"(?<![\p{L}\d])\d(?:[ ./-]?\d){3,19}(?![\p{L}\d])"
"""Four to twenty digits, singly separated or not."""
