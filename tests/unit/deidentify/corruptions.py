"""Generated patients and ways to write their identifiers so that a detector might miss them."""

from __future__ import annotations

import random
import unicodedata
from datetime import date, timedelta
from typing import Any

GIVEN = (
    "Robert Elizabeth José María Xiomara Nguyen Wei Kwame Siobhán Ludmila Francisco "
    "William Müge Anne-Marie Jürgen "
    "Priyanka Oluwaseun Dmitri Aoife Consuelo Takeshi Björn Zoë Sumiko254 Ramiro "
    "Benedikt Chidinma Jo Al"
).split()
FAMILY = (
    "Martinez O'Brien Müller McDonald Garcia-Lopez Vandenberg Szymański Nakamura Okonkwo "
    "Kowalczyk Peña Ibáñez Smith Zhang "
    "Abernathy D'Angelo Medhurst46 Öztürk Fitzgerald Papadopoulos Li Ng Hernández Quispe "
    "Thorvaldsen Baxter-Hughes Nuñez"
).split()
STREETS = (
    "Abernathy Landing|Quillfeather Street|North Osprey Avenue|Juniper Hollow Road|"
    "Wexcombe Boulevard|St. Botolph Lane"
).split("|")
TOWNS = [
    "Emporia",
    "Cunningham",
    "Tuxedo Park",
    "Chillicothe",
    "Albuquerque",
    "Walla Walla",
    "Poughkeepsie",
]
SENTENCES = (
    "I have had a cough for 3 days, {} and my blood pressure is 120/80.",
    "Pain is 2/10 since we talked to {} about it.",
    "The note said {} and metformin 500 mg twice daily.",
    "tengo dolor de cabeza, {} y tomo ibuprofeno 400 mg",
    "Please answer {}.",
    "{}",
    "Results for {}\nHemoglobin 13.2 g/dL",
)
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
MESES = [
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
]


def patient(rng: random.Random) -> dict[str, Any]:
    """A FHIR Patient with every kind of identifier."""
    born = date(1925, 1, 1) + timedelta(days=rng.randrange(33000))
    digits = "".join(rng.choices("123456789", k=10))
    return {
        "resourceType": "Patient",
        "id": f"{rng.getrandbits(64):016x}-{rng.getrandbits(32):08x}",
        "name": [{"given": [rng.choice(GIVEN)], "family": rng.choice(FAMILY)}],
        "birthDate": born.isoformat(),
        "telecom": [
            {
                "system": "phone",
                "value": f"{rng.randint(201, 989)}-{rng.randint(201, 989)}-{rng.randint(1000, 9999)}",  # noqa: E501 - one pattern, better unbroken
            },
            {
                "system": "email",
                "value": (
                    f"{rng.choice('qxzkw')}{rng.choice(FAMILY).lower().strip('46')}{rng.randint(10, 999)}"  # noqa: E501 - one pattern, better unbroken
                    f"@example.org"
                ).replace("'", ""),
            },
        ],
        "identifier": [
            {"type": {"coding": [{"code": "MR"}]}, "value": "M" + digits[:7]},
            {
                "type": {"coding": [{"code": "SS"}]},
                "value": f"{rng.randint(100, 899)}-{rng.randint(10, 99)}-{rng.randint(1000, 9999)}",
            },
            {"type": {"coding": [{"code": "MB"}]}, "value": f"XQ{digits[2:]}"},
        ],
        "address": [
            {
                "line": [f"{rng.randint(11, 9899)} {rng.choice(STREETS)}"],
                "city": rng.choice(TOWNS),
                "postalCode": f"{rng.randint(10001, 99899)}",
            }
        ],
    }


