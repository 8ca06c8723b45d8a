"""Places and organisations of the generator: listed, or composed from parts."""

from __future__ import annotations

import random

from compliance.deidentify.names import coined
from compliance.deidentify.names.lexicons import Language, Names, sections

ORGANIZATIONS = (
    "hospital", "clinic", "carehome", "school", "employer", "church", "pharmacy", "lab", "firm",
)  # fmt: skip
_INVENTED = 0.35
"""Share of English towns that are composed."""
_COINED = {"en": 0.35, "es": 0.12}
"""Share of towns in the shapes of other tongues."""


def _listed(slot: str, language: Language, dice: random.Random) -> str:
    """An entry of the places, of the language where it has its own."""
    places = sections("places")
    return dice.choice(places.get(f"{slot}_{language}", places[slot]))


def city(language: Language, names: Names, dice: random.Random) -> str:
    """A town."""
    if dice.random() < _COINED[language]:
        return coined.town(coined.tongue(dice), dice)
    if language == "es" or dice.random() > _INVENTED:
        own = language if dice.random() < 0.9 else "en"  # noqa: PLR2004 - a share
        return _listed("city", own, dice)
    start = _listed("city_start", "en", dice)
    if dice.random() < 0.3:  # noqa: PLR2004 - a share
        start = dice.choice(names.last["english"])
    if dice.random() < 0.5:  # noqa: PLR2004 - a share
        return f"{start} {_listed('city_word', 'en', dice)}"
    return f"{start}{_listed('city_end', 'en', dice)}"


def region(language: Language, names: Names, dice: random.Random) -> str:
    """A county, a district, a quarter: smaller than a state."""
    if language == "en" and dice.random() < 0.4:  # noqa: PLR2004 - a share
        return f"{dice.choice(names.last['english'])} {dice.choice(('County', 'Parish'))}"
    return _listed("region", language, dice)


def profession(language: Language, names: Names, dice: random.Random) -> str:  # noqa: ARG001 - one shape for all
    """A calling that, beside an employer or a town, tells who somebody is."""
    return _listed("profession", language, dice)


def street(language: Language, names: Names, dice: random.Random) -> str:
    """A street address with its number, flat or box."""
    if language == "en" and dice.random() < 0.15:  # noqa: PLR2004 - a share
        return coined.street_line(coined.tongue(dice), dice)
    kind, number = _listed("street_kind", language, dice), str(dice.randint(1, 9999))
    if language == "es":
        name = _listed("street_name", "es", dice)
        tail = dice.choice(("", "", f", {dice.randint(1, 9)}º {dice.choice('ABCD')}", ", bajo"))
        number = dice.choice((str(dice.randint(1, 180)), f"nº {dice.randint(1, 90)}", "s/n"))
        if kind in {"Carrera", "Cra.", "Calle"} and dice.random() < 0.3:  # noqa: PLR2004 - a share
            return f"{kind} {dice.randint(1, 120)} # {dice.randint(1, 99)}-{dice.randint(1, 99)}"
        return f"{kind} {name}{dice.choice((' ', ', '))}{number}{tail}"
    name = _listed("street_name", "en", dice)
    if dice.random() < 0.4:  # noqa: PLR2004 - a share
        name = dice.choice(dice.choice(list(names.last.values())))
    tail = dice.choice(("", "", "", f", Apt {dice.randint(1, 40)}", f" #{dice.randint(1, 40)}B"))
    if dice.random() < 0.05:  # noqa: PLR2004 - a share
        return f"{dice.choice(('P.O. Box', 'PO Box'))} {number}"
    return f"{number} {name} {kind}{tail}"


def organization(slot: str, language: Language, names: Names, dice: random.Random) -> str:
    """The name of a hospital, an employer and so on."""
    if slot == "firm" or (slot == "employer" and language == "en" and dice.random() < 0.4):  # noqa: PLR2004 - a share
        return coined.firm(lambda: dice.choice(dice.choice(list(names.last.values()))), dice)
    lists = sections("organizations")
    text = dice.choice(lists.get(f"{slot}_{language}", lists[slot]))
    culture = names.culture(language, dice)
    given = names.given.get(culture) or names.given["english"]
    last = names.last.get(culture) or names.last["english"]
    while "{" in text:
        start, end = text.index("{"), text.index("}")
        part = text[start + 1 : end]
        value = {
            "last": lambda: dice.choice(last),
            "given": lambda: dice.choice(given).split()[0],
            "city": lambda: city(language, names, dice),
            "street_name": lambda: _listed("street_name", language, dice),
        }.get(part, lambda key=part: dice.choice(lists.get(f"{key}_{language}", lists[key])))()
        text = text[:start] + value + text[end + 1 :]
    return text.replace("###", str(dice.randint(1, 399)))


def address(language: Language, names: Names, dice: random.Random) -> str:  # noqa: ARG001 - one shape for all
    """A whole address, anywhere."""
    return coined.address(dice)


def land(language: Language, names: Names, dice: random.Random) -> str:  # noqa: ARG001 - one shape for all
    """A country where somebody lives or goes to."""
    own = sections(f"fillers_{language}")["country"]
    return dice.choice(own if language == "es" else sections("coined")["land"])


PLACES = {
    "city": city, "region": region, "street": street, "profession": profession,
    "address": address, "land": land,
}  # fmt: skip
"""How each kind of place slot is filled."""
