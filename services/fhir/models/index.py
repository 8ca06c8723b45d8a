"""Tables that a search looks into; they are rebuilt with each resource."""

from __future__ import annotations

from sqlalchemy import Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from services.fhir.models.base import Base


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
