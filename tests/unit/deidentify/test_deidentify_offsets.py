"""The plain form and its map back, and what entities say about the input."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compliance.deidentify import DeidentificationError, Deidentifier
from compliance.deidentify.normalise import fold, normalise

_PIECES = st.sampled_from(
    [
        "call 555-810-7203",
        "I am Thaddeus",
        "March 5, 2021",
        "ａｎｎ@example.org",
        "\u200b",
        "J\u0336o\u0336",
        "\r\n",
        " ",
        "é",
        "𝟝",
        "[PATIENT]",
        "MRN 448812",
        "½",
        "ﬁ",
        "120/80",
        "\U0001f600",
    ]
)


@settings(max_examples=400, deadline=None)
@given(text=st.text(max_size=200))
def test_the_map_is_in_order_and_inside_the_input(text: str) -> None:
    plain = normalise(text)
    assert len(plain.text) == len(plain.starts) == len(plain.ends)
    assert list(plain.starts) == sorted(plain.starts)
    assert all(0 <= s < e <= len(text) for s, e in zip(plain.starts, plain.ends, strict=True))


@settings(max_examples=400, deadline=None)
@given(text=st.text(max_size=100))
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    once = normalise(text).text
    assert fold(once) == fold(normalise(once).text)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(pieces=st.lists(_PIECES, max_size=12))
def test_entities_are_the_slices_that_were_masked(
    detector: Deidentifier, pieces: list[str]
) -> None:
    text = " ".join(pieces)
    try:
        done = detector.deidentify(text)
    except DeidentificationError:
        return
    rebuilt, position = [], 0
    for entity in done.entities:
        assert position <= entity.start < entity.end <= len(text)
        rebuilt += [text[position : entity.start], entity.placeholder]
        position = entity.end
    assert "".join([*rebuilt, text[position:]]) == done.text


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("J\u200bohn", "John"),
        ("ＪＯＨＮ", "JOHN"),
        ("J̶o̶h̶n̶", "John"),
        ("Мах", "Max"),
        ("a\r\nb", "a\nb"),
        ("٠١٢", "012"),
        ("🅹🅾", "JO"),
        ("“x”", '"x"'),
        ("José", "José"),
        ("Jose\u0301", "José"),
    ],
)
def test_plain_forms(text: str, plain: str) -> None:
    assert normalise(text).text == plain


def test_offsets_are_code_points_of_the_input(detector: Deidentifier) -> None:
    text = "\U0001f600 call ５５５-810-7203"
    (entity,) = detector.detect(text)
    assert text[entity.start : entity.end] == "５５５-810-7203"


def test_fold_drops_case_and_accents() -> None:
    assert fold("MÜLLER ÑANDÚ Straße Øre") == "muller nandu strasse ore"
