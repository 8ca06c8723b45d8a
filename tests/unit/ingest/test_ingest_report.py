"""Duplicates and contradictions: found where they are, not where they are not."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from services.bricks.ingest.claims import Claim, contradiction
from services.bricks.ingest.report import CROWD, Comparison
from services.bricks.knowledge import Knowledge, parse_topic

TOPIC = """---
id: {id}
title: {title}
kind: medicine
aliases: [{alias}]
written: 2026-01-02
sources:
  - name: {source}
    url: https://example.org/{id}
---
## {section}
{text}
"""
LONG = (
    "Warfarin makes the blood take longer to clot and so it prevents harmful clots in the veins"
    " and the lungs. Many foods and other medicines change how strongly it acts in the body."
)


def topic(text, *, name="warfarin", title="Warfarin", alias="Coumadin", section="dose"):
    fields = {"title": title, "alias": alias, "section": section, "text": text}
    return parse_topic(TOPIC.format(id=name, source=f"Source {name}", **fields), name)


def findings(*topics):
    packs = [(f"pack-{i}", [t]) for i, t in enumerate(topics)]
    return list(Comparison(packs).findings())


CONTRADICT = {
    "another dose": (
        "Adults should not take more than 4,000 mg of acetaminophen in 24 hours.",
        "Adults should not take more than 3 g of acetaminophen in 24 hours.",
    ),
    "another interval": (
        "Take one ibuprofen tablet every 4 to 6 hours with food.",
        "Take one ibuprofen tablet every 8 hours with food.",
    ),
    "an interval in words": (
        "The stitches are taken out after seven days by the nurse.",
        "The stitches are taken out after 14 days by the nurse.",
    ),
    "another age": (
        "Screening for bowel cancer starts at age 45 in most people.",
        "Screening for bowel cancer starts at age 50 in most people.",
    ),
    "another limit": (
        "Normal blood pressure is below 120 mmHg at the doctor's office.",
        "Normal blood pressure is below 130 mmHg at the doctor's office.",
    ),
    "another share": (
        "The vaccine prevents about 90 percent of severe infections.",
        "The vaccine prevents about 60% of severe infections.",
    ),
    "should and should not": (
        "People with asthma should take aspirin for a headache.",
        "People with asthma should not take aspirin for a headache.",
    ),
    "can and cannot": (
        "Warfarin can be taken together with ibuprofen tablets.",
        "Warfarin cannot be taken together with ibuprofen tablets.",
    ),
    "take and avoid": (
        "People on warfarin should eat large amounts of spinach.",
        "People on warfarin should avoid large amounts of spinach.",
    ),
}
AGREE = {
    "the same in other units": (
        "Adults should not take more than 4,000 mg of acetaminophen a day.",
        "Adults should not take more than 4 g of acetaminophen a day.",
    ),
    "days and weeks": (
        "The rash from the medicine goes away within 14 days.",
        "The rash from the medicine goes away within two weeks.",
    ),
    "other people": (
        "The usual dose of amoxicillin for adults is 500 mg.",
        "The usual dose of amoxicillin for children is 250 mg.",
    ),
    "another type": (
        "About 5 percent of people with diabetes have type 1 diabetes.",
        "About 90 percent of people with diabetes have type 2 diabetes.",
    ),
    "one says more": (
        "Take ibuprofen every 6 hours with food or milk.",
        "Take ibuprofen every 6 hours with food or milk for 3 days.",
    ),
    "another matter": (
        "Take 5 mg of warfarin in the evening.",
        "The tablets of 2 mg are lavender in the United States.",
    ),
    "the same, with and without apostrophe": (
        "The risk doesn't mean that you will get cancer of the skin.",
        "The risk doesnt mean that you will get cancer of the skin.",
    ),
    "telephone numbers": (
        "Call Poison Control at 1-800-222-1222 about an overdose of warfarin.",
        "Call Poison Control at 1-800-222-1223 about an overdose of warfarin.",
    ),
}


@pytest.mark.parametrize("case", CONTRADICT)
def test_a_contradiction_is_found_both_ways_round(case):
    one, other = (Claim.of(s) for s in CONTRADICT[case])
    assert contradiction(one, other) is not None
    assert contradiction(other, one) is not None


@pytest.mark.parametrize("case", AGREE)
def test_what_agrees_or_speaks_of_something_else_is_no_contradiction(case):
    one, other = (Claim.of(s) for s in AGREE[case])
    assert contradiction(one, other) is None
    assert contradiction(other, one) is None


def test_numbers_that_were_changed_in_the_pack_that_ships_are_found():
    changed, found = 0, 0
    for passage in Knowledge.load("hospital").passages:
        for sentence in passage.sentences:
            claim = Claim.of(sentence)
            if not claim.quantities or len(claim.said) < 4 or not claim.words:
                continue
            other = Claim.of(re.sub(r"\d[\d,.]*\d|\d", lambda m: f"9{m[0]}", sentence))
            if other.quantities == claim.quantities:
                continue  # the number was a word
            changed += 1
            found += contradiction(claim, other) is not None
    assert changed > 150
    assert found / changed >= 0.97


def test_both_sources_are_named_with_what_they_say():
    one, other = CONTRADICT["another dose"]
    (found,) = findings(topic(one), topic(other, name="other", title="Coumadin", alias="x"))
    assert (found.kind, found.detail, found.section) == ("numbers", "mass", "dose")
    assert (found.left.pack, found.left.source, found.left.quote) == (
        "pack-0",
        "Source warfarin",
        one,
    )
    assert (found.right.pack, found.right.source, found.right.quote) == (
        "pack-1",
        "Source other",
        other,
    )
    assert found.right.url == "https://example.org/other"


def test_passages_that_say_the_same_are_duplicates():
    (found,) = findings(topic(LONG), topic(f"{LONG} It is old.", name="b"))
    assert (found.kind, found.detail) == ("duplicate", "1.00")


@pytest.mark.parametrize(
    "other",
    [
        topic(LONG, name="b", section="uses"),
        topic(LONG, name="b", title="Heparin", alias="x"),
        topic("Something else is said here about how it is taken with food each day.", name="b"),
    ],
    ids=["another section", "another entity", "another text"],
)
def test_other_sections_entities_and_texts_are_no_duplicates(other):
    assert findings(topic(LONG), other) == []


def test_a_pair_is_reported_once_however_many_names_it_shares():
    assert len(findings(topic(LONG), topic(LONG, name="b"))) == 1


def test_a_topic_is_not_compared_with_itself():
    made = topic(LONG)
    assert list(Comparison([("p", [made])]).findings()) == []


def test_within_one_pack_two_documents_are_compared():
    assert len(list(Comparison([("p", [topic(LONG), topic(LONG, name="b")])]).findings())) == 1


def test_of_a_crowd_what_is_left_out_is_counted():
    crowd = []
    for number in range(CROWD + 5):
        made = topic(f"Text {number} has nothing in common.", name=f"t{number}", alias=f"a{number}")
        crowd.append(replace(made))
    comparison = Comparison([("p", crowd)])
    assert list(comparison.findings()) == []
    assert comparison.left_out == 5


def test_matters_without_a_section_are_not_said_to_contradict():
    one, other = CONTRADICT["another dose"]
    assert findings(topic(one, section="more"), topic(other, name="b", section="more")) == []
