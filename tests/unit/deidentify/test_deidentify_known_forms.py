"""Forms of dates, initials, numbers and places of a record, found by the record alone."""

from __future__ import annotations

from typing import Any

import pytest

from compliance.deidentify import KnownIdentifiers
from compliance.deidentify.known_match import find_known
from compliance.deidentify.normalise import normalise


def _masked(known: KnownIdentifiers, text: str) -> str:
    """``text`` (plain form) with every known identifier as ``#``."""
    plain = normalise(text).text
    covered = {i for hit in find_known(known.index, plain) for i in range(hit.start, hit.end)}
    out = "".join("#" if i in covered else c for i, c in enumerate(plain))
    while "##" in out:
        out = out.replace("##", "#")
    return out


def _patient(**more: Any) -> KnownIdentifiers:
    return KnownIdentifiers.from_record([{"resourceType": "Patient", **more}])


BORN = _patient(birthDate="1958-10-07")


@pytest.mark.parametrize(
    "text",
    [
        "10/7/58",
        "07.10.1958",
        "7 October 1958",
        "Oct. 7th, 1958",
        "October the 7th",
        "7 de octubre de 1958",
        "seventh of october",
        "siete de octubre",
        "7.x.1958",
        "1958/10/07",
        "1958-10-07T08:30:00Z",
        "10071958",
        "7/10",
    ],
)
def test_a_birth_date_is_found_in_every_form(text: str) -> None:
    left = _masked(BORN, f"dob {text} ok")
    assert not set("7oO") & set(left.removeprefix("dob ").removesuffix(" ok")), left


@pytest.mark.parametrize("text", ["pain 7/10", "it is a 7/10", "el dolor es de 7/10", "10 mg x 7"])
def test_a_pain_score_is_not_a_birthday(text: str) -> None:
    assert _masked(BORN, text) == text


@pytest.mark.parametrize(
    ("born", "text", "masked"),
    [
        ("1958-10", "born October 1958", "born #"),
        ("1958-10", "nacida en octubre de 1958", "nacida en #"),
        ("1958-10", "10/1958", "#"),
        ("1958-10", "Oct '58", "#"),
        ("1958-10", "in 1958 he moved", "in 1958 he moved"),
        ("1958", "born in 1958", "born in #"),
        ("1958", "DOB: 1958", "DOB: #"),
        ("1958", "stopped smoking in 1990", "stopped smoking in 1990"),
        ("1931", "since 1931", "since #"),
    ],
)
def test_partial_birth_dates_are_found_as_they_are_written(
    born: str, text: str, masked: str
) -> None:
    assert _masked(_patient(birthDate=born), text) == masked


NAMED = _patient(name=[{"given": ["Marta", "Luz"], "family": "Tovar"}])


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("M.T. has a cough", "# has a cough"),
        ("m. t. has a cough", "# has a cough"),
        ("M.L.T. came", "# came"),
        ("pt MT feels well", "pt # feels well"),
        ("initials mt", "initials #"),
        ("MT, 45 years old", "#, 45 years old"),
        ("MT says hello", "# says hello"),
        ("mt pleasant", "mt pleasant"),
        ("MT joint", "MT joint"),
        ("M. Tovar and Tovar, M.", "# and #"),
    ],
)
def test_initials_are_found_with_dots_or_by_a_cue(text: str, masked: str) -> None:
    assert _masked(NAMED, text) == masked


def test_initials_that_are_an_abbreviation_need_a_cue() -> None:
    known = _patient(name=[{"given": ["Pedro"], "family": "Mas"}])
    assert _masked(known, "at 5 p.m. sharp") == "at 5 p.m. sharp"
    assert _masked(known, "patient P.M. left") == "patient # left"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("call five five five eight one zero seven two zero three", "call #"),
        ("555 dash 810 dash 7203", "#"),
        ("0015558107203", "#"),
        ("serial S77K1 of the pump", "serial # of the pump"),
        ("s 7 7 k 1", "#"),
        ("case V-100 231", "case #"),
        ("at 633 quillfether strete", "at #"),
        ("we live on quillfeather", "we live on #"),
        ("in Newman Regional", "in #"),
        ("at newman they said", "at # they said"),
        ("emporai", "#"),
        ("a regional hospital for health", "a regional hospital for health"),
    ],
)
def test_numbers_and_places_are_found_in_other_forms(text: str, masked: str) -> None:
    known = KnownIdentifiers.from_record(
        [
            {
                "resourceType": "Patient",
                "telecom": [{"system": "phone", "value": "555-810-7203"}],
                "address": [{"line": ["633 Quillfeather Street"], "city": "Emporia"}],
                "managingOrganization": {"display": "NEWMAN REGIONAL HEALTH"},
            },
            {"resourceType": "Device", "udiCarrier": [{"carrierHRF": "(01)0084(21)S77K1"}]},
            {"resourceType": "Encounter", "identifier": [{"value": "V100231"}]},
        ]
    )
    assert _masked(known, text) == masked


@pytest.mark.parametrize(
    ("given", "text", "masked"),
    [
        ("William", "i spoke to bill", "i spoke to #"),
        ("William", "who pays the bill?", "who pays the bill?"),
        ("Raymond", "an x-ray and ray came", "an x-ray and # came"),
        ("Andrew", "the nurse drew blood, drew cried", "the nurse drew blood, # cried"),
        ("Edward", "seen in the ED by Ed", "seen in the ED by #"),
    ],
)
def test_a_short_form_that_is_an_ordinary_word_is_read_by_its_surroundings(
    given: str, text: str, masked: str
) -> None:
    assert _masked(_patient(name=[{"given": [given], "family": "Zzyx"}]), text) == masked
