"""Scopes of a key: what is granted, and what is refused when the key is made."""

from __future__ import annotations

import pytest

from compliance.access import Scopes
from compliance.errors import BadInputError


@pytest.mark.parametrize(
    ("text", "kind", "letter", "allowed"),
    [
        ("system/*.rs", "Observation", "r", True),
        ("system/*.rs", "Observation", "s", True),
        ("system/*.r", "Observation", "s", False),
        ("system/Observation.rs", "Observation", "s", True),
        ("system/Observation.rs", "Condition", "r", False),
        ("system/Observation.read", "Observation", "s", True),
        ("fhir.read", "Patient", "s", True),
        ("chat", "Patient", "r", False),
        ("system/Observation.cud", "Observation", "r", False),
        ("system/Observation.r system/Observation.s", "Observation", "s", True),
        ("", "Observation", "r", False),
    ],
)
def test_a_scope_allows_its_types_and_letters_only(text, kind, letter, allowed):
    assert Scopes.parse(text).allows(kind, letter) is allowed


@pytest.mark.parametrize(
    "text",
    [
        "patient/*.rs",
        "system/Observation",
        "system/Observation.",
        "system/Observation.rsx",
        "system/Observation.sr",
        "system/observation.rs",
        "system/*.rs?category=laboratory",
        "system/*.writes",
        "system/Observation.rs?subject.name=x",
        "system/Observation.rs?code:in=x",
        "system/Observation.rs?category",
        "SYSTEM/*.rs",
        "*",
        "chat!",
    ],
)
def test_what_is_not_understood_makes_no_key(text):
    with pytest.raises(BadInputError):
        Scopes.parse(text)


def test_a_patient_scope_needs_its_patient():
    scopes = Scopes.parse("patient/*.rs", "p01")
    assert scopes.patient == "p01"
    assert scopes.allows("Observation", "r")


def test_a_bound_key_stays_bound_whatever_its_scopes():
    assert Scopes.parse("system/*.rs", "p01").patient == "p01"


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("system/*.rs", True),
        ("fhir.read", True),
        ("system/*.r", False),
        ("system/Patient.rs", False),
    ],
)
def test_a_part_of_a_record_is_not_the_whole(text, whole):
    assert Scopes.parse(text).whole_record is whole
