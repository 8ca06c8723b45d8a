"""Placeholders go out and come back; nothing is guessed."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compliance.deidentify import Deidentifier, PlaceholderError, PlaceholderMap


@pytest.fixture
def mapping() -> PlaceholderMap:
    made = PlaceholderMap()
    made.placeholder("PATIENT", "Ann Lee", "PATIENT:ann lee")
    made.placeholder("DATE", "March 5")
    made.placeholder("DATE", "March 6")
    made.placeholder("AGE", "92")
    made.placeholder("US_SSN", "123-45-6789")
    return made


def test_numbers_and_labels(mapping: PlaceholderMap) -> None:
    assert mapping.placeholders() == {
        "[PATIENT]": "Ann Lee",
        "[DATE-1]": "March 5",
        "[DATE-2]": "March 6",
        "[AGE-90+]": "92",
        "[ID-1]": "123-45-6789",
    }


def test_the_same_value_or_person_has_one_placeholder(mapping: PlaceholderMap) -> None:
    assert mapping.placeholder("DATE", "MARCH  5") == "[DATE-1]"
    assert mapping.placeholder("PATIENT", "Ms Lee", "PATIENT:ann lee") == "[PATIENT]"
    assert mapping.placeholder("AGE", "95") == "[AGE-90+-2]"


def test_reidentify(mapping: PlaceholderMap) -> None:
    assert (
        mapping.reidentify("[PATIENT], seen [DATE-2] ([AGE-90+]), [ID-1].")
        == "Ann Lee, seen March 6 (92), 123-45-6789."
    )


@pytest.mark.parametrize(
    "answer",
    [
        "[PATIENT-9]",
        "[PATENT]",
        "[ PATIENT ]",
        "[patient]",
        "[Patient]",
        "[DATE-3]",
        "[DATE 1]",
        "[DATE_1]",
        "[DATE-]",
        "[DATE-01]",
        "[DATE]",
        "[PATIENT",
        "PATIENT]",
        "(DATE-1)",
        "{PATIENT}",
        "<DATE-1>",
        "DATE-1",
        "[PAT\u200bIENT]",
        "［PATIENT］",
        "[РATIENT]",
        "[PATIENTS]",
        "[NAME]",
        "[CLINICIAN-1]",
        "[[DATE-7]]",
        "[AGE-90]",
        "[RELATIVE-1]",
        "[DATE-1a]",
        "[Date-1 ]",
        "DATE-2",
        "[ID 1]",
    ],
)
def test_an_invented_or_damaged_placeholder_is_refused(
    mapping: PlaceholderMap, answer: str
) -> None:
    with pytest.raises(PlaceholderError) as caught:
        mapping.reidentify(f"Well, {answer} may go on.")
    assert "Ann" not in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        "See [1] and [2, 3].",
        "[see below]",
        "dose (5 mg)",
        "a date (may vary)",
        "no placeholder",
        "x[i] < 3",
        "the patient (you)",
        "patient-centred",
        "type-2",
    ],
)
def test_ordinary_brackets_stay(mapping: PlaceholderMap, answer: str) -> None:
    assert mapping.reidentify(answer) == answer


def test_values_are_put_in_once(mapping: PlaceholderMap) -> None:
    mapping.placeholder("LITERAL", "[DATE-1]")
    assert mapping.reidentify("[LITERAL-1] [DATE-1]") == "[DATE-1] March 5"


def test_json_round_trip(mapping: PlaceholderMap) -> None:
    again = PlaceholderMap.from_json(mapping.to_json())
    assert again.placeholders() == mapping.placeholders()
    assert again.placeholder("DATE", "March 7") == "[DATE-3]"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"by_key": {}, "surfaces": {"[ID-1]": "x"}, "counts": {}}',
        '{"by_key": {"a": 1}, "surfaces": {}, "counts": {}}',
        '{"by_key": [], "surfaces": {}, "counts": {}}',
    ],
)
def test_a_broken_map_is_refused(text: str) -> None:
    with pytest.raises(PlaceholderError):
        PlaceholderMap.from_json(text)


@pytest.mark.parametrize("answer", [None, 5, b"x"])
def test_an_answer_that_is_no_text_is_refused(mapping: PlaceholderMap, answer: object) -> None:
    with pytest.raises(PlaceholderError):
        mapping.reidentify(answer)  # type: ignore[arg-type]


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    day=st.integers(1, 28),
    phone=st.integers(2000000, 9999999),
    name=st.sampled_from(["Thaddeus", "Ludmila Quill", "Okonkwo"]),
    literal=st.sampled_from(
        ["", "[PATIENT]", "[DATE-1]", "[ID 7]", "(DATE-1)", "DATE-1", "[patient]"]
    ),
)
def test_masked_text_comes_back_as_it_was(
    detector: Deidentifier, day: int, phone: int, name: str, literal: str
) -> None:
    text = (
        f"My name is {name}, {literal} born March {day}, 1980, call "
        f"415-{str(phone)[:3]}-{str(phone)[3:]}."
    )
    done = detector.deidentify(text)
    assert name not in done.text
    again = PlaceholderMap.from_json(done.mapping.to_json())
    assert again.reidentify(done.text) == text
