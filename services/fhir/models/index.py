"""Tables that a search looks into; the rows of a resource are replaced with each of its versions.

Keys lead with the resource, so that "does this one match" is one step in them, and a second index
leads with the value, so that "which ones match" is one too. They hold every column that a search
asks for: it never opens the table itself.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Float, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.fhir.models.base import Base

_KEYED: dict[str, Any] = {"sqlite_with_rowid": False}
"""SQLite keeps such a table as the b-tree of its primary key, and nothing else."""


def _bytewise(length: int) -> Any:
    """Text that PostgreSQL orders as SQLite does: byte by byte, so that a prefix is a range."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


class ReferenceRow(Base):
    """One reference of a resource (see `services.fhir.references.Link`); "" stands for no value."""

    __tablename__ = "fhir_reference"
    __table_args__ = (
        Index(
            "ix_fhir_reference_target",
            "target_id",
            "target_type",
            "source_type",
            "compartment",
            "source_id",
            "path",
        ),
        Index("ix_fhir_reference_identifier", "identifier", "source_type", "source_id"),
        _KEYED,
    )

    source_type: Mapped[str] = mapped_column(String(64), primary_key=True)
    source_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    path: Mapped[str] = mapped_column(String(200), primary_key=True)
    target_type: Mapped[str] = mapped_column(String(64), primary_key=True)
    target_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    identifier: Mapped[str] = mapped_column(String(400), primary_key=True)
    compartment: Mapped[int] = mapped_column(Integer)


class TokenRow(Base):
    """One code, identifier, truth value or URI that a resource can be searched by."""

    __tablename__ = "fhir_token"
    __table_args__ = (
        Index("ix_fhir_token_code", "source_type", "parameter", "code", "source_id", "system"),
        _KEYED,
    )

    source_type: Mapped[str] = mapped_column(String(64), primary_key=True)
    source_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    parameter: Mapped[str] = mapped_column(String(64), primary_key=True)
    code: Mapped[str] = mapped_column(_bytewise(400), primary_key=True)
    system: Mapped[str] = mapped_column(_bytewise(400), primary_key=True)


class StringRow(Base):
    """One text: ``value`` without case, accents and punctuation, ``exact`` as it stands."""

    __tablename__ = "fhir_string"
    __table_args__ = (
        Index("ix_fhir_string_value", "source_type", "parameter", "value", "source_id"),
        _KEYED,
    )

    source_type: Mapped[str] = mapped_column(String(64), primary_key=True)
    source_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    parameter: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str] = mapped_column(_bytewise(300), primary_key=True)
    exact: Mapped[str] = mapped_column(_bytewise(400), primary_key=True)


class DateRow(Base):
    """One span of time, in microseconds since 1970 (UTC), from ``low`` up to before ``high``."""

    __tablename__ = "fhir_date"
    __table_args__ = (
        Index("ix_fhir_date_low", "source_type", "parameter", "low", "high", "source_id"),
        Index("ix_fhir_date_high", "source_type", "parameter", "high", "low", "source_id"),
        _KEYED,
    )

    source_type: Mapped[str] = mapped_column(String(64), primary_key=True)
    source_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    parameter: Mapped[str] = mapped_column(String(64), primary_key=True)
    low: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    high: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class QuantityRow(Base):
    """One number or quantity, from ``low`` to ``high``; both are the value where it is exact."""

    __tablename__ = "fhir_quantity"
    __table_args__ = (
        Index("ix_fhir_quantity_low", "source_type", "parameter", "low", "source_id"),
        _KEYED,
    )

    source_type: Mapped[str] = mapped_column(String(64), primary_key=True)
    source_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    parameter: Mapped[str] = mapped_column(String(64), primary_key=True)
    low: Mapped[float] = mapped_column(Float(53), primary_key=True)
    high: Mapped[float] = mapped_column(Float(53), primary_key=True)
    system: Mapped[str] = mapped_column(String(400), primary_key=True)
    code: Mapped[str] = mapped_column(String(200), primary_key=True)
    unit: Mapped[str] = mapped_column(String(200), primary_key=True)


class NoteRow(Base):
    """What the store keeps for itself: the revision of its index, the key of its cursors."""

    __tablename__ = "fhir_note"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


INDEXES = (ReferenceRow, TokenRow, StringRow, DateRow, QuantityRow)
"""Every table that holds rows of a resource (``source_type``, ``source_id``)."""
