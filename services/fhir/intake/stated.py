"""What an answer states in words, for triage: also where the words are those of the question.

"Do you have chest pain?", answered with yes, is as much of a report as "I have chest pain", and so
is a statement that somebody agrees with by a choice ("thoughts of hurting yourself": nearly every
day). Forms of others are read as ours are. What is answered with no, or not at all, states nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.fhir.intake.answers import Answer

_DENIED = frozenset(
    {
        *("no", "n", "not at all", "never", "none", "unknown", "unk", "asku", "not sure"),
        *("i don't know", "don't know", "not applicable", "n/a", "na", "false", "absent"),
        *("nunca", "ninguno", "ninguna", "para nada", "ningún día", "no sé", "no aplica"),
        *("la32-8", "la6568-5", "373067005", "260413007"),
    }
)
"""Choices that deny what was asked: their words, and the codes of LOINC and SNOMED CT for them."""
_BEGINNINGS = {"do": "I", "did": "I", "are": "I am", "were": "I was", "have": "I have"}
_BEGINNING = re.compile(r"^(do|did|are|were|have) you\b", re.IGNORECASE)
_OTHERS = {"yourself": "myself", "your": "my", "you": "I"}
_OTHER = re.compile(r"\b(yourself|your|you)\b", re.IGNORECASE)


def stated(answer: Answer) -> Iterator[str]:
    """Yield the words of an answer, and those of its question where it agrees with them."""
    if answer.text:
        yield answer.text
    elif answer.kind == "Boolean" and answer.value is True:
        yield from _agreed(answer.asked)
    elif answer.kind == "Coding" and not _denies(answer):
        yield from filter(None, [answer.display])
        yield from _agreed(answer.asked)


def _denies(answer: Answer) -> bool:
    words = {answer.code.strip().lower(), answer.display.lower().rstrip(".")} - {""}
    return bool(words & _DENIED)


def _agreed(question: str) -> Iterator[str]:
    """A question as the statement that a yes to it is."""
    begun = _BEGINNING.sub(lambda found: _BEGINNINGS[found[1].lower()], question.strip())
    text = _OTHER.sub(lambda found: _OTHERS[found[1].lower()], begun).rstrip(" ?:").lstrip("¿")
    if text:
        yield text
