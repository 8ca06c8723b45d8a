"""Words: folding, stemming, typing errors and the names of topics in a text."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.bricks.words import (
    NameFinder,
    content_stems,
    fold,
    one_edit_apart,
    stem,
    words,
)

FINDER = NameFinder(
    {
        "asthma": ["Asthma", "wheezing attacks"],
        "gout": ["Gout"],
        "diabetes": ["Type 2 diabetes", "diabetes", "sugar diabetes"],
        "type-1-diabetes": ["Type 1 diabetes"],
        "metformin": ["Metformin (Glucophage)"],
        "warfarin": ["warfarin", "coumadin"],
        "high-blood-pressure": ["High blood pressure", "hypertension"],
        "low-blood-pressure": ["Low blood pressure", "hypotension"],
        "shingles": ["Shingles"],
        "cold": ["common cold", "cold"],
        "measles": ["Measles", "sarampión"],
    }
)


def found(text: str) -> list[str]:
    return [m.topic for m in FINDER.find(text)]


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        ("What is asthma?", ["asthma"]),
        ("ASTHMA", ["asthma"]),
        ("my asthma's worse", ["asthma"]),
        ("a wheezing attack last night", ["asthma"]),
        ("type 1 diabetes", ["type-1-diabetes"]),
        ("type 2 diabetes", ["diabetes"]),
        ("sugar diabetes", ["diabetes"]),
        ("Glucophage", ["metformin"]),
        ("metformin", ["metformin"]),
        ("Metformin (Glucophage)", ["metformin"]),
        ("metformin with coumadin", ["metformin", "warfarin"]),
        ("¿Qué es el SARAMPIÓN?", ["measles"]),
        ("sarampion", ["measles"]),
        ("shingles", ["shingles"]),
        ("high blood pressure", ["high-blood-pressure"]),
    ],
)
def test_names_are_found(text, topics):
    assert found(text) == topics


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("asthmaa", "asthma"),
        ("astma", None),  # five letters: too short to be a misspelt name
        ("ashtma", "asthma"),
        ("asthna", "asthma"),
        ("diabtes", "diabetes"),
        ("daibetes", "diabetes"),
        ("metfromin", "metformin"),
        ("metformine", "metformin"),
        ("warferin", "warfarin"),
        ("cumadin", "warfarin"),
        ("hypertention", "high-blood-pressure"),
        # no match: another word, two errors, a short word, another first letter
        ("good", None),
        ("gouty", None),
        ("bout", None),
        ("colder", None),
        ("metphormine", None),
        ("warefarrin", None),
        ("tasthma", None),
        ("hypertrophy", None),
        ("blood pressure", None),
        ("type 3", None),
        ("meals", None),
        ("", None),
    ],
)
def test_one_typing_error_in_a_long_word_is_forgiven(text, topic):
    assert (found(text) or [None]) == [topic]


def test_a_word_between_two_names_is_neither():
    assert found("hypotention") == ["low-blood-pressure"]
    assert found("hypertension") == ["high-blood-pressure"]
    assert FINDER.correct("hypotension") is None


def test_a_word_that_is_known_otherwise_is_no_misspelt_name():
    assert NameFinder({"shingles": ["Shingles"]}).find("a single dose")
    assert NameFinder({"shingles": ["Shingles"]}, ["single"]).find("a single dose") == []


def test_a_mention_says_whether_it_was_exact():
    exact, mended = FINDER.find("asthma")[0], FINDER.find("ashtma")[0]
    assert (exact.exact, mended.exact) == (True, False)
    assert (exact.start, exact.end) == (0, 1)


def test_the_longest_name_wins_and_mentions_do_not_overlap():
    found_ = FINDER.find("type 2 diabetes and a common cold and cold")
    assert [m.name for m in found_] == ["type 2 diabete", "common cold", "cold"]
    assert all(a.end <= b.start for a, b in pairwise(found_))


def test_a_name_that_two_topics_share_names_both():
    finder = NameFinder({"a": ["rash"], "b": ["rash"]})
    assert [m.topic for m in finder.find("a rash")] == ["a", "b"]


def test_a_name_of_stopwords_alone_names_nothing():
    assert NameFinder({"it": ["IT", "the"]}).find("it is the thing") == []


@pytest.mark.parametrize(
    ("word", "stemmed"),
    [
        ("allergies", "allergy"),
        ("pills", "pill"),
        ("rashes", "rash"),
        ("itches", "itch"),
        ("boxes", "box"),
        ("doses", "dose"),
        ("diabetes", "diabete"),
        ("illness", "illness"),
        ("virus", "virus"),
        ("arthritis", "arthritis"),
        ("gas", "gas"),
        ("ties", "tie"),
        ("headaches", "headache"),
        ("aches", "ache"),
        ("reaches", "reach"),
    ],
)
def test_stems(word, stemmed):
    assert stem(word) == stemmed


def test_folding_takes_accents_case_and_curly_quotes():
    assert fold("Ménière\u2019s ÑANDÚ") == "meniere's nandu"
    assert words("Crohn\u2019s disease, 2 mg") == ["crohn", "disease", "2", "mg"]


def test_content_words_come_once_without_stopwords():
    assert content_stems("What are the signs of signs of asthma?") == ["sign", "asthma"]


@pytest.mark.parametrize(
    ("a", "b", "near"),
    [
        ("abc", "abc", True),
        ("abc", "abd", True),
        ("abc", "abcd", True),
        ("abc", "bc", True),
        ("abc", "acb", True),
        ("ab", "ba", True),
        ("", "a", True),
        ("abc", "cba", False),
        ("abcd", "badc", False),
        ("abc", "abcde", False),
        ("abc", "xbz", False),
        ("", "ab", False),
    ],
)
def test_one_edit_apart(a, b, near):
    assert one_edit_apart(a, b) is near
    assert one_edit_apart(b, a) is near


LETTERS = st.text(alphabet="abcd", max_size=7)


@given(LETTERS, LETTERS)
def test_one_edit_apart_is_that_of_the_definition(a, b):
    def edits(word: str) -> set[str]:
        cuts = [(word[:i], word[i:]) for i in range(len(word) + 1)]
        return {
            word,
            *(x + y[1:] for x, y in cuts if y),
            *(x + y[1] + y[0] + y[2:] for x, y in cuts if len(y) > 1),
            *(x + c + y[1:] for x, y in cuts if y for c in "abcd"),
            *(x + c + y for x, y in cuts for c in "abcd"),
        }

    assert one_edit_apart(a, b) is (b in edits(a))


@given(st.text(max_size=80))
def test_any_text_can_be_searched(text):
    for mention in FINDER.find(text):
        assert 0 <= mention.start < mention.end
