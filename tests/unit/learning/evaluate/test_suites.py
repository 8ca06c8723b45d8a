"""Suites are read with care, and an answer is worth what its item says."""

from __future__ import annotations

import pytest

from compliance.errors import BadInputError
from services.learning.evaluate import Item, Suites, read_suite
from services.learning.evaluate.held import overlap, right
from services.learning.policy import Policy

GOOD = """
kind: answer
items:
  - {ask: "Which door?", accept: [copper door], avoid: [front door]}
"""


@pytest.mark.parametrize(
    ("said", "worth"),
    [
        ("Use the Copper  door.", 1.0),
        ("Use the copper doors.", 0.0),
        ("Not the front door, the copper door.", 0.0),
        ("", 0.0),
        ("I do not know.", 0.0),
    ],
)
def test_an_answer_is_right_with_an_accepted_text_as_whole_words_and_none_to_avoid(said, worth):
    item = Item(ask="Which door?", accept=("copper door",), avoid=("front door",))
    assert right(said, item) == worth


def test_accents_and_case_make_no_difference():
    assert right("LLAME AL MEDICO", Item(ask="?", accept=("llame al médico",))) == 1.0


def test_overlap_is_the_share_of_the_reference_words_that_an_answer_holds():
    item = Item(ask="?", text="Wash the wound with water.")
    assert overlap("Water, then wash it.", item) == pytest.approx(2 / 4)
    assert overlap("Nothing of it.", Item(ask="?", text="a or b")) == 0.0


def test_every_suite_of_the_shipped_policy_is_there_and_large_enough():
    suites = Suites()
    for policy in Policy.load().domains.values():
        release = policy.release
        for name in (*release.suites, *release.protected, *release.safety):
            assert len(suites.get(name).items) >= release.items
        assert len(suites.get("shadow").items) >= release.shadow
        for name in release.protected:  # with fewer, a loss of 2 % cannot be told from chance
            assert len(suites.get(name).items) >= 3 / release.worse_by


def test_the_protected_suite_is_the_same_each_time_and_no_sentence_that_training_sees():
    from services.learning.train.material import protected

    first, second = Suites().get("protected"), Suites().get("protected")
    assert first.digest == second.digest
    seen = {example.answer for example in protected()}
    assert not seen & {item.text for item in first.items}


def test_a_hospitals_own_suite_stands_in_the_place_of_the_shipped_one(tmp_path):
    (tmp_path / "learned.yaml").write_text(GOOD)
    suites = Suites(tmp_path)
    assert [item.ask for item in suites.get("learned").items] == ["Which door?"]
    assert suites.get("safety").kind == "choice"
    assert suites.get("nowhere") is None
    assert suites.get("../suites/safety") is None
    (tmp_path / "learned.yaml").write_text(GOOD.replace("copper", "green"))
    assert suites.get("learned").items[0].accept == ("green door",)  # mended while a round waits


@pytest.mark.parametrize(
    "text",
    [
        "kind: answer\nitems: []",
        "kind: answer\nitems: [{ask: Why?}]",
        "kind: choice\nitems: [{ask: Why?, worse: [x]}]",
        "kind: text\nitems: [{ask: Why?, text: a}, {ask: Why?, text: a}]",
        "kind: guess\nitems: [{ask: Why?, text: a}]",
        "kind: [",
        "- a list",
        "kind: text\nsecret: 1\nitems: [{ask: Why?, text: a}]",
        "kind: text\nitems: [{ask: ' ', text: a}]",
        "kind: answer\nitems: [{ask: Why?, accept: ['?!']}]",
    ],
    ids=[
        "empty",
        "no-accept",
        "no-text",
        "twice",
        "kind",
        "torn",
        "list",
        "unknown",
        "blank",
        "no-word",
    ],
)
def test_a_suite_that_does_not_hold_together_is_refused_by_name(tmp_path, text):
    (tmp_path / "own.yaml").write_text(text)
    with pytest.raises(BadInputError, match="own"):
        read_suite(tmp_path / "own.yaml")


def test_a_folder_of_suites_that_is_not_there_is_said_at_the_start(tmp_path):
    with pytest.raises(BadInputError, match="no folder of suites"):
        Suites(tmp_path / "nowhere")
