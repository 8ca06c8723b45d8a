"""Tables of the FHIR store: one row per resource, and the clock that orders every write."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, Integer, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMES = {"ix": "ix_%(table_name)s_%(column_0_name)s", "pk": "pk_%(table_name)s"}


class Base(DeclarativeBase):
    """The tables that `services.fhir` owns."""

    metadata = MetaData(naming_convention=NAMES)


class ResourceRow(Base):
    """The current version of a resource: its JSON text as it came, and what headers are made of.

    ``updated`` is an instant in UTC, ISO 8601 with milliseconds, so that it sorts as text in every
    database; ``digest`` is the SHA-256 of ``body`` in hex. ``sequence`` is the place of this
    version among all writes (see `ClockRow`), ``method`` the HTTP verb that made it.
    """

    __tablename__ = "fhir_resource"
    __table_args__ = (
        Index("ix_fhir_resource_sequence", "sequence", unique=True),
        Index("ix_fhir_resource_updated", "type", "updated", "id"),
    )

    type: Mapped[str] = mapped_column(String(64), primary_key=True)
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    updated: Mapped[str] = mapped_column(String(24))
    digest: Mapped[str] = mapped_column(String(64))
    body: Mapped[str] = mapped_column(Text)
    sequence: Mapped[int] = mapped_column(BigInteger)
    method: Mapped[str] = mapped_column(String(6))


class ClockRow(Base):
    """The one row that a writer holds until it commits: last place given out, and last instant.

    Writers therefore take turns, and places and instants grow in the order of commits.
    """

    __tablename__ = "fhir_clock"

    key: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(BigInteger)
    updated: Mapped[str] = mapped_column(String(24))
