"""Sign-ins that have begun: a code is due, or a provider or an EHR was asked who it is."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import delete, select

from services.hospital.keys import digest_of
from services.hospital.models import PendingSignIn
from services.store.database import Database
from services.store.rows import changed, idle

Kind = Literal["code", "enrol", "provider", "launch", "launched", "welcome"]
LASTS = timedelta(minutes=5)


@dataclass(frozen=True)
class Pending:
    """What is known of a sign-in that has begun; ``user`` is None where a provider will say it."""

    digest: str
    kind: Kind
    user: str | None
    data: dict[str, Any]


class PendingSignIns:
    """The sign-ins of one hospital that have begun and not ended.

    Args:
        database: where they are.
        clock: the present; tests move it.
    """

    def __init__(
        self, database: Database, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database, self._clock = database, clock

    def begin(self, kind: Kind, user: str | None, **data: Any) -> str:
        """Remember one; returns the cookie's value."""
        return self.keep(secrets.token_urlsafe(32), kind, user, LASTS, **data)

    def keep(self, token: str, kind: Kind, user: str | None, lasts: timedelta, **data: Any) -> str:
        """Remember one under a secret of the caller's, for so long; returns the secret."""
        row = PendingSignIn(
            digest=digest_of(token),
            kind=kind,
            user_id=user,
            data=json.dumps(data),
            expires=self._clock() + lasts,
        )
        with self._database.transaction() as session:
            session.add(row)
        return token

    def find(self, token: str | None, kind: Kind) -> Pending | None:
        """The one that a cookie stands for, or None when there is none or it is over."""
        query = select(PendingSignIn).where(
            PendingSignIn.digest == digest_of(token or ""), PendingSignIn.kind == kind
        )
        with self._database.reading() as session:
            row = session.scalar(query)
        if row is None or row.expires <= self._clock():
            return None
        return Pending(row.digest, kind, row.user_id, json.loads(row.data))

    def end(self, pending: Pending) -> bool:
        """Use one up; False when somebody else did."""
        with self._database.transaction() as session:
            gone = session.execute(
                delete(PendingSignIn).where(PendingSignIn.digest == pending.digest)
            )
            return changed(gone) == 1

    def forget_expired(self) -> int:
        """Delete those that are over; returns how many."""
        with self._database.transaction() as session:
            over = idle(PendingSignIn, PendingSignIn.expires < self._clock())
            return changed(session.execute(delete(PendingSignIn).where(over)))
