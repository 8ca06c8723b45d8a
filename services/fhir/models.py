"""Tables of the FHIR store: one row per resource, and two indexes that are rebuilt with it."""

from __future__ import annotations

from sqlalchemy import Index, Integer, MetaData, String, Text
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


class ReferenceRow(Base):
    """One reference of a resource (see `services.fhir.references.Link`); "" stands for no value."""

    __tablename__ = "fhir_reference"
    __table_args__ = (
        Index("ix_fhir_reference_source", "source_type", "source_id"),
        Index("ix_fhir_reference_target", "target_id", "target_type", "source_type"),
    )

    key: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    source_type: Mapped[str] = mapped_column(String(64))
    source_id: Mapped[str] = mapped_column(String(64))
    path: Mapped[str] = mapped_column(String(200))
    target_type: Mapped[str] = mapped_column(String(64))
    target_id: Mapped[str] = mapped_column(String(64))
    identifier: Mapped[str] = mapped_column(String(500))
    compartment: Mapped[int] = mapped_column(Integer)


class TokenRow(Base):
    """One code, category or identifier that a resource can be searched by."""

    __tablename__ = "fhir_token"
    __table_args__ = (
        Index("ix_fhir_token_source", "source_type", "source_id"),
        Index("ix_fhir_token_code", "code", "parameter", "source_type"),
    )

    key: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    source_type: Mapped[str] = mapped_column(String(64))
    source_id: Mapped[str] = mapped_column(String(64))
    parameter: Mapped[str] = mapped_column(String(32))
    system: Mapped[str] = mapped_column(String(400))
    code: Mapped[str] = mapped_column(String(400))
