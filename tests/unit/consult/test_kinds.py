"""Kinds of questions and the sections that answer them."""

from __future__ import annotations

from services.consult.kinds import SECTIONS, kind_of, section_prior


def test_a_section_says_the_kind_whose_first_answer_it_is() -> None:
    assert kind_of("side-effects") == "side-effects"
    assert kind_of("what") == "overview"
    assert kind_of("when-to-seek-care") == "seek-care"


def test_a_section_that_is_no_kinds_first_says_nothing() -> None:
    assert kind_of("complications") is None
    assert kind_of("no such section") is None


def test_the_first_section_of_a_kind_has_the_greatest_prior() -> None:
    prior = section_prior({"symptoms": 1.0})

    first, *later = SECTIONS["symptoms"]
    assert prior[first] == 1.0
    assert all(prior[section] < 1.0 for section in later)
