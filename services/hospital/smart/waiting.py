"""Authorization requests that wait for a person to sign in and to answer."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, update

from services.hospital.keys import digest_of
from services.hospital.models import SmartRequest
from services.hospital.smart.authorize import Asked
from services.store.database import Database
from services.store.rows import changed

LASTS = timedelta(minutes=10)


class Waiting:
    """The requests of one hospital that nobody has answered yet.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, asked: Asked) -> str:
        """Keep one; returns what stands for it in the address of its page."""
        token = secrets.token_urlsafe(32)
        row = SmartRequest(
            digest=digest_of(token),
            client_id=asked.client,
            data=asked.as_text(),
            expires=datetime.now(UTC) + LASTS,
        )
        with self._database.transaction() as session:
            session.add(row)
        return token

    def find(self, token: str) -> Asked | None:
        """One that waits; None when it is unknown, over or answered."""
        with self._database.reading() as session:
            row = session.get(SmartRequest, digest_of(token))
        if row is None or row.expires <= datetime.now(UTC):
            return None
        return Asked.from_text(row.data)

    def choose(self, token: str, asked: Asked) -> None:
        """Keep what the person has said so far."""
        with self._database.transaction() as session:
            session.execute(
                update(SmartRequest)
                .where(SmartRequest.digest == digest_of(token))
                .values(data=asked.as_text())
            )

    def end(self, token: str) -> bool:
        """Use one up; False when somebody else did."""
        with self._database.transaction() as session:
            gone = session.execute(
                delete(SmartRequest).where(SmartRequest.digest == digest_of(token))
            )
            return changed(gone) == 1
