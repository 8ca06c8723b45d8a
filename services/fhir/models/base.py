"""Tables of the FHIR store: one row per resource."""

from __future__ import annotations

from sqlalchemy import Integer, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMES = {"ix": "ix_%(table_name)s_%(column_0_name)s", "pk": "pk_%(table_name)s"}


class Base(DeclarativeBase):
    """The tables that `services.fhir` owns."""

    metadata = MetaData(naming_convention=NAMES)


class ResourceRow(Base):
    """The current version of a resource: its JSON text as it came, and what headers are made of.

    ``updated`` is an instant in UTC, ISO 8601 with milliseconds, so that it sorts as text in every
    database; ``digest`` is the SHA-256 of ``body`` in hex.
    """

    __tablename__ = "fhir_resource"

    type: Mapped[str] = mapped_column(String(64), primary_key=True)
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    updated: Mapped[str] = mapped_column(String(24))
    digest: Mapped[str] = mapped_column(String(64))
    body: Mapped[str] = mapped_column(Text)