def bare(text: str) -> str:
    """Lower-case letters and digits without accents: what a reader would recognise."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if c.isalnum())


def corrupt(kind: str, resource: dict[str, Any], rng: random.Random) -> str:
    """One identifier of ``resource`` written in some disguise."""
    return {
        "name": _name,
        "date": _date,
        "phone": _phone,
        "code": _code,
        "address": _address,
        "email": _email,
    }[kind](resource, rng)


def disguise(text: str, rng: random.Random) -> str:
    """Change characters without changing what a person reads."""
    ways = (
        str.upper,
        str.lower,
        "\u200b".join,
        lambda t: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in t),
        lambda t: "".join(
            c for c in unicodedata.normalize("NFKD", t) if not unicodedata.combining(c)
        ),
        lambda t: "".join(c + "\u0336" for c in t),
        lambda t: t.translate(str.maketrans("aeopcxTHKM", "аеорсхТНКМ")),
        lambda t: t.replace(" ", "\u00a0 "),
        str,
    )
    return rng.choice(ways)(text)


def _name(resource: dict[str, Any], rng: random.Random) -> str:
    given, family = resource["name"][0]["given"][0], resource["name"][0]["family"]
    short = len(bare(family)) < 3 or len(bare(given)) < 3
    forms = [
        f"{given} {family}",
        f"{family}, {given}",
        f"{family} {given}",
        f"{given[0]}. {family}",
        f"{given}\n{family}",
        f"{given} {family}'s",
        f"{given}_{family}",
    ]
    if not short:
        forms += [
            given,
            family,
            f"{family}'s",
            " ".join(bare(family)),
            "-".join(given),
            f"{family.replace(chr(39), '').replace('-', ' ')}",
            f"{given}{family}",
        ]
        forms += [
            f"{family[:3]}-\n{family[3:]}" if len(family) > 6 and family.isalpha() else family
        ]
        forms += [_typo(family, rng), _typo(given, rng)]
    return rng.choice(forms)


def _typo(word: str, rng: random.Random) -> str:
    if len(word) < 5 or not word.isalpha():
        return word
    at = rng.randrange(1, len(word) - 1)
    return rng.choice(
        [
            word[:at] + word[at + 1 :] if len(word) > 5 else word,
            word[:at] + word[at] + word[at:],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            word[:at] + "q" + word[at + 1 :],
        ]
    )


def _date(resource: dict[str, Any], rng: random.Random) -> str:
    d = date.fromisoformat(resource["birthDate"])
    month, mes = MONTHS[d.month - 1], MESES[d.month - 1]
    th = {1: "st", 2: "nd", 3: "rd"}.get(d.day % 10 if d.day not in {11, 12, 13} else 0, "th")
    return rng.choice(
        [
            f"{d:%Y-%m-%d}",
            f"{d:%m/%d/%Y}",
            f"{d:%d/%m/%Y}",
            f"{d:%m-%d-%y}",
            f"{d:%d.%m.%Y}",
            f"{month} {d.day}, {d.year}",
            f"{d.day} {month} {d.year}",
            f"{month[:3]} {d.day}",
            f"the {d.day}{th} of {month}",
            f"{d.day} de {mes} de {d.year}",
            f"{d:%Y%m%d}",
            f"{d:%m%d%Y}",
            f"{month} {d.day}{th}",
            f"{d:%d}-{month[:3]}-{d:%Y}",
            f"{d.month}/{d.day}/{d:%y}",
            f"{month} {d.year}",
            f"{d:%d%m%Y}",
        ]
    )


def _phone(resource: dict[str, Any], rng: random.Random) -> str:
    a, b, c = resource["telecom"][0]["value"].split("-")
    return rng.choice(
        [
            f"({a}) {b}-{c}",
            f"{a}.{b}.{c}",
            f"{a}{b}{c}",
            f"+1 {a} {b} {c}",
            f"1-{a}-{b}-{c}",
            f"{b}-{c}",
            f"{a} {b} {c}",
            " ".join(a + b + c),
            f"{a}/{b}/{c}",
            f"{a}--{b}--{c}",
        ]
    )


def _code(resource: dict[str, Any], rng: random.Random) -> str:
    value = rng.choice(resource["identifier"])["value"]
    plain = value.replace("-", "")
    return rng.choice(
        [
            value,
            plain,
            " ".join(plain),
            f"{plain[:3]} {plain[3:]}",
            f"{plain[:4]}.{plain[4:]}",
            f"MRN {plain}",
            f"{plain[:3]}\u2013{plain[3:]}",
            f"{plain[:5]}\n{plain[5:]}",
        ]
    )


def _address(resource: dict[str, Any], rng: random.Random) -> str:
    address = resource["address"][0]
    line = address["line"][0]
    short = (
        line.replace("Street", "St")
        .replace("Avenue", "Ave")
        .replace("Road", "Rd")
        .replace("Boulevard", "Blvd")
        .replace("Lane", "Ln")
        .replace("North", "N")
    )
    return rng.choice(
        [
            line,
            short,
            f"{short}, {address['city']}",
            f"{line}\n{address['city']}, KS {address['postalCode']}",
            address["city"],
            address["postalCode"],
        ]
    )


def _email(resource: dict[str, Any], rng: random.Random) -> str:
    value = resource["telecom"][1]["value"]
    return rng.choice(
        [
            value,
            value.upper(),
            value.replace("@", " @ "),
            value.replace("@", " at ").replace(".", " dot "),
            value.split("@", maxsplit=1)[0],
            f"<{value}>",
        ]
    )
