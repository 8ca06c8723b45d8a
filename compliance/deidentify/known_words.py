"""Words of addresses and organisations: abbreviations, and words that tell nobody."""

from __future__ import annotations

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
    "institute foundation department national state city north south east west"
)


def canonical(word: str) -> str:
    """One form for "street" and "st", "avenue" and "ave"."""
    return ABBREVIATIONS.get(word, word)
