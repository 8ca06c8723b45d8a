"""Questions about children: what is written of a dose for adults is none for a child."""

from __future__ import annotations

import re

from services.bricks.knowledge import TopicHead
from services.consult.messages import Person
from services.consult.record import words
from services.consult.record.situation import ADULT_MONTHS, Known, situation

_CHILD = re.compile(
    r"\b(?:child|children|child's|bab(?:y|ies)|infants?|newborns?|toddlers?|teen(?:ager)?s?"
    r"|pediatric|(?:years|months) (?:old|and older|or older|of age))\b",
    re.IGNORECASE,
)
_AMOUNT = re.compile(
    r"\b\d[\d.,]* ?(?:mg|mcg|grams?|g|ml|units?|tablets?|capsules?|pills?|puffs?)\b(?!/)",
    re.IGNORECASE,
)
_ADULT = re.compile(
    r"\badults?\b|\b(?:once|twice|two|three|four|times) (?:or \w+ times )?(?:a|per|every) day\b",
    re.IGNORECASE,
)
"""What, of a medicine, tells of adults or how often it is taken."""
_BARE_AGE = re.compile(
    r"\b(?:i['\u2019]?m|i am|aged?|s?he(?:['\u2019]s| is)|tengo|tiene)"
    r" (?:only |just |solo )?(?:1[0-7]|[1-9])"
    r"(?=\s*(?:$|[,;!?)]|\.(?!\d)|(?:and|but|so|with|y|pero|con)\b))",
    re.IGNORECASE,
)
"""An age below 18 without its unit, as people say their own."""


def meant(text: str, person: Person) -> bool:
    """Whether a question is about somebody under 18, by its own words or by who the person is."""
    months = None if person.age_years is None else 12 * person.age_years
    known = Known(months=months, sex=person.sex, pregnant=person.pregnant)
    about = situation(words.fold(text), known)
    if about.ages is not None:
        return about.ages.low < ADULT_MONTHS
    return about.child or _BARE_AGE.search(text) is not None or (known.minor and not about.other)


def named(sentence: str) -> bool:
    """Whether a sentence speaks of children, or of ages from which something holds."""
    return _CHILD.search(sentence) is not None


def suited(sentence: str, topic: TopicHead) -> bool:
    """Whether a sentence may be told of a child: no amount, and no dose, that names no children."""
    if named(sentence):
        return True
    of_adults = topic.kind == "medicine" and _ADULT.search(sentence) is not None
    return not of_adults and _AMOUNT.search(sentence) is None
