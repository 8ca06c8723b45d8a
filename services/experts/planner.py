"""The parts of a question: sentences, and the halves of a sentence that asks two things.

Splitting is by form alone. A conjunction ends a part only before words that begin a question of
their own ("… and how much …"), so that "salt and sugar" or "nausea and vomiting" stay together.
"""

from __future__ import annotations

import re

_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")
_AND = re.compile(
    r",?\s+(?:and|also|but|plus|y|e|pero)\s+"
    r"(?=(?:also\s+)?(?:what|why|when|where|which|who|how|can|could|may|should|do|does|is|are|will"
    r"|qu[eé]|por qu[eé]|cu[aá]ndo|d[oó]nde|cu[aá]l|qui[eé]n|c[oó]mo|cu[aá]nto|puedo|debo|es)\b)",
    re.IGNORECASE,
)
MOST_PARTS = 8
"""More are not looked at one by one: the rest stays with the last."""


def parts(text: str) -> list[str]:
    """The parts of a text in its order, each as it stands there; one that is empty is left out."""
    found = [p.strip() for s in _SENTENCE.split(text) for p in _AND.split(s) if p.strip()]
    if len(found) > MOST_PARTS:
        found[MOST_PARTS - 1 :] = [" ".join(found[MOST_PARTS - 1 :])]
    return found
