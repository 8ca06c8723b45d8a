"""Whose words a reply is made of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.hospital.authorship import pieces, untouched

DRAFT = ("Rest.", "Drink water.", "See a doctor if it lasts")

CASES = [
    ("Rest. Drink water.", (0, 1)),
    ("Dear [PATIENT],\nRest.", (0,)),
    ("- Rest.\n- Drink water.", (0, 1)),
    ("Yes! Rest.", (0,)),
    ("See a doctor if it lasts Rest.", (0, 2)),
    ("It is not true that Rest.", ()),
    ("Rest.Drink water.", ()),
    ("Rest.x", ()),
    ("rest.", ()),
    (f"{'x' * 60} Rest.", ()),
    ("", ()),
]


@pytest.mark.parametrize(("text", "kept"), CASES)
def test_only_a_sentence_that_stands_by_itself_is_the_drafts(text, kept):
    assert untouched(text, DRAFT) == kept


def test_of_two_that_fit_the_longer_is_meant():
    found = pieces("Rest. And sleep.", ("Rest.", "Rest. And sleep."))
    assert [piece.sentence for piece in found] == [1]


def test_a_sentence_that_the_draft_says_twice_is_kept_twice():
    assert untouched("Rest.", ("Rest.", "Rest.")) == (0, 1)


@given(st.text(alphabet="Rest. Drinkwa\n-", max_size=80))
def test_the_pieces_joined_are_the_text(text):
    assert "".join(piece.text for piece in pieces(text, DRAFT)) == text
