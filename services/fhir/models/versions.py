"""Tables of what was: superseded versions and deletions, and in whose record they were."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.fhir.models.base import Base


class VersionRow(Base):
    """A version that was superseded, or a deletion (``body`` is NULL then).

    ``replaced`` is the instant at which the next version came, NULL for a deletion that still
    stands; the other columns are those of `ResourceRow`.
    """

    __tablename__ = "fhir_version"
    __table_args__ = (Index("ix_fhir_version_resource", "type", "id", "version", unique=True),)

    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    type: Mapped[str] = mapped_column(String(64))
    id: Mapped[str] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(Integer)
    updated: Mapped[str] = mapped_column(String(24))
    replaced: Mapped[str | None] = mapped_column(String(24))
    method: Mapped[str] = mapped_column(String(6))
    body: Mapped[str | None] = mapped_column(Text)


class VersionOwnerRow(Base):
    """A Patient in whose record a row of `VersionRow` was."""

    __tablename__ = "fhir_version_owner"
    __table_args__ = (Index("ix_fhir_version_owner_sequence", "sequence"),)

    patient: Mapped[str] = mapped_column(String(64), primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
