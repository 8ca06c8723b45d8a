"""What repeats an earlier sentence is told from what only sounds like it."""

from __future__ import annotations

import pytest

from services.consult.repeats import parted, repeat

COLD = "Most colds are over within 7 to 10 days, but a cough can last 2 to 3 weeks."


@pytest.mark.parametrize(
    ("later", "earlier"),
    [
        (
            "Most people with colds get better within 7 to 10 days; coughs can last 2 to 3 weeks.",
            COLD,
        ),
        (
            "Dry air, nose picking, colds, and allergies are the usual causes of nosebleeds.",
            "Dry air, nose picking, colds, and allergies often cause nosebleeds.",
        ),
        (COLD, COLD),
    ],
)
def test_the_same_in_other_words_is_a_repeat(later, earlier):
    assert repeat(later, earlier)


@pytest.mark.parametrize(
    ("later", "earlier"),
    [
        (COLD.replace("7 to 10", "7 to 14"), COLD),
        (COLD.replace("3 weeks", "3 months"), COLD),
        (
            "People who plan to drive should not drink alcohol.",
            "Pregnant people and people who may be pregnant should not drink any alcohol.",
        ),
        (
            "Adults with fever may take ibuprofen with food.",
            "Adults with fever may not take ibuprofen with food.",
        ),
        (
            "Nicotine patches are sold without a prescription only to adults.",
            "Nicotine patches, gum, and lozenges are sold without a prescription to adults.",
        ),
        ("It is mild.", "It is mild."),
        ("", COLD),
    ],
)
def test_another_number_a_denial_or_another_matter_is_none(later, earlier):
    assert not repeat(later, earlier)


def test_what_repeats_comes_after_and_nothing_is_lost():
    given = [COLD, "Adults get about 2 to 3 colds a year.", COLD.replace("Most", "Nearly all")]
    kept, again = parted(given, str)
    assert kept == given[:2]
    assert again == given[2:]
