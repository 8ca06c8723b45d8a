"""The sessions of one account: which are open, and ending them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from services.hospital.models import PendingSignIn, PortalSession, User
from services.store.database import Database
from services.store.rows import changed

_BROWSERS = (
    ("Edge", r"Edgi?A?/"),
    ("Opera", r"OPR/"),
    ("Firefox", r"Firefox/|FxiOS/"),
    ("Chrome", r"Chrome/|CriOS/|Chromium/"),
    ("Safari", r"Safari/"),
)
_SYSTEMS = (
    ("Android", r"Android"),
    ("iOS", r"iPhone|iPad"),
    ("Windows", r"Windows"),
    ("macOS", r"Macintosh"),
    ("Linux", r"Linux|X11"),
)


@dataclass(frozen=True)
class OpenSession:
    """One signed-in browser.

    Attributes:
        id: digest of its cookie; it opens nothing.
        seen: when it last asked for something.
        client: network address that it was opened from.
        browser: its kind, or None.
    """

    id: str
    seen: datetime
    client: str | None
    browser: str | None


def browser_of(agent: str | None) -> str | None:
    """The kind of a browser in a word or two; the rest of what it tells of itself is not kept."""
    said = [
        next((name for name, mark in known if re.search(mark, agent or "")), None)
        for known in (_BROWSERS, _SYSTEMS)
    ]
    return ", ".join(part for part in said if part) or None


def open_sessions(database: Database, user: str) -> list[OpenSession]:
    """The sessions of an account that have not run out, the latest seen first."""
    query = (
        select(PortalSession)
        .where(PortalSession.user_id == user, PortalSession.expires > datetime.now(UTC))
        .order_by(PortalSession.seen.desc())
    )
    with database.reading() as session:
        rows = list(session.scalars(query))
    return [OpenSession(row.digest, row.seen, row.client, row.browser) for row in rows]


def end_sessions(session: Session, user: str, *, but: str = "") -> int:
    """End the sessions of an account in a transaction, and sign-ins that have begun.

    What began with a password or a role that is no longer good must not end in a session. A code
    for a first password stays: it is made void where the account is.

    Args:
        session: of the transaction.
        user: id of the account.
        but: digest of one that goes on.

    Returns:
        How many sessions.
    """
    # whoever ends sessions of this account at the same moment waits here
    session.execute(select(User.id).where(User.id == user).with_for_update())
    begun = delete(PendingSignIn).where(
        PendingSignIn.user_id == user, PendingSignIn.kind != "welcome"
    )
    session.execute(begun)
    mine = delete(PortalSession).where(PortalSession.user_id == user, PortalSession.digest != but)
    return changed(session.execute(mine))
