"""Triage of a raw call: a look at the user's last words, bounded in what it costs.

A program's prompt can be as long as a book. The rules read what the consult path would take, of a
longer text its beginning and its end. The second pair of eyes is trained on what a person writes
of themselves, and costs more with every sentence: it is asked where the text is as short as that.
"""

from __future__ import annotations

from services.consult.messages import MAX_QUESTION_CHARS, Triage
from services.consult.triage import Triager

A_PERSONS_MESSAGE = 1_000
"""Characters up to which a text is taken for one."""


def look(triage: Triager, text: str) -> Triage:
    """How urgent the last words of a raw call are; never raises."""
    if len(text) <= A_PERSONS_MESSAGE:
        return triage.assess(text)
    half = MAX_QUESTION_CHARS // 2
    ends = text if len(text) <= MAX_QUESTION_CHARS else f"{text[:half]}\n{text[-half:]}"
    return triage.rules.assess(ends)
