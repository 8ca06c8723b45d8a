"""What the clinic deletes by the retention schedule, rule by rule."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete

from compliance.retention import RetentionError, Schedule, Sweeper
from services.exchange.intake import ENDED, Intake
from services.exchange.models import StoredParcel
from services.exchange.registry import Registry
from services.learning.signals import forget_over
from services.store.rows import changed, idle


def clinic_sweeper(
    schedule: Schedule, intake: Intake, registry: Registry, *, shortest: timedelta
) -> Sweeper:
    """Put the schedule's rules and what deletes by them together.

    Args:
        schedule: says how long what is kept.
        intake: with the referrals.
        registry: with call tokens and enrolment codes.
        shortest: how long an ended referral stays at least, whatever the schedule says.

    Raises:
        RetentionError: they do not match, or ended referrals would go sooner than ``shortest``.
    """
    sweeper = Sweeper(
        schedule,
        "clinic",
        {
            "clinic.referral": lambda before, held: _ended(intake, before, held),
            "clinic.signal": lambda before, _held: forget_over(intake.database, before),
            "clinic.token": lambda _before, _held: registry.forget_expired(),
        },
    )
    if (schedule.rule("clinic.referral").keep or timedelta(0)) < shortest:
        raise RetentionError(
            "The retention schedule deletes a referral while it could still come again.",
            remedy=f"Keep `clinic.referral` for at least {shortest.days} days.",
        )
    return sweeper


def _ended(intake: Intake, before: datetime, held: frozenset[str]) -> int:
    """Delete referrals that ended and came before a moment, and withdrawals as old."""
    kept = [subject.removeprefix("referral:") for subject in held]
    intake.withdrawals.forget(before)
    with intake.database.transaction() as session:
        gone = session.execute(
            delete(StoredParcel).where(
                idle(
                    StoredParcel,
                    StoredParcel.state.in_(ENDED),
                    StoredParcel.received < before,
                    StoredParcel.id.not_in(kept),
                )
            )
        )
        return changed(gone)
