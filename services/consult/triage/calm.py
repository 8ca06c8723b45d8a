"""What a second look need not be taken at: words that carry no alarm, and are often heard as one.

A model that reads short messages hears danger in "I am able to walk" and in "she ate spinach". What
such words stand beside is looked at without them; where nothing but them and small words is said,
there is nothing to look at. They take nothing away from the rules, which have read the whole
message before.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.consult.triage.modality import Modality, Status
from services.consult.triage.normalise import SENTENCE_ENDS
from services.consult.triage.patterns import Hit

_ABILITY, _MEAL, _SMALL, _KIN, _NOT = "ability", "meal", "small", "kin", "not"
_TAKEN_AWAY = frozenset({_ABILITY, _MEAL, "habit"})
"""What is taken away before a second look; a habit is a cue of ``modality.yaml``."""
_KNOCKS = frozenset({"tumble", "knock"})
CALM = _KNOCKS | {_ABILITY, _MEAL, _SMALL, _KIN, _NOT}
"""The kinds of words in ``calm.yaml``."""
SLIPS = frozenset({"pressure_slip"})
"""Concepts of an urgent rule that say, where nothing else is said, all that there is."""


def beside(tokens: Sequence[str], hits: Sequence[Hit], modality: Modality) -> str | None:
    """The words that a second look is to be taken at.

    Args:
        tokens: of the message, in its plain spelling.
        hits: what of `CALM` and `SLIPS` was found in it.
        modality: how each is meant.

    Returns:
        The message without its calm words, "" where it says nothing else; None where it has none
        of them, or words that make them alarming.
    """
    if any(hit.name == _NOT for hit in hits):
        return None
    away = _places([hit for hit in hits if hit.name in _TAKEN_AWAY and _calm(hit, modality)])
    whole = _places([hit for hit in hits if hit.name in _KNOCKS | SLIPS and _calm(hit, modality)])
    if not away and not whole:
        return None
    small = _places([hit for hit in hits if hit.name == _SMALL])
    small |= {i for i, word in enumerate(tokens) if word in SENTENCE_ENDS or word == ","}
    kin = _places([hit for hit in hits if hit.name == _KIN]) if away - whole else set()
    rest = [i for i in range(len(tokens)) if i not in away]
    while rest and rest[-1] in small:
        rest.pop()
    if set(rest) <= whole | small | kin:
        return ""
    return " ".join(tokens[i] for i in rest) if away else None


def _calm(hit: Hit, modality: Modality) -> bool:
    return modality.status(hit.start, hit.end) in {Status.PRESENT, Status.HABIT}


def _places(hits: Sequence[Hit]) -> set[int]:
    return {place for hit in hits for place in range(hit.start, hit.end + 1)}
