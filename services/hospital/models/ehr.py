"""Tables of other records that are read: connections, what came of them, and what is awaited."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.hospital.models.core import Base
from services.store.types import UtcDateTime


class EhrConnection(Base):
    """An EHR's FHIR server that an operator connected.

    ``asks`` is a list, separated by spaces, of what is read: types, or searches of a type
    (``Observation?category=laboratory``). ``patients`` is a list of ids, ``group`` the id of a
    Group; with neither, everybody's record is read. ``prefix`` stands before the ids of the
    resources here. ``holder`` is who is at it now, until ``held``. ``subscriptions`` is a list of
    ids at the server, ``secret`` the SHA-256 of what its notifications bring along.
    """

    __tablename__ = "hospital_ehr"

    name: Mapped[str] = mapped_column(String(16), primary_key=True)
    base: Mapped[str] = mapped_column(String(2000))
    client_id: Mapped[str | None] = mapped_column(String(200))
    key_file: Mapped[str | None] = mapped_column(String(1000))
    key_id: Mapped[str | None] = mapped_column(String(200))
    scope: Mapped[str] = mapped_column(String(1000))
    asks: Mapped[str] = mapped_column(Text)
    patients: Mapped[str] = mapped_column(Text, default="")
    group: Mapped[str | None] = mapped_column(String(64))
    prefix: Mapped[str] = mapped_column(String(17))
    every_minutes: Mapped[int]
    full_days: Mapped[int]
    created: Mapped[datetime] = mapped_column(UtcDateTime)
    due: Mapped[datetime] = mapped_column(UtcDateTime)
    holder: Mapped[str | None] = mapped_column(String(80))
    held: Mapped[datetime | None] = mapped_column(UtcDateTime)
    began: Mapped[datetime | None] = mapped_column(UtcDateTime)
    synced: Mapped[datetime | None] = mapped_column(UtcDateTime)
    full: Mapped[datetime | None] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(20), default="new")
    error: Mapped[str | None] = mapped_column(String(200))
    subscriptions: Mapped[str] = mapped_column(Text, default="")
    secret: Mapped[str | None] = mapped_column(String(64))


class EhrWatermark(Base):
    """Up to which instant, of the server's clock, one search of a connection was read."""

    __tablename__ = "hospital_ehr_watermark"

    connection: Mapped[str] = mapped_column(String(16), primary_key=True)
    ask: Mapped[str] = mapped_column(String(400), primary_key=True)
    moment: Mapped[datetime] = mapped_column(UtcDateTime)


class EhrResource(Base):
    """A resource here that came from a connection; ``local`` is its id here.

    ``changed`` is the server's ``lastUpdated``, ``seen`` when it was last found there.
    """

    __tablename__ = "hospital_ehr_resource"
    __table_args__ = (
        Index("hospital_ehr_resource_local", "type", "local", unique=True),
        Index("hospital_ehr_resource_seen", "connection", "type", "seen"),
    )

    connection: Mapped[str] = mapped_column(String(16), primary_key=True)
    type: Mapped[str] = mapped_column(String(64), primary_key=True)
    source: Mapped[str] = mapped_column(String(64), primary_key=True)
    local: Mapped[str] = mapped_column(String(64))
    changed: Mapped[datetime | None] = mapped_column(UtcDateTime)
    seen: Mapped[datetime] = mapped_column(UtcDateTime)


class EhrAwaited(Base):
    """A resource that could not be had, or of which a notification told: it is read by itself.

    ``what`` is ``Type/id``, or a type or search as a whole; ``code`` says why it is awaited.
    """

    __tablename__ = "hospital_ehr_awaited"

    connection: Mapped[str] = mapped_column(String(16), primary_key=True)
    what: Mapped[str] = mapped_column(String(400), primary_key=True)
    code: Mapped[str] = mapped_column(String(80))
    attempts: Mapped[int] = mapped_column(default=0)
    due: Mapped[datetime] = mapped_column(UtcDateTime)
