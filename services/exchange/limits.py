"""Limits: how often a code may be tried, and how much one node may lay down in a day."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from services.exchange.errors import TooManyEnrolmentsError, TooManyReferralsError
from services.exchange.models import StoredParcel
from services.store.database import Database

TRIES = 10
TRY_SECONDS = 60.0
"""So many one-time codes may be tried in so many seconds by one client."""
CLIENTS = 1024
"""So many clients are remembered; the one that was quiet longest is forgotten first."""
REFERRALS_A_DAY = 500
"""So many referrals of one device are taken in 24 hours; each is about one person."""
BYTES_A_DAY = 256 << 20
"""So many characters of envelopes of one device are kept from 24 hours."""


class EnrolmentGate:
    """Counts the tries of each client address in this process.

    It slows guessing down; the codes themselves hold 80 bits. A try counts when it begins, so that
    many at once do not pass together, and is given back when the code was right.

    Args:
        clock: seconds that only grow; for tests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tries: OrderedDict[str, list[float]] = OrderedDict()
        self._lock = threading.Lock()

    def count(self, client: str) -> None:
        """Count one try of a client.

        Raises:
            TooManyEnrolmentsError: with ``retry_after`` in seconds.
        """
        now = self._clock()
        with self._lock:
            tries = [t for t in self._tries.pop(client, ()) if now - t < TRY_SECONDS]
            full = len(tries) >= TRIES
            self._tries[client] = tries if full else [*tries, now]
            while len(self._tries) > CLIENTS:
                self._tries.popitem(last=False)
        if full:
            error = TooManyEnrolmentsError("Too many codes were tried.")
            error.retry_after = int(TRY_SECONDS - (now - tries[0])) + 1
            raise error

    def forgive(self, client: str) -> None:
        """Give a try back: the code was right."""
        with self._lock:
            if self._tries.get(client):
                self._tries[client].pop()


def check_daily(database: Database, sender: str) -> None:
    """Let a device's next referral pass, or refuse it.

    Raises:
        TooManyReferralsError: it has sent REFERRALS_A_DAY or BYTES_A_DAY in the last 24 hours.
    """
    since = datetime.now(UTC) - timedelta(days=1)
    query = select(func.count(), func.sum(func.length(StoredParcel.envelope))).where(
        StoredParcel.sender == sender, StoredParcel.received > since
    )
    with database.reading() as session:
        count, size = session.execute(query).one()
    if count >= REFERRALS_A_DAY or (size or 0) >= BYTES_A_DAY:
        raise TooManyReferralsError("This device has sent too much today.")
