"""What of the authorization server opens nothing any more, and goes."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import delete, select

from services.hospital.models import (
    SmartAssertion,
    SmartCode,
    SmartGrant,
    SmartLaunch,
    SmartRequest,
    SmartToken,
)
from services.store.database import Database
from services.store.rows import changed, idle


def forget_expired(database: Database) -> int:
    """Delete what is over; returns how many rows.

    A code stays as long as a token that was made of it: using it again must end that one.
    """
    now = datetime.now(UTC)
    held = select(SmartToken.grant_id).where(SmartToken.grant_id.is_not(None))
    codes = select(SmartCode.grant_id)
    statements = (
        *(
            delete(table).where(idle(table, table.expires < now))
            for table in (SmartAssertion, SmartLaunch, SmartRequest, SmartToken)
        ),
        delete(SmartCode).where(
            idle(SmartCode, SmartCode.expires < now, SmartCode.grant_id.not_in(held))
        ),
        delete(SmartGrant).where(
            idle(SmartGrant, SmartGrant.id.not_in(held), SmartGrant.id.not_in(codes))
        ),
    )
    with database.transaction() as session:
        return sum(changed(session.execute(statement)) for statement in statements)
