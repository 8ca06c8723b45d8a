"""Two statements set against one another: what is found, and what is never called agreement."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from compliance.yamltext import read_yaml
from services.bricks.knowledge import Knowledge
from services.hospital.opinions.relation import CONTRADICTS, relation
from services.hospital.opinions.statement import Statement
from services.hospital.opinions.terms import terms

PAIRS = read_yaml((Path(__file__).parent / "pairs.yaml").read_text(encoding="utf-8"))
RIGHT = {
    "agree": {"same"},
    "degree": {"degree"},
    "contradict": set(CONTRADICTS),
    "apart": {"apart"},
}


def found(a: str, b: str) -> str:
    first, second = Statement.of(a), Statement.of(b)
    how = relation(first, second)
    assert relation(second, first) == how
    return how


def shares(kind: str, group: str, language: str) -> float:
    pairs = PAIRS[group][language][kind]
    return sum(found(a, b) in RIGHT[kind] for a, b in pairs) / len(pairs)


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("kind", list(RIGHT))
def test_pairs_in_plain_words_are_told_as_what_they_are(kind, language):
    assert shares(kind, "plain", language) == 1.0


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("group", ["plain", "hard"])
def test_no_contradiction_is_ever_called_the_same(group, language):
    told = [found(a, b) for a, b in PAIRS[group][language]["contradict"]]
    assert "same" not in told


def test_of_contradictions_in_words_that_no_list_holds_half_is_found():
    assert shares("contradict", "hard", "en") >= 0.6
    assert shares("contradict", "hard", "es") >= 0.5


@pytest.mark.parametrize(("language", "least"), [("en", 0.85), ("es", 0.95)])
def test_most_contradictions_of_blind_pairs_are_found_and_none_is_the_same(language, least):
    assert shares("contradict", "blind", language) >= least
    assert "same" not in {found(a, b) for a, b in PAIRS["blind"][language]["contradict"]}


@pytest.mark.parametrize(("language", "most"), [("en", 2), ("es", 0)])
def test_what_goes_together_is_not_told_to_contradict(language, most):
    told = [found(a, b) for a, b in PAIRS["blind"][language]["together"]]
    assert sum(how in CONTRADICTS for how in told) <= most


@pytest.mark.parametrize(
    ("a", "b", "how"),
    [
        ("The tablet is taken every 12 hours.", "The tablet is taken twice a day.", "same"),
        ("Take 500 mg of it every 24 hours.", "Take 500 mg of it every 12 hours.", "numbers"),
        ("The dose is 500 mg a day.", "The dose is 500 mg every 12 hours.", "numbers"),
        ("The dose is 500 mg every 12 hours.", "The dose is 1 g in 24 hours.", "degree"),
        ("The dose is 10 mg every day.", "The dose is 70 mg once a week.", "degree"),
        ("Give iron every other day.", "Give iron every 2 days.", "same"),
        ("Stop iron if the rash spreads.", "Continue iron if the rash fades.", "near"),
        ("Iron can be given by mouth.", "Iron can be given intravenously.", "near"),
        ("Warfarin raises the risk.", "Apixaban lowers the risk.", "apart"),
    ],
)
def test_how_often_and_on_which_condition_decide(a, b, how):
    assert found(a, b) == how


def test_a_statement_in_spanish_is_set_against_one_in_english():
    four = "Los adultos pueden tomar hasta 4 gramos de paracetamol al día."
    assert found(four, "Adults may take up to 3 grams of acetaminophen in a day.") == "numbers"


@pytest.mark.parametrize(
    ("a", "b", "how"),
    [
        ("Take 1.5 grams.", "Take 1,5 grams.", "same"),
        ("Vitamin B helps nerves.", "Vitamin D helps nerves.", "apart"),
        ("", "", "same"),
        ("Rest.", "¿?", "apart"),
        ("It isn't unsafe to swim.", "It is safe to swim.", "near"),
        ("You can't swim with a cast.", "You can swim with a cast.", "polarity"),
    ],
)
def test_edges(a, b, how):
    assert found(a, b) == how


@pytest.mark.parametrize(
    ("said", "mg"),
    [
        ("Take 0.125 mg of digoxin a day.", 0.125),
        ("Tome 0,125 mg de digoxina al día.", 0.125),
        ("Take 1.250 mg of digoxin a day.", 1.25),
        ("Take 1,250 mg of digoxin a day.", 1250),
        ("Tome 1.250 mg de digoxina al día.", 1250),
        ("Take 125 mg of digoxin a day.", 125),
    ],
)
def test_a_point_in_a_dose_is_never_lost(said, mg):
    """A thousandfold dose that looks like agreement is the worst that this could say."""
    assert Statement.of(said).quantities["mass"] == ((mg, mg),)
    if mg != 125:
        assert found(said, "Take 125 mg of digoxin a day.") == "numbers"


def test_sources_of_one_topic_are_seldom_said_to_contradict_themselves():
    told = [
        relation(a, b)
        for topic in Knowledge.load("hospital").topics[::19]
        for a, b in combinations([Statement.of(s) for p in topic.passages for s in p.sentences], 2)
    ]
    assert sum(how in CONTRADICTS for how in told) <= len(told) * 0.0005


@pytest.mark.parametrize(
    ("text", "every"),
    [
        ("take it 2 to 3 times a day", ((480.0, 720.0),)),
        ("take it 3 to 2 times a day", ((480.0, 720.0),)),
        ("take it every 8 to 6 hours", ((360.0, 480.0),)),
        ("take it 2 to 0 times a day", ((720.0, 720.0),)),
        ("take it 0 times a day", ()),
    ],
)
def test_how_often_is_read_however_a_model_writes_it(text, every):
    assert terms(text).every == every
