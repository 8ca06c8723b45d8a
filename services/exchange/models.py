"""Tables of a node that others enrol at and refer to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.store.types import UtcDateTime


class Base(DeclarativeBase):
    """Root of the exchange's tables."""


class EnrolledNode(Base):
    """A child node: its fingerprint, its key bundle (JSON) and when its enrolment was revoked."""

    __tablename__ = "exchange_node"

    fingerprint: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    level: Mapped[str] = mapped_column(String(40))
    identity: Mapped[str] = mapped_column(String(64))
    bundle: Mapped[str] = mapped_column(Text)
    enrolled: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked: Mapped[datetime | None] = mapped_column(UtcDateTime)


class EnrolmentCode(Base):
    """A one-time code, as its SHA-256; ``used_by`` is the fingerprint that used it."""

    __tablename__ = "exchange_code"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    level: Mapped[str] = mapped_column(String(40))
    expires: Mapped[datetime] = mapped_column(UtcDateTime)
    used_by: Mapped[str | None] = mapped_column(String(32))


class SeenToken(Base):
    """Ids of call tokens, kept until they expire."""

    __tablename__ = "exchange_token"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class StoredParcel(Base):
    """A referral at this node.

    ``state``: ``received`` (to be worked on here), ``outgoing`` (to be sent up), ``relayed`` (taken
    by the tier above), ``answered``, ``refused``, ``withdrawn`` (its content is deleted).
    ``device`` and ``consent`` are those of its receipt. ``outgoing`` holds the envelope for the
    tier above where it differs from what came in. ``digest`` is that of the envelope as it came, so
    that the same id with another content is refused.
    """

    __tablename__ = "exchange_parcel"
    __table_args__ = (
        Index("exchange_parcel_due", "state", "due"),
        Index("exchange_parcel_consent", "device", "consent"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    sender: Mapped[str] = mapped_column(String(32))
    destination: Mapped[str] = mapped_column(String(20))
    digest: Mapped[str] = mapped_column(String(64))
    device: Mapped[str | None] = mapped_column(String(64))
    consent: Mapped[str | None] = mapped_column(String(200))
    envelope: Mapped[str] = mapped_column(Text)
    outgoing: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(20))
    reply: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(String(200))
    attempts: Mapped[int] = mapped_column(default=0)
    due: Mapped[datetime] = mapped_column(UtcDateTime)
    received: Mapped[datetime] = mapped_column(UtcDateTime)


class StoredWithdrawal(Base):
    """A consent that a device has withdrawn; ``message`` is its signed word (JSON), as it came.

    ``told`` says whether the tier above has it.
    """

    __tablename__ = "exchange_withdrawal"
    __table_args__ = (Index("exchange_withdrawal_due", "told", "due"),)

    device: Mapped[str] = mapped_column(String(32), primary_key=True)
    consent: Mapped[str] = mapped_column(String(200), primary_key=True)
    message: Mapped[str] = mapped_column(Text)
    told: Mapped[bool] = mapped_column(default=False)
    attempts: Mapped[int] = mapped_column(default=0)
    due: Mapped[datetime] = mapped_column(UtcDateTime)
    received: Mapped[datetime] = mapped_column(UtcDateTime)
