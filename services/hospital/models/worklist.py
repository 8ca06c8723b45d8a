"""Table of the worklist: who held a referral when."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.hospital.models.core import Base
from services.store.types import UtcDateTime


class ReferralStep(Base):
    """One change of who holds a referral; it goes when the referral goes.

    ``batch`` joins what was done with several at once. ``act`` is take, release, handover, snooze,
    wake or undo, ``by`` who did it, ``to`` to whom it was handed, ``until`` when it comes back,
    ``note`` why or what to know (sealed under the referral's key). ``version`` is the referral's
    after it and ``before`` how it was held (JSON), so that it can be undone.
    """

    __tablename__ = "hospital_referral_step"
    __table_args__ = (Index("hospital_referral_step_of", "referral", "at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    referral: Mapped[str] = mapped_column(
        String(36), ForeignKey("hospital_referral.id", ondelete="CASCADE")
    )
    batch: Mapped[str] = mapped_column(String(36), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    act: Mapped[str] = mapped_column(String(20))
    by: Mapped[str] = mapped_column(String(36))
    to: Mapped[str | None] = mapped_column(String(36))
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    note: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int]
    before: Mapped[str] = mapped_column(Text)
