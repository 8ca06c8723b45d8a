"""Apps that are being launched from a chart: who, which patient, which app; good once."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete

from services.hospital.keys import digest_of
from services.hospital.models import SmartLaunch
from services.store.database import Database
from services.store.rows import changed

LASTS = timedelta(minutes=5)


@dataclass(frozen=True)
class Launch:
    """The context of one launch.

    Attributes:
        client: id of the app; user: id of who launches it.
        patient: id of the Patient whose chart is open; encounter: id of the visit, if one runs.
    """

    client: str
    user: str
    patient: str
    encounter: str | None = None


class Launches:
    """The launches of one hospital.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, launch: Launch) -> str:
        """Remember one; returns what the app is told."""
        token = secrets.token_urlsafe(32)
        row = SmartLaunch(
            digest=digest_of(token),
            client_id=launch.client,
            user_id=launch.user,
            patient=launch.patient,
            encounter=launch.encounter,
            expires=datetime.now(UTC) + LASTS,
        )
        with self._database.transaction() as session:
            session.add(row)
        return token

    def take(self, token: str, client: str) -> Launch | None:
        """Use one up; None when it is unknown, over, used before, or another app's."""
        digest = digest_of(token)
        with self._database.transaction() as session:
            row = session.get(SmartLaunch, digest)
            if row is None or row.client_id != client or row.expires <= datetime.now(UTC):
                return None
            gone = session.execute(delete(SmartLaunch).where(SmartLaunch.digest == digest))
            if changed(gone) != 1:
                return None
        return Launch(row.client_id, row.user_id, row.patient, row.encounter)
