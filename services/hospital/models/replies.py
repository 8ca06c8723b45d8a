"""Tables around a reply: its saved versions, what other experts said, and phrases for many replies.

The first two go with their referral; their texts are sealed under its key.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.hospital.models.core import Base
from services.store.types import UtcDateTime


class ReplyVersion(Base):
    """A reply as it once stood; ``text`` is sealed under the referral's key.

    Saves of one person within a minute of ``began`` are one version; ``saved`` is its last.
    """

    __tablename__ = "hospital_reply_version"

    referral: Mapped[str] = mapped_column(
        String(36), ForeignKey("hospital_referral.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str] = mapped_column(Text)
    user_id: Mapped[str] = mapped_column(String(36))
    began: Mapped[datetime] = mapped_column(UtcDateTime)
    saved: Mapped[datetime] = mapped_column(UtcDateTime)


class ReferralOpinions(Base):
    """What other experts said of a referral when they were last asked.

    ``told`` is a sealed JSON text (`services.hospital.opinions.Round`).
    """

    __tablename__ = "hospital_opinions"

    referral: Mapped[str] = mapped_column(
        String(36), ForeignKey("hospital_referral.id", ondelete="CASCADE"), primary_key=True
    )
    told: Mapped[str] = mapped_column(Text)
    asked_by: Mapped[str] = mapped_column(String(36))
    asked: Mapped[datetime] = mapped_column(UtcDateTime)


class Phrase(Base):
    """A phrase for replies: one person's own, or everybody's once a second clinician let it.

    ``shared`` is the number of the version that all clinicians see, None while none is; ``wanted``
    that of the version that waits for a second clinician. ``retired`` ends it for everybody.
    """

    __tablename__ = "hospital_phrase"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    owner: Mapped[str] = mapped_column(String(36), index=True)
    shared: Mapped[int | None]
    wanted: Mapped[int | None]
    retired: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=0)


class PhraseVersion(Base):
    """A phrase as it was written once; ``english`` or ``spanish`` may be empty, never both."""

    __tablename__ = "hospital_phrase_version"

    phrase: Mapped[str] = mapped_column(
        String(36), ForeignKey("hospital_phrase.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    title: Mapped[str] = mapped_column(String(120))
    english: Mapped[str] = mapped_column(Text)
    spanish: Mapped[str] = mapped_column(Text)
    written_by: Mapped[str] = mapped_column(String(36))
    written: Mapped[datetime] = mapped_column(UtcDateTime)
    approved_by: Mapped[str | None] = mapped_column(String(36))
    approved: Mapped[datetime | None] = mapped_column(UtcDateTime)
