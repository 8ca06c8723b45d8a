"""Spelling, normalising, and the pattern language."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.consult.triage.normalise import fold, rewrite, tokenise
from services.consult.triage.patterns import PatternBook, TokenText
from services.consult.triage.spelling import Speller, one_slip_apart


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("I can\u2019t", ["i", "cant"]),
        ("Mom's face", ["mom", "is", "face"]),
        ("38,5°", ["38.5", "°"]),
        ("sooo bad", ["so", "bad"]),
        ("¿Qué?", ["que", "?"]),
        ("wait... what", ["wait", ".", "what"]),
        ("6wk-old", ["6", "wk", "old"]),
        ("a\u200bb", ["ab"]),
        ("\uff21\uff22", ["ab"]),
        ("190/125", ["190", "/", "125"]),
        ("one\ntwo\n\nthree", ["one", ",", "two", ".", "three"]),
        ("", []),
    ],
)
def test_text_is_cut_into_plain_tokens(text: str, tokens: list[str]) -> None:
    assert tokenise(fold(text)) == tokens


def test_the_longest_short_form_is_rewritten_first() -> None:
    table = {("can", "not"): ("cant",), ("can",): ("could",)}
    assert rewrite(["can", "not", "can"], table) == ["cant", "could"]


@given(st.text())
def test_folding_never_fails_and_settles(text: str) -> None:
    tokens = tokenise(fold(text))
    assert all(tokens)
    assert tokenise(fold(text)) == tokens


@pytest.mark.parametrize(
    ("left", "right", "near"),
    [
        ("chest", "chset", True),
        ("chest", "ches", True),
        ("chest", "chestt", True),
        ("chest", "chast", True),
        ("chest", "chst", True),
        ("chest", "chess", True),
        ("chest", "heart", False),
        ("chest", "che", False),
        ("abcd", "badc", False),
    ],
)
def test_one_slip(left: str, right: str, near: bool) -> None:
    assert one_slip_apart(left, right) is near
    assert one_slip_apart(right, left) is near


def test_an_ordinary_word_is_not_corrected() -> None:
    speller = Speller(["chest", "fever"], ["chess", "never"])
    assert speller.readings("chset") == ("chest",)
    assert speller.readings("chess") == ()
    assert speller.readings("never") == ()
    assert speller.readings("xhest") == ()
    assert speller.readings("c" * 1000) == ()


def book(*patterns: str) -> PatternBook:
    made = PatternBook(
        {"pain": ["hurts", "ache"], "body": ["chest", "@pain"]}, ["my", "the"], ["but"]
    )
    for pattern in patterns:
        made.add("it", pattern)
    return made


def find(pattern: str, text: str) -> list[tuple[int, int]]:
    made = book(pattern)
    return [(h.start, h.end) for h in made.find(TokenText(text.split(), made))]


@pytest.mark.parametrize(
    ("pattern", "text", "spans"),
    [
        ("chest @pain", "chest hurts", [(0, 1)]),
        ("chest @pain", "chest my the hurts", [(0, 3)]),
        ("chest @pain", "chest now hurts", []),
        ("chest ~1 @pain", "chest now hurts", [(0, 2)]),
        ("chest ~1 @pain", "chest now then hurts", []),
        ("chest ~3 @pain", "chest . hurts", []),
        ("chest & @pain", "hurts in chest", [(0, 2)]),
        ("chest & @pain", "chest but hurts", []),
        ("chest & @pain", "chest a b c d e f g h hurts", []),
        ("che* hurts", "cheek hurts", [(0, 1)]),
        ("very? bad", "bad", [(0, 0)]),
        ("so ~2 very? bad", "so x y bad", [(0, 3)]),
        ("# days", "5 days", [(0, 1)]),
        ("in #year", "in 2015", [(0, 1)]),
        ("in #year", "in 12", []),
        ("a|b c", "b c a c", [(0, 1), (2, 3)]),
        ("chest @pain", "", []),
    ],
)
def test_a_pattern_finds(pattern: str, text: str, spans: list[tuple[int, int]]) -> None:
    assert find(pattern, text) == spans


@pytest.mark.parametrize("pattern", ["", "very?", "@unknown", "a||b", "~2", "a & "])
def test_a_bad_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"pattern|class|alternative"):
        book(pattern)


def test_a_circular_class_is_refused() -> None:
    made = PatternBook({"a": ["@b"], "b": ["@a"]}, [], [])
    with pytest.raises(ValueError, match="circular"):
        made.add("it", "@a")


@given(st.lists(st.sampled_from(["chest", "my", "x", ".", "hurts", "but"]), max_size=60))
def test_the_bit_matcher_agrees_with_a_plain_search(words: list[str]) -> None:
    made = book("chest ~1 hurts")
    found = {h.end for h in made.find(TokenText(words, made))}
    assert found == _plain(words)


def _plain(words: list[str]) -> set[int]:
    """Ends of ``chest ~1 hurts`` by walking: up to three fillers, a word, up to three fillers."""
    ends: set[int] = set()
    for start, word in enumerate(words):
        if word != "chest":
            continue
        reach = _skip(words, {start + 1})
        free = {p + 1 for p in reach if p < len(words) and words[p] not in (".", "but")}
        reach |= _skip(words, free)
        ends |= {p for p in reach if p < len(words) and words[p] == "hurts"}
    return ends


def _skip(words: list[str], places: set[int]) -> set[int]:
    result = set(places)
    for _ in range(3):
        result |= {p + 1 for p in result if p < len(words) and words[p] == "my"}
    return result
