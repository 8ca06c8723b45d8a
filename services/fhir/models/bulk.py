"""Tables of bulk data: what was asked for, and whose records it is about."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.fhir.models.base import Base
from services.store.types import UtcDateTime


class OrderRow(Base):
    """An export or an import that was asked for (``kind``).

    ``client`` and ``scopes`` are the grant it was asked under, ``request`` its URL, ``asked`` its
    parameters (JSON). ``state`` is ``waiting``, ``done`` or ``failed``; ``attempt`` names the
    folder of the files below the order's own, ``outcome`` (JSON) what is in it, or why it failed.
    """

    __tablename__ = "fhir_order"
    __table_args__ = (Index("ix_fhir_order_client", "client", "state"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    client: Mapped[str] = mapped_column(String(120))
    scopes: Mapped[str] = mapped_column(Text)
    request: Mapped[str] = mapped_column(Text)
    asked: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))
    progress: Mapped[str] = mapped_column(String(100))
    attempt: Mapped[int] = mapped_column(Integer)
    outcome: Mapped[str | None] = mapped_column(Text)
    requested: Mapped[datetime] = mapped_column(UtcDateTime)
    polled: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended: Mapped[datetime | None] = mapped_column(UtcDateTime)


class OrderPatientRow(Base):
    """One of the people whose records an export is confined to."""

    __tablename__ = "fhir_order_patient"

    order: Mapped[str] = mapped_column(String(36), primary_key=True)
    patient: Mapped[str] = mapped_column(String(64), primary_key=True)
