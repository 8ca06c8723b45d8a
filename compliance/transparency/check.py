"""The gate: which models may be released, by what their cards say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from compliance.transparency.artifacts import ROOT, locate, shipped
from compliance.transparency.cards import FOLDER, Card, Unknown, load_cards
from compliance.transparency.errors import CardError
from compliance.transparency.fields import Field, fields
from compliance.transparency.figures import filled

LEAST_CHARS = 12
"""A shorter answer is none; "n/a", "none" and "tbd" say nothing."""


def check_cards(folder: Path = FOLDER, root: Path = ROOT) -> list[str]:
    """Every fault that forbids a release, as sentences; none means that it may go out.

    The fields of a card are asked for whether or not its model is here, so that a card is ready
    before the model is. Figures are asked for once the model is here.
    """
    try:
        cards = load_cards(folder)
    except CardError as error:
        return list(error.findings)
    return [*_uncarded(cards, root), *(f for card in cards for f in card_faults(card, root))]


def require_cards(folder: Path = FOLDER, root: Path = ROOT) -> None:
    """Refuse a release.

    Raises:
        CardError: `check_cards` found something.
    """
    found = check_cards(folder, root)
    if found:
        raise CardError(found)


def card_faults(card: Card, root: Path = ROOT) -> Iterator[str]:
    """What is wrong with one card."""
    for key, field in fields().items():
        fault = _fault(card, field, root)
        if fault:
            rule = f", {field.hti} of the rule" if field.hti else ""
            yield f"{card.id}: {key}{rule}: {fault}"
    for key in card.answers.keys() - fields().keys():
        yield f"{card.id}: {key}: no such field"


def ships(card: Card, root: Path = ROOT) -> bool:
    """Whether the model is here."""
    return any(locate(name, root) for name in card.artifacts)


def _fault(card: Card, field: Field, root: Path) -> str | None:
    answer = card.answers.get(field.key)
    if answer is None:
        return "missing"
    if isinstance(answer, Unknown):
        return None if field.unknown else "must be answered, it may not be unknown"
    if len(answer.strip()) < LEAST_CHARS:
        return "too short to say anything"
    try:
        filled(answer, root)
    except LookupError as error:
        return str(error) if ships(card, root) else None
    return None


def _uncarded(cards: Iterable[Card], root: Path) -> Iterator[str]:
    """Models without a card, and files that two cards claim."""
    claimed = Counter(name for card in cards for name in card.artifacts)
    for name in shipped(root):
        if name not in claimed:
            yield f"{name} has no card"
    for name, count in claimed.items():
        if count > 1:
            yield f"{name} has {count} cards"
