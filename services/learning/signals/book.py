"""The signals of one node: kept once, counted, ended with their consent or their time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from compliance.errors import BadInputError, NotFoundError
from services.learning.models import Signal
from services.learning.signals.message import SentSignal
from services.store.database import Database
from services.store.rows import changed, idle, taken

FROM_PATIENTS = ("thumb", "correction")
"""Kinds of what patients say; the others tell of what clinicians did."""
EDIT = "edit-"
"""In front of a referral's id: the signal that came of what a clinician made of its draft."""


def from_patient(sent: SentSignal, *, device: str, keep_for: timedelta) -> Signal:
    """The row of what a person sent.

    Args:
        sent: as it was unsealed.
        device: fingerprint of the device that signed its receipt; the person's pseudonym.
        keep_for: how long a signal is kept; one whose consent ends sooner ends with it.
    """
    now = datetime.now(UTC)
    latest = now + keep_for
    return Signal(
        id=sent.signal,
        kind="correction" if sent.verdict == "wrong" else "thumb",
        domain=sent.domain,
        question=sent.question,
        better=None,
        worse=None if sent.verdict == "up" else sent.answer,
        note=sent.note,
        consent=sent.consent,
        subject=device,
        made=now,
        expires=latest if sent.ends is None else min(latest, sent.ends),
    )


def keep(session: Session, signal: Signal) -> bool:
    """Keep a signal, unless it is there already; returns whether it is new."""
    if session.get(Signal, signal.id) is not None:
        return False
    session.add(signal)
    return True


def learned_from(session: Session, device: str, consent: str) -> frozenset[str]:
    """Contributions that were made, among others, of what a device sent under a consent."""
    query = select(Signal.used).where(
        Signal.subject == device, Signal.consent == consent, Signal.used.is_not(None)
    )
    return frozenset(used for used in session.scalars(query) if used)


def forget_consent(session: Session, device: str, consent: str) -> int:
    """Delete what a device sent under a consent that it withdrew; returns how many."""
    ids = taken(session, Signal.id, Signal.subject == device, Signal.consent == consent)
    return changed(session.execute(delete(Signal).where(Signal.id.in_(ids))))


def forget_referral(session: Session, referral: str) -> int:
    """Delete what was learned from a referral that is erased; returns how many."""
    ids = (referral, f"{EDIT}{referral}")
    return changed(session.execute(delete(Signal).where(Signal.id.in_(ids))))


def forget_over(database: Database, before: datetime) -> int:
    """Delete signals that were given before a moment, or whose own end has come."""
    over = or_(Signal.made < before, Signal.expires <= datetime.now(UTC))
    with database.transaction() as session:
        return changed(session.execute(delete(Signal).where(idle(Signal, over))))


def answer_correction(database: Database, begins: str, better: str) -> str:
    """Put a clinician's words beside an answer that a person says is wrong: a preference pair.

    Args:
        database: of the node.
        begins: id of the signal, or how it begins.
        better: what would have been right, without a word about the person.

    Returns:
        The id.

    Raises:
        NotFoundError: no signal, or more than one, begins so.
        BadInputError: there are no words, or it was learned from already.
    """
    if not better.strip():
        raise BadInputError("An answer has words.")
    with database.transaction() as session:
        starts = Signal.id.startswith(begins, autoescape=True)
        wrong = select(Signal).where(
            starts, Signal.kind.in_(FROM_PATIENTS), Signal.worse.is_not(None)
        )
        found = list(session.scalars(wrong))
        if len(found) != 1:
            raise NotFoundError(
                f"{len(found)} signals that something is wrong begin with {begins[:64]}.",
                remedy="Name it in full.",
            )
        if found[0].used is not None:
            raise BadInputError("It was learned from already.")
        found[0].better = better
        return found[0].id


def counted(session: Session, domain: str, since: datetime | None = None) -> tuple[int, int]:
    """How many signals of a domain say that something was wrong, and how many there are.

    Args:
        session: of the node.
        domain: of the update policy.
        since: only what was said after this.
    """
    wrong = func.count(func.coalesce(Signal.better, Signal.worse))
    query = select(wrong, func.count(Signal.id)).where(
        Signal.domain == domain, Signal.expires > datetime.now(UTC)
    )
    if since is not None:
        query = query.where(Signal.made > since)
    found = session.execute(query).one()
    return int(found[0]), int(found[1])
