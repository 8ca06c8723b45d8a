"""What a node trains on: its own signals that teach something, and what every site has."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from compliance.yamltext import read_yaml
from services.learning.models import Signal
from services.learning.train.request import Example
from services.store.rows import taken

PROTECTED = Path(__file__).with_name("protected.yaml")


@dataclass(frozen=True)
class Material:
    """Own examples, and the ids of the signals that they are; ``people`` they are of."""

    examples: tuple[Example, ...] = ()
    signals: tuple[str, ...] = ()
    people: int = 0


def material(session: Session, domain: str, now: datetime, per_person: int) -> Material:
    """The signals of a domain that say what would have been better, newest first.

    One that also says what was wrong is a preference pair. A person's own word that something is
    wrong is none of them until a clinician has said what is right.

    What has expired or was used is left out; what was withdrawn is not there any more.

    Args:
        session: of the node's database.
        domain: of the round.
        now: the moment of asking.
        per_person: examples that one person may have among them.
    """
    query = select(Signal).where(
        Signal.domain == domain,
        Signal.better.is_not(None),
        Signal.used.is_(None),
        Signal.expires > now,
    )
    counted: Counter[str] = Counter()
    chosen: list[Signal] = []
    for signal in session.scalars(query.order_by(Signal.made.desc(), Signal.id)):
        if counted[signal.subject] < per_person:
            counted[signal.subject] += 1
            chosen.append(signal)
    return Material(
        tuple(Example(s.question, s.better or "", worse=s.worse or "") for s in chosen),
        tuple(signal.id for signal in chosen),
        len(counted),
    )


def mark_used(session: Session, signals: tuple[str, ...], contribution: str) -> bool:
    """Write down which contribution was made of these signals; whether all are still there."""
    there = taken(session, Signal.id, Signal.id.in_(signals))
    session.execute(update(Signal).where(Signal.id.in_(there)).values(used=contribution))
    return len(there) == len(signals)


def mark_unused(session: Session, contribution: str) -> None:
    """Let signals be learned from again: what was made of them went nowhere."""
    session.execute(update(Signal).where(Signal.used == contribution).values(used=None))


@cache
def protected() -> tuple[Example, ...]:
    """The reviewed examples that every site has, so that nothing common is forgotten."""
    held = read_yaml(PROTECTED.read_text(encoding="utf-8"))
    return tuple(Example(**each) for each in held["examples"])
