"""Generated whole records: a patient, relatives, clinicians, organisations, and all their numbers.

Nobody here exists. Names come from many languages, some of them are ordinary words of English, and
some surnames are put together from syllables, so that no list can know them.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

PEOPLE: dict[str, tuple[str, str]] = {
    "english": (
        "Robert Elizabeth William Margaret Katherine Richard Edward Jo Al Susan Christopher",
        "Smith Abernathy Fitzgerald Baxter-Hughes Hathersage Ng Thornbury Pemberton Ashworth Wu",
    ),
    "words": (
        "Grace Rose Hope Faith Joy Summer Dawn Mark Iris Ruby Autumn Pearl Chance",
        "White Young Brown Black Reading Bath Green Head Day Rivers Stone Cook Short Fields Pain",
    ),
    "little words": ("Will May An So Do Can Son", "Long May Little Do Van Will An More"),
    "spanish": (
        "José María Francisco Consuelo Ramiro Guadalupe Íñigo Lucía Jesús",
        "García_López Peña_Ibáñez de_la_Cruz_Quispe Hernández_y_Mora del_Río Nuñez_Balboa Sol_Mar",
    ),
    "german": ("Jürgen Müge Björn Käthe Günther", "Müller von_Ahlefeldt Schröder Großmann Weiß"),
    "french": ("Zoë Anaïs Anne-Marie Jean-Luc Éloïse", "Lefèvre D'Aubigné de_La_Tour Béranger"),
    "irish": ("Siobhán Aoife Niamh Padraig", "O'Brien McDonald MacAllister O'Shaughnessy D'Angelo"),
    "slavic": ("Ludmila Dmitri Zbigniew Łucja", "Szymański Kowalczyk Dvořák Żółkiewski Petrović"),
    "nordic": ("Søren Åse Þórdís Ingrid", "Sørensen Ødegård Thorvaldsen Æbelø"),
    "turkish": ("Müge İpek Çağla Ozan", "Öztürk Yıldız Çelik Şahin"),
    "vietnamese": ("An Do_Thi Nguyen Linh Van_Anh My", "Tran Ngo Le Do Phan"),
    "chinese": ("Wei Xiaoming Li-Hua Meiling", "Zhang Li Ouyang Xu Ma He"),
    "han": ("小明 伟 秀英", "王 欧阳 陈"),
    "korean": ("Ji-woo Min_Seo Hyun-jung", "Kim Park Son Ahn You"),
    "japanese": ("Takeshi Sumiko Haruto", "Nakamura Ōkubo Shinozaki"),
    "indian": ("Priyanka Venkatesh Aarav", "Krishnamurthy Iyer Chattopadhyay रमेश"),
    "arabic": ("Abd_al-Rahman Fatimah Youssef", "al-Khatib El_Amrani Benjelloun"),
    "african": ("Chidinma Oluwaseun Kwame", "Okonkwo Nwachukwu Mbeki Adeyemi-Cole"),
    "greek": ("Eleni Kyriakos", "Papadopoulos Παπαδάκης"),
    "cyrillic": ("Наталья Сергей", "Кузнецова Щербаков"),
    "synthetic": ("Sumiko254 Ann123 Denver441", "Medhurst46 Emard19 O'Keefe54"),
}
PARTICLES = frozenset("de la del von y al el d".split())
_SYLLABLES = "bra quil tor fen dag mo wix ul nes kor pla zen hy rud vam ost ler gri".split()
STREETS = (
    "Abernathy Landing|Quillfeather Street|North Osprey Avenue|Juniper Hollow Road|White Oak Lane|"
    "Wexcombe Boulevard|Botolph Lane|Calle Zurbarán|Avenida de los Olmos|Park Avenue|Fifth Street"
).split("|")
TOWNS = (
    "Emporia|Cunningham|Tuxedo Park|Chillicothe|Albuquerque|Walla Walla|Reading|Bath|Mobile|Nice|"
    "Alcalá de Henares|Orange|Poughkeepsie|Hope"
).split("|")
ORGANISATIONS = (
    "NEWMAN REGIONAL HEALTH|Quillmont Heart Hospital|Osprey Family Practice|Botterill Clinic|"
    "Hospital Universitario Zurbarán|Wexcombe & Daughters Pharmacy|Thornbury Medical Center"
).split("|")


@dataclass(frozen=True)
class Person:
    """A person of a record: given names, family name (may be several words), role."""

    given: tuple[str, ...]
    family: str
    role: str

    def human_name(self) -> dict[str, Any]:
        """As FHIR."""
        return {"given": list(self.given), "family": self.family}


@dataclass
class Record:
    """A generated record and what its resources say, for writing it down in other ways."""

    resources: list[dict[str, Any]]
    people: list[Person]
    dates: list[str]
    phones: list[str]
    emails: list[str]
    lines: list[str]
    towns: list[str]
    zips: list[str]
    organisations: list[str]
    codes: list[str] = field(default_factory=list)


def person(rng: random.Random, role: str) -> Person:
    """Somebody of some language."""
    givens, families = PEOPLE[rng.choice(list(PEOPLE))]
    pool = givens.split()
    given = tuple(
        name.replace("_", " ") for name in rng.sample(pool, k=min(len(pool), rng.choice((1, 1, 2))))
    )
    family = rng.choice(families.split()).replace("_", " ")
    if rng.random() < 0.2:
        family = "".join(rng.sample(_SYLLABLES, k=3)).capitalize()
    return Person(given, family, role)


def record(rng: random.Random) -> Record:
    """A record with every kind of identifier that the product reads."""
    made = Record([], [person(rng, "PATIENT")], [], [], [], [], [], [], [])
    patient = _patient(made, rng)
    made.resources.append(patient)
    for resource in (_relative, _practitioner, _organisation, _encounter, _others):
        made.resources += resource(made, rng)
    return made


def _patient(made: Record, rng: random.Random) -> dict[str, Any]:
    born = date(1925, 1, 1) + timedelta(days=rng.randrange(33000))
    written = born.isoformat()[: rng.choices((10, 7, 4), (88, 8, 4))[0]]
    made.dates.append(written)
    resource = {
        "resourceType": "Patient",
        "id": _uuid(made, rng),
        "name": [made.people[0].human_name()],
        "birthDate": written,
        "telecom": [_phone(made, rng), _email(made, rng)],
        "identifier": [
            _identifier(made, "MR", "M" + _digits(rng, 7)),
            _identifier(made, "SS", f"{_digits(rng, 3)}-{_digits(rng, 2)}-{_digits(rng, 4)}"),
            _identifier(made, "MB", "XQ" + _digits(rng, 8)),
        ],
        "address": [_address(made, rng)],
        "contact": [{"name": _new(made, rng, "RELATIVE"), "telecom": [_phone(made, rng)]}],
        "generalPractitioner": [{"display": _display(made, rng)}],
        "managingOrganization": {"display": _organisation_name(made, rng)},
    }
    if rng.random() < 0.2:
        died = (born + timedelta(days=rng.randrange(9000, 30000))).isoformat()
        made.dates.append(died)
        resource["deceasedDateTime"] = f"{died}T04:10:00Z"
    return resource


def _relative(made: Record, rng: random.Random) -> list[dict[str, Any]]:
    return [
        {
            "resourceType": "RelatedPerson",
            "id": _uuid(made, rng),
            "name": [_new(made, rng, "RELATIVE")],
            "telecom": [_phone(made, rng)],
            "address": [_address(made, rng)],
        }
    ]


def _practitioner(made: Record, rng: random.Random) -> list[dict[str, Any]]:
    return [
        {
            "resourceType": "Practitioner",
            "id": _uuid(made, rng),
            "identifier": [_identifier(made, "NPI", "1" + _digits(rng, 9))],
            "name": [_new(made, rng, "CLINICIAN")],
        }
    ]


def _organisation(made: Record, rng: random.Random) -> list[dict[str, Any]]:
    return [
        {
            "resourceType": "Organization",
            "id": _uuid(made, rng),
            "name": _organisation_name(made, rng),
            "telecom": [_phone(made, rng)],
            "address": [_address(made, rng)],
        }
    ]


def _encounter(made: Record, rng: random.Random) -> list[dict[str, Any]]:
    clinician = {"reference": f"urn:uuid:{UUID(int=rng.getrandbits(128))}"}
    return [
        {
            "resourceType": "Encounter",
            "id": _uuid(made, rng),
            "identifier": [_identifier(made, "VN", "V" + _digits(rng, 9))],
            "participant": [{"individual": {**clinician, "display": _display(made, rng)}}],
            "serviceProvider": {
                "reference": "urn:uuid:0",
                "display": _organisation_name(made, rng),
            },
        }
    ]


def _others(made: Record, rng: random.Random) -> list[dict[str, Any]]:
    serial, lot = "SN" + _digits(rng, 6), "L" + _digits(rng, 5)
    udi = f"(01)0{_digits(rng, 13)}(17)270101(10){lot}(21){serial}"
    made.codes += [serial, lot, udi]
    return [
        {
            "resourceType": "Device",
            "udiCarrier": [{"carrierHRF": udi, "deviceIdentifier": udi[4:18]}],
            "serialNumber": serial,
            "lotNumber": lot,
        },
        {
            "resourceType": "Specimen",
            "accessionIdentifier": _identifier(made, "ACSN", "S-" + _digits(rng, 6)),
        },
        {"resourceType": "Claim", "identifier": [_identifier(made, "", "CLM" + _digits(rng, 8))]},
        {"resourceType": "Account", "identifier": [_identifier(made, "", _digits(rng, 9))]},
        {
            "resourceType": "Coverage",
            "subscriberId": _code(made, "W" + _digits(rng, 9)),
            "class": [{"value": _code(made, "GRP" + _digits(rng, 5))}],
        },
        {"resourceType": "Immunization", "lotNumber": _code(made, "AB" + _digits(rng, 4) + "K")},
    ]


def _new(made: Record, rng: random.Random, role: str) -> dict[str, Any]:
    made.people.append(person(rng, role))
    return made.people[-1].human_name()


def _display(made: Record, rng: random.Random) -> str:
    """A clinician's name in one string; the last word is the family's."""
    one = person(rng, "CLINICIAN")
    while " " in one.family or len(one.given) > 1 or " " in one.given[0]:
        one = person(rng, "CLINICIAN")
    made.people.append(one)
    return f"Dr. {one.given[0]} {one.family}"


def _organisation_name(made: Record, rng: random.Random) -> str:
    made.organisations.append(rng.choice(ORGANISATIONS))
    return made.organisations[-1]


def _phone(made: Record, rng: random.Random) -> dict[str, str]:
    a, b, c = rng.randint(201, 989), rng.randint(201, 989), rng.randint(1000, 9999)
    value = f"{a}-{b}-{c}" if rng.random() < 0.8 else f"+34 6{_digits(rng, 8)}"
    made.phones.append(value)
    return {"system": "phone", "value": value}


def _email(made: Record, rng: random.Random) -> dict[str, str]:
    local = rng.choice(("qx{}", "zk.{}", "wv_{}")).format(_digits(rng, 4))
    made.emails.append(f"{local}@example.org")
    return {"system": "email", "value": made.emails[-1]}


def _address(made: Record, rng: random.Random) -> dict[str, Any]:
    line, town = f"{rng.randint(11, 9899)} {rng.choice(STREETS)}", rng.choice(TOWNS)
    code = f"{rng.randint(10001, 99899)}"
    made.lines.append(line)
    made.towns.append(town)
    made.zips.append(code)
    return {"line": [line], "city": town, "state": "KS", "postalCode": code}


def _identifier(made: Record, kind: str, value: str) -> dict[str, Any]:
    return {"type": {"coding": [{"code": kind}]}, "value": _code(made, value)}


def _code(made: Record, value: str) -> str:
    made.codes.append(value)
    return value


def _uuid(made: Record, rng: random.Random) -> str:
    return _code(made, str(UUID(int=rng.getrandbits(128))))


def _digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choices("123456789", k=count))
