"""Needs in words find their node of the tree; what is said outright stands."""

from __future__ import annotations

import pytest

from services.advisor.need import Tree


@pytest.fixture(scope="module")
def tree(embedder):
    return Tree(embedder.encode)


@pytest.mark.parametrize(
    ("need", "path"),
    [
        ("answer parents' questions about a child with fever", "all/en/medicine/paediatrics"),
        ("GPU server for clinicians, cancer patients", "all/en/medicine/oncology/hospital"),
        ("something for our dialysis unit", "all/en/medicine/nephrology"),
        ("summarise discharge letters", "all/en/medicine/discharge"),
        ("a chatbot for skin problems", "all/en/medicine/dermatology"),
        ("health questions", "all/en/medicine"),
        ("Spanish leaflets for heart patients", "all/es/medicine/cardiology"),
        ("respuestas para los pacientes", "all/es/medicine"),
        ("programming help", "all/en/general"),
        ("I need a model", "all/en/medicine"),
        ("", "all/en/medicine"),
    ],
)
def test_a_need_is_put_at_its_node(tree, need, path):
    place = tree.place(need or None)
    assert "/".join(place.path[: len(path.split("/"))]) == path


def test_what_is_said_outright_is_not_overruled(tree):
    place = tree.place("a phone app in Spanish", language="en", tier="hospital")
    assert (place.language, place.tier) == ("en", "hospital")


def test_the_scores_behind_a_place_are_told(tree):
    place = tree.place("private assistant on my phone for my asthma")
    assert place.scores["respiratory"] > place.scores["cardiology"]
    assert place.tier == "device"
