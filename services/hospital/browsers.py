"""Browsers that signed somebody in before: wrong guesses of others do not keep them out.

Whoever knows a name can type wrong passwords for it, until nobody may sign in to that account for a
while. A browser in which its owner signed in has a cookie from then on, and as many wrong proofs of
its own; used up, they count like those of strangers, and it is like any other browser until the
owner has signed in there again. The cookie opens nothing by itself. One browser may be known to
several accounts, as in a ward.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from services.hospital.keys import digest_of
from services.hospital.models import KnownBrowser
from services.store.database import Database
from services.store.rows import changed, idle, put

KNOWN_FOR = timedelta(days=90)
"""A browser in which nobody signed in to an account for so long is unknown to it again."""
WRONG_PROOFS = 5
"""How many one browser has for one account."""


class Browsers:
    """The browsers that are known to the accounts of one hospital.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def knows(self, user: str, cookie: str | None) -> bool:
        """Whether an account was signed in to from this browser."""
        with self._database.reading() as session:
            return self.still_knows(session, user, cookie)

    @staticmethod
    def still_knows(session: Session, user: str, cookie: str | None) -> bool:
        """As `knows`, in a transaction of the caller."""
        query = select(KnownBrowser.digest).where(*_row(user, cookie))
        return session.scalar(query) is not None

    @staticmethod
    def failed(session: Session, user: str, cookie: str | None) -> int:
        """Count a wrong proof; returns how many the account has to bear.

        One of a browser that it does not know; none of one that it knows, until all of that one's
        are used up.
        """
        mine = _row(user, cookie)
        one_more = update(KnownBrowser).values(failures=KnownBrowser.failures + 1)
        if changed(session.execute(one_more.where(*mine))) != 1:
            return 1
        used_up = delete(KnownBrowser).where(*mine, KnownBrowser.failures >= WRONG_PROOFS)
        return WRONG_PROOFS if changed(session.execute(used_up)) else 0

    def remember(self, user: str, cookie: str | None) -> str:
        """Know a browser in which the owner of an account just signed in; returns its cookie."""
        now = datetime.now(UTC)
        with self._database.transaction() as session:
            digest = digest_of(cookie or "")
            ours = select(KnownBrowser.digest).where(KnownBrowser.digest == digest).limit(1)
            token = cookie if cookie and session.scalar(ours) else secrets.token_urlsafe(32)
            of = (digest_of(token), user)
            row = session.get(KnownBrowser, of, with_for_update=True)
            if row is not None:
                row.failures, row.seen = 0, now
            else:
                put(session, KnownBrowser, digest=of[0], user_id=user, failures=0, seen=now)
        return token

    def forget_over(self) -> int:
        """Delete those that are unknown again; returns how many."""
        over = idle(KnownBrowser, KnownBrowser.seen < datetime.now(UTC) - KNOWN_FOR)
        with self._database.transaction() as session:
            return changed(session.execute(delete(KnownBrowser).where(over)))


def _row(user: str, cookie: str | None) -> tuple[ColumnElement[bool], ...]:
    """The row of an account and a browser, while it counts."""
    return (
        KnownBrowser.digest == digest_of(cookie or ""),
        KnownBrowser.user_id == user,
        KnownBrowser.seen >= datetime.now(UTC) - KNOWN_FOR,
    )
