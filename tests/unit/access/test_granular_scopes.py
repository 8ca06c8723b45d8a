"""Scopes compared: what two of them have in common, what covers what, and what narrows a type."""

from __future__ import annotations

import pytest

from compliance.access import Scopes
from compliance.access.grants import Grant


def of(text: str, patient: str | None = "p1") -> Scopes:
    found, unknown = Scopes.understood(text, patient)
    assert unknown == ()
    return found


@pytest.mark.parametrize(
    ("old", "letters"),
    [("patient/*.read", "rs"), ("user/Observation.write", "cud"), ("system/*.*", "cruds")],
)
def test_the_spellings_of_version_one_mean_these_letters(old, letters):
    (grant,) = of(old).grants
    assert grant.letters == letters
    assert str(grant) == old


@pytest.mark.parametrize(
    "text",
    [
        "patient/Observation.sr",
        "patient/Observation.rr",
        "patient/Observation.",
        "patient/observation.r",
        "patient/*.rs?category=x",
        "patient/Observation.rs?",
        "patient/Observation.rs?category",
        "patient/Observation.rs?subject.name=x",
        "patient/Observation.rs?code:in=x",
        'patient/Observation.rs?category="a"',
        "other/Observation.rs",
        "launch/practitioner",
    ],
)
def test_what_is_not_understood_is_set_apart_and_grants_nothing(text):
    found, unknown = Scopes.understood(text, "p1")
    assert found.grants == ()
    assert unknown


def test_a_scope_for_a_patient_allows_nothing_while_there_is_none():
    assert not of("patient/*.rs", None).allows("Observation", "r")
    assert not of("patient/*.rs", None).reaches_fhir


@pytest.mark.parametrize(
    ("text", "letter", "queries"),
    [
        ("patient/Observation.rs?category=a", "r", ("category=a",)),
        ("patient/Observation.rs?category=a", "u", ()),
        (
            "patient/Observation.rs?category=a patient/Observation.r?category=b",
            "r",
            ("category=a", "category=b"),
        ),
        ("patient/Observation.rs?code=a patient/Observation.r?code=b", "s", ("code=a",)),
        ("patient/Observation.rs?category=a patient/Observation.r", "r", ()),
        ("patient/Observation.rs?category=a patient/*.s", "s", ()),
    ],
)
def test_one_scope_that_does_not_narrow_sets_a_type_free_for_its_letters(text, letter, queries):
    assert of(text).queries("Observation", letter) == queries


@pytest.mark.parametrize(
    ("asked", "allowed", "common"),
    [
        ("patient/*.rs", "patient/Observation.cruds", "patient/Observation.rs"),
        ("patient/Observation.cruds", "patient/*.rs", "patient/Observation.rs"),
        ("patient/Observation.rs", "user/Observation.rs", ""),
        ("patient/Observation.c", "patient/*.rs", ""),
        ("patient/*.read", "patient/*.cruds", "patient/*.read"),
        ("patient/*.*", "patient/*.rs", "patient/*.rs"),
        ("patient/Observation.rs?category=a", "patient/*.rs", "patient/Observation.rs?category=a"),
        ("patient/*.rs", "patient/Observation.r?category=a", "patient/Observation.r?category=a"),
        (
            "patient/Observation.rs?category=a",
            "patient/Observation.rs?status=final",
            "patient/Observation.rs?category=a&status=final",
        ),
        ("patient/*.rs", "patient/Observation.rs patient/Patient.r",
         "patient/Observation.rs patient/Patient.r"),
        ("patient/*.rs", "patient/*.r patient/Patient.r", "patient/*.r"),
        ("openid chat patient/*.rs", "openid patient/*.rs", "openid patient/*.rs"),
    ],
)  # fmt: skip
def test_what_two_have_in_common_is_what_both_allow(asked, allowed, common):
    assert of(asked).common(of(allowed)).text == common


@pytest.mark.parametrize(
    ("asked", "granted", "within"),
    [
        ("patient/Observation.r", "patient/*.rs", True),
        ("patient/Observation.r?category=a", "patient/Observation.rs", True),
        ("patient/Observation.r", "patient/Observation.rs?category=a", False),
        ("patient/Observation.r?category=b", "patient/Observation.rs?category=a", False),
        ("user/Observation.r", "patient/*.rs", False),
        ("patient/*.r", "patient/Observation.rs patient/Patient.rs", False),
        ("openid", "patient/*.rs", False),
    ],
)
def test_nothing_goes_beyond_what_was_granted(asked, granted, within):
    assert of(asked).within(of(granted)) is within


def test_what_a_person_takes_out_is_gone():
    left = of("openid patient/*.rs patient/Observation.c").only(["patient/*.rs", "user/*.rs"])
    assert left.text == "patient/*.rs"


def test_a_grant_that_was_not_asked_for_is_spelled_in_the_new_words():
    assert str(Grant("patient", "Observation", "rs", "code=x")) == "patient/Observation.rs?code=x"
