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


Span = tuple[int, int]
"""Where a part begins in its text, and where it has ended."""


def spans(text: str) -> list[Span]:
    """The parts of a text in its order; one without a word in it is left out."""
    cuts = sorted(m.span() for rule in (_SENTENCE, _AND) for m in rule.finditer(text))
    edges = [0, *(place for cut in cuts for place in cut), len(text)]
    found = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if text[a:b].strip()]
    if len(found) > MOST_PARTS:
        found[MOST_PARTS - 1 :] = [(found[MOST_PARTS - 1][0], found[-1][1])]
    return found


def parts(text: str) -> list[str]:
    """The same as texts."""
    return [text[start:end].strip() for start, end in spans(text)]
