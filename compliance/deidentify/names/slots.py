"""What may stand between braces in a template, and which type of entity it is.

``{patient.last}``, ``{relative2.given}``: a person's role, a number where there are several, and
a form of ``people.FORMS``. ``{city2}``, ``{hospital}``: a place. ``{phone}``, ``{email}``: found
by rules, so neither wanted nor unwanted here. Everything else is filled from ``fillers_*.txt``.
"""

from __future__ import annotations

import random
import unicodedata
from dataclasses import dataclass, field

import regex

from compliance.deidentify.names import places
from compliance.deidentify.names.lexicons import Language, Names, sections
from compliance.deidentify.names.people import FORMS, Person, invent

SLOT = regex.compile(r"\{(?P<name>[a-z_]+?)(?P<number>\d?)(?:\.(?P<form>[a-z]+))?\}")
ELSEWHERE = "ELSEWHERE"
"""Type of what the rules look for: the training takes no notice of it."""
ROLES = {
    "patient": "PERSON", "person": "PERSON", "relative": "RELATIVE", "clinician": "CLINICIAN",
}  # fmt: skip
TYPE_OF = {
    **ROLES,
    **dict.fromkeys(places.ORGANIZATIONS, "ORGANIZATION"),
    "city": "LOCATION",
    "region": "LOCATION",
    "land": "LOCATION",
    "street": "ADDRESS",
    "address": "ADDRESS",
    "profession": "PROFESSION",
    **dict.fromkeys(("phone", "email", "zip", "mrn", "state"), ELSEWHERE),
}
"""Entity type of each slot that is no filler."""
ENTITY_TYPES = tuple(sorted({t for t in TYPE_OF.values() if t != ELSEWHERE}))


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text and its type, None for ordinary words."""

    text: str
    type: str | None = None


@dataclass(slots=True)
class Cast:
    """Who and what one document is about, so that a name comes back as the same name.

    Attributes:
        anonymous: every entity is replaced by ordinary words; the document is a negative.
    """

    language: Language
    names: Names
    dice: random.Random
    anonymous: bool = False
    people: dict[str, Person] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)

    def fill(self, template: str) -> list[Piece]:
        """The template's pieces.

        Raises:
            KeyError: it has a slot that nobody knows.
        """
        pieces: list[Piece] = []
        position = 0
        for match in SLOT.finditer(template):
            pieces.append(Piece(self._drawn(template[position : match.start()])))
            pieces += self._slot(match["name"], match["number"], match["form"])
            position = match.end()
        return [p for p in (*pieces, Piece(self._drawn(template[position:]))) if p.text]

    def _slot(self, name: str, number: str, form: str | None) -> list[Piece]:
        kind = TYPE_OF.get(name)
        if kind is None:
            return [Piece(p.text) for p in self.fill(self._filler(name))]
        if self.anonymous and kind != ELSEWHERE:
            return [Piece(self.dice.choice(ORDINARY[self.language][kind]))]
        if name in ROLES:
            person = self._person(name + number)
            return [Piece(FORMS[form or "full"](person, self.dice), kind)]
        return [Piece(self._value(name, number), kind)]

    def _person(self, role: str) -> Person:
        if role not in self.people:
            person = invent(self.names, self.language, self.dice)
            if role == "relative" and "patient" in self.people and self.dice.random() < 0.4:  # noqa: PLR2004 - a share
                person = Person(
                    person.given, person.middle, self.people["patient"].last, person.nick
                )
            self.people[role] = person
        return self.people[role]

    def _value(self, name: str, number: str) -> str:
        key = name + number
        if key not in self.values:
            self.values[key] = self._new_value(name)
        return self.values[key]

    def _new_value(self, name: str) -> str:
        if name in places.PLACES:
            return places.PLACES[name](self.language, self.names, self.dice)
        if name == "email":
            return self._email()
        if TYPE_OF[name] == ELSEWHERE:
            return self._filler(f"{name}_text")
        return places.organization(name, self.language, self.names, self.dice)

    def _email(self) -> str:
        person = self._person("patient")
        plain = unicodedata.normalize("NFKD", f"{person.given}.{person.last}".lower())
        user = "".join(c for c in plain if c.isascii() and (c.isalnum() or c == "."))
        return f"{user}@{self.dice.choice(('example.org', 'mail.example', 'example.com'))}"

    def _filler(self, name: str) -> str:
        """An entry of the fillers."""
        own = sections(f"fillers_{self.language}")
        entry = self.dice.choice(own[name] if name in own else sections("fillers_en")[name])
        return self._drawn(entry)

    def _drawn(self, text: str) -> str:
        """The text with its digits drawn: ``#`` is any, ``@`` is from one on."""
        low = {"#": 0, "@": 1}
        return "".join(str(self.dice.randint(low[c], 9)) if c in low else c for c in text)


ORDINARY: dict[Language, dict[str, tuple[str, ...]]] = {
    "en": {
        "PERSON": ("the patient", "the person above", "she", "he", "this patient", "the boy", "pt"),
        "RELATIVE": ("the family", "her sister", "mom", "dad", "my husband", "the wife", "grandma"),
        "CLINICIAN": ("the doctor", "my doctor", "the nurse", "the resident", "the team", "PT"),
        "ORGANIZATION": ("the hospital", "work", "the clinic", "school", "the lab", "urgent care"),
        "LOCATION": ("town", "the city", "home", "abroad", "the village", "this area"),
        "ADDRESS": ("the usual address", "home", "the road", "the street", "a shelter"),
        "PROFESSION": ("worker", "teacher", "driver", "nurse", "cook"),
    },
    "es": {
        "PERSON": ("la paciente", "el paciente", "ella", "él", "la persona", "el niño"),
        "RELATIVE": ("la familia", "su hermana", "mamá", "papá", "mi marido", "la esposa"),
        "CLINICIAN": ("el médico", "la doctora", "la enfermera", "el equipo", "el residente"),
        "ORGANIZATION": ("el hospital", "el trabajo", "la clínica", "la escuela", "la farmacia"),
        "LOCATION": ("el pueblo", "la ciudad", "casa", "el extranjero", "la zona"),
        "ADDRESS": ("la dirección habitual", "su casa", "la calle", "el centro"),
        "PROFESSION": ("obrero", "maestra", "conductor", "enfermera", "cocinero"),
    },
}
"""What stands in an anonymous document where an entity stood."""
