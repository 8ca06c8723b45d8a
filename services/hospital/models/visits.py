"""Table of what a patient wrote before a visit that cannot wait for it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from services.hospital.models.core import Base
from services.store.types import UtcDateTime


class IntakeAlert(Base):
    """A red flag in an intake.

    ``id`` is that of the QuestionnaireResponse, ``level`` emergency or urgent, ``rule`` the id of
    the triage rule; ``seen`` and ``seen_by`` (a user's id) are None until somebody has taken it up.
    The words stand in the record alone.
    """

    __tablename__ = "hospital_intake_alert"
    __table_args__ = (Index("hospital_intake_alert_waiting", "seen", "received"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    patient: Mapped[str] = mapped_column(String(64))
    level: Mapped[str] = mapped_column(String(20))
    rule: Mapped[str | None] = mapped_column(String(80))
    received: Mapped[datetime] = mapped_column(UtcDateTime)
    seen: Mapped[datetime | None] = mapped_column(UtcDateTime)
    seen_by: Mapped[str | None] = mapped_column(String(36))
