"""Rotation: a new key to seal to, and the former ones for as long as mail to them may come.

A stolen sealing key opens what was sealed to it. Rotating it ends that for later messages; deleting
the former key, after `RETENTION`, ends it for earlier ones too.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from compliance.errors import BadInputError
from compliance.sealing.keys import Keyring, SealingKey

RETENTION = timedelta(days=31)
"""How long a former key is kept: nothing waits in an outbox longer than 30 days (a receipt's
longest validity), and clocks differ."""
MAX_KEYS = 8
"""Most keys in a ring, as many as a bundle takes."""


def rotate(
    ring: Keyring, retired: Mapping[str, datetime], now: datetime
) -> tuple[Keyring, dict[str, datetime]]:
    """Return the next ring, and when each of its former keys was retired.

    Args:
        ring: the present keys, the current one first.
        retired: when former keys were retired, by key id; one that is missing is retired now.
        now: the present, with a zone.

    Raises:
        BadInputError: it was rotated so often that a key would be dropped before its time.
    """
    times = {**retired, ring.current.key_id: now}
    former = [key for key in ring if now - times.get(key.key_id, now) < RETENTION]
    if len(former) >= MAX_KEYS:
        raise BadInputError(
            f"There are {len(former)} former keys that mail may still come to.",
            remedy="Wait until the oldest is out of its retention.",
        )
    kept = {key.key_id: times.get(key.key_id, now) for key in former}
    return Keyring((SealingKey.generate(), *former)), kept
