"""Until when a referral is snoozed: the moments that a page offers, in a clinician's own time."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone, tzinfo

EVENING, MORNING = 18, 8
"""Hours of the day that "this evening" and "tomorrow morning" mean."""
_EARLY = timedelta(minutes=30)
"""So long before it, "this evening" is no longer offered."""
_MOST_MINUTES = 14 * 60
CHOICES = ("hour", "evening", "morning", "own")


def zone_of(offset: str, now: datetime) -> tzinfo | None:
    """The reader's zone, by the browser's minutes behind UTC; the hospital's where it says none."""
    try:
        minutes = int(offset)
    except ValueError:
        return now.astimezone().tzinfo
    if abs(minutes) > _MOST_MINUTES:
        return now.astimezone().tzinfo
    return timezone(-timedelta(minutes=minutes))


def has_evening(now: datetime, zone: tzinfo | None) -> bool:
    """Whether the evening of today is still to come."""
    return now < _at(now.astimezone(zone), EVENING) - _EARLY


def until_of(choice: str, own: str, now: datetime, zone: tzinfo | None) -> datetime | None:
    """The moment of a choice; None where there is no such choice, or its time has passed.

    Args:
        choice: one of `CHOICES`.
        own: ``2026-11-27T09:30``, for the choice ``own``.
        now: the present.
        zone: that the reader means.
    """
    here = now.astimezone(zone)
    if choice == "hour":
        return now + timedelta(hours=1)
    if choice == "evening" and has_evening(now, zone):
        return _at(here, EVENING)
    if choice == "morning":
        return _at(here + timedelta(days=1), MORNING)
    if choice == "own":
        try:
            return datetime.fromisoformat(own).replace(tzinfo=zone)
        except ValueError:
            return None
    return None


def _at(moment: datetime, hour: int) -> datetime:
    return moment.replace(hour=hour, minute=0, second=0, microsecond=0)
