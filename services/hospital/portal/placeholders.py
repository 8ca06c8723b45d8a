"""Placeholders in a reply: only those of the question, each exactly as it stands there.

The device puts the person's own words back for each placeholder and refuses an answer with any
other, so a reply with a damaged one would be signed and never be read. What looks like a
placeholder is decided by the same rule as on the device.
"""

from __future__ import annotations

from compliance.deidentify.normalise import normalise
from compliance.deidentify.placeholders import placeholder_like
from services.exchange.messages import ReferredQuestion
from services.hospital.portal.errors import PlaceholderRefusedError


def placeholders(text: str) -> tuple[str, ...]:
    """What is, or could be meant as, a placeholder in a text; in order, each once."""
    plain = normalise(text)
    spans = (plain.span(start, end) for start, end in placeholder_like(plain))
    return tuple(dict.fromkeys(text[start:end] for start, end in spans))


def given(question: ReferredQuestion) -> tuple[str, ...]:
    """The placeholders of a question, its earlier turns and its facts."""
    texts = (question.text, *(t.text for t in question.history), *(f.text for f in question.facts))
    return placeholders("\n".join(texts))


def damaged(text: str, question: ReferredQuestion) -> tuple[str, ...]:
    """Placeholders of a reply that are not the question's."""
    known = given(question)
    return tuple(found for found in placeholders(text) if found not in known)


def check(text: str, question: ReferredQuestion) -> None:
    """Let a reply pass whose placeholders are all the question's.

    Raises:
        PlaceholderRefusedError: with those that are not.
    """
    found = damaged(text, question)
    if found:
        raise PlaceholderRefusedError(
            "The reply holds a placeholder that is not in the question.", found=found
        )
