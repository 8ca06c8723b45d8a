"""Words of addresses, organisations and spoken numbers that the search for a record must know."""

from __future__ import annotations

import regex

from compliance.deidentify.vocabulary import word_set

ABBREVIATIONS = {
    long: short
    for short, longs in {
        "st": "street str",
        "ave": "avenue av",
        "rd": "road",
        "dr": "drive",
        "ln": "lane",
        "blvd": "boulevard boul",
        "ct": "court",
        "pl": "place",
        "cir": "circle",
        "ter": "terrace",
        "pkwy": "parkway",
        "hwy": "highway",
        "sq": "square",
        "apt": "apartment",
        "ste": "suite",
        "n": "north norte",
        "s": "south sur",
        "e": "east este",
        "w": "west oeste",
        "trl": "trail",
        "lndg": "landing",
        "hts": "heights",
        "rte": "route",
        "bldg": "building",
        "fl": "floor",
        "c": "calle",
        "avda": "avenida",
        "pza": "plaza",
        "po": "paseo",
        "ctra": "carretera",
        "xing": "crossing",
        "mt": "mount",
        "ft": "fort",
        "saint": "sainte",
    }.items()
    for long in longs.split()
}
STREET_WORDS = (
    frozenset(ABBREVIATIONS)
    | frozenset(ABBREVIATIONS.values())
    | {"way", "box", "unit", "run", "row", "de", "la", "del", "los", "las"}
)
GENERIC = word_set(
    "hospital clinic medical center centre health healthcare care system systems "
    "services service group associates practice family general regional "
    "community county memorial university college school nursing home the of and at for "
    "in de la el del los las saint st san santa inc llc ltd corp company pc "
    "pllc pa clinica centro salud urgent rehabilitation hospice pharmacy laboratory "
    "institute foundation department national state city north south east west "
    "medicare medicaid hospitals clinics physicians doctors surgeons specialists surgery surgical "
    "heart cancer eye ear nose throat skin spine bone joint foot sleep pain womens mens childrens "
    "children women men pediatrics pediatric paediatrics orthopedics orthopaedics orthopedic "
    "obstetrics geriatrics psychiatry imaging internal medicine dental dentistry maternity "
    "emergency trauma diagnostics diagnostic therapy physical occupational vision wellness "
    "primary specialty veterans public private insurance ambulatory outpatient inpatient dialysis "
    "allergy asthma diabetes behavioral mental rehab radiology unit ward"
)
SPECIALTY = regex.compile(r".{3,}(?:ology|ologia|iatrics?|iatria|metry|opathy|pathic)s?")
"""Names of specialties: in an organisation's name they tell nobody."""

SPOKEN = {
    **dict.fromkeys(word_set("dash hyphen dot point at underscore punto arroba guion plus"), ""),
    **{
        word: str(digit)
        for digit, words in enumerate(
            (
                "zero oh cero",
                "one uno",
                "two dos",
                "three tres",
                "four cuatro",
                "five cinco",
                "six seis",
                "seven siete",
                "eight ocho",
                "nine nueve",
            )
        )
        for word in words.split()
    },
}
"""Digits and separators as people say them in telephone numbers and addresses of mail."""


def canonical(word: str) -> str:
    """One form for "street" and "st", "avenue" and "ave"."""
    return ABBREVIATIONS.get(word, word)
