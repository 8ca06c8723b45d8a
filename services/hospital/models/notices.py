"""Tables of what people are told of, and of what they do not want to be told."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from services.hospital.models.core import Base
from services.store.types import UtcDateTime


class Notice(Base):
    """That something waits for a person: a kind, the id of what it is about, and when.

    There is one for each person, kind and subject; what happens again makes it new again. ``read``
    is None until the person has seen it.
    """

    __tablename__ = "hospital_notice"
    __table_args__ = (
        Index("hospital_notice_of", "user_id", "kind", "subject", unique=True),
        Index("hospital_notice_unread", "user_id", "read", "made"),
        Index("hospital_notice_made", "made"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(36))
    kind: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(80))
    made: Mapped[datetime] = mapped_column(UtcDateTime)
    read: Mapped[datetime | None] = mapped_column(UtcDateTime)


class NoticeOff(Base):
    """A kind that a person has switched off."""

    __tablename__ = "hospital_notice_off"

    user_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    kind: Mapped[str] = mapped_column(String(40), primary_key=True)
