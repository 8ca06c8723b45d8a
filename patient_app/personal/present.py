"""Dress an answer for the person it is shown to; its sentences and citations stay as they are."""

from __future__ import annotations

import re

from patient_app.personal.conversions import converted
from patient_app.personal.plain import plain_words
from patient_app.personal.policy import PersonalPolicy
from services.consult.messages import Answer, Note, Sentence, Status

MAX_NOTES = 6
SIMPLE_SENTENCES = 3
"""Sentences that a simple answer shows at once, besides those that warn."""
_WARNS = re.compile(
    r"\b(911|112|999|988|emergenc|call|llam[ea]|right away|immediate|inmediat|at once|as soon as|"
    r"cuanto antes|doctor|médic[oa]|urgen|hospital|ambulanc|seek|busque|acuda|medical help|"
    r"medical care|get help|atención médica|do not|don't|never|must not|should not|can't|cannot|"
    r"avoid|no tom[ea]|no us[ea]|no debe|evit[ea]|nunca|stop|dej[ea]|allerg|alerg|overdose|"
    r"sobredosis|pregnan|embaraz|poison|veneno|toxic|tóxic|risk|riesgo|danger|peligro|severe|"
    r"serious|seri[oa]s?\b|grave|warn|advert|fatal|mortal|deadly|death|muerte|life-threatening|"
    r"bleed|sangr|suicid|harm|dañ)",
    re.IGNORECASE,
)
"""How words of a warning begin. One too many costs a line; one too few hides what protects."""
_SAYS = {
    "unit": {"en": "{given} is {other}.", "es": "{given} son {other}."},
    "word": {"en": "{given}: {other}.", "es": "{given}: {other}."},
}


def present(answer: Answer, policy: PersonalPolicy) -> Answer:
    """The answer as this person reads it best.

    Args:
        answer: as it was made; an emergency is shown as it is.
        policy: what the person chose.
    """
    if answer.status is Status.EMERGENCY:
        return answer
    shown, more = _measure(answer, policy)
    notes = (*_units(shown, policy), *_words(shown, policy))
    return answer.model_copy(
        update={
            "text": _retold(answer, shown),
            "sentences": shown,
            "more": more,
            "notes": notes[:MAX_NOTES],
        }
    )


def _retold(answer: Answer, shown: tuple[Sentence, ...]) -> str:
    """The text with the sentences that are shown in the place of those it was made of."""
    before = " ".join(s.text for s in answer.sentences)
    return answer.text.replace(before, " ".join(s.text for s in shown)) if before else answer.text


def _measure(
    answer: Answer, policy: PersonalPolicy
) -> tuple[tuple[Sentence, ...], tuple[Sentence, ...]]:
    """What is shown at once and what on demand; together they are what they were."""
    if "clinician" in answer.experts:
        return answer.sentences, answer.more  # what a clinician signed is shown as it was signed
    if policy.reading_level == "detailed":
        return (*answer.sentences, *answer.more), ()
    if policy.reading_level == "standard":
        return answer.sentences, answer.more
    first = answer.sentences[:SIMPLE_SENTENCES]
    later = answer.sentences[SIMPLE_SENTENCES:]
    warning = tuple(s for s in later if _WARNS.search(s.text))
    rest = tuple(s for s in later if not _WARNS.search(s.text))
    return (*first, *warning), (*rest, *answer.more)


def _units(shown: tuple[Sentence, ...], policy: PersonalPolicy) -> list[Note]:
    if policy.units == "as-written":
        return []
    said = {given: other for s in shown for given, other in converted(s.text, policy.units)}
    return [_note("unit", policy, given, other) for given, other in said.items()]


def _words(shown: tuple[Sentence, ...], policy: PersonalPolicy) -> list[Note]:
    """Medical words that a simple answer uses, in plain ones."""
    if policy.reading_level != "simple":
        return []
    text = " ".join(s.text for s in shown)
    found = plain_words(policy.language).explain(text)
    return [_note("word", policy, one.word, one.plain) for one in found]


def _note(kind: str, policy: PersonalPolicy, given: str, other: str) -> Note:
    words = _SAYS[kind][policy.language].format(given=given, other=other)
    return Note.model_validate({"kind": kind, "text": words})
