"""Tables of decision support: EHRs that may call, cards that were given, and feedback to them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.hospital.models.core import Base
from services.store.types import UtcDateTime


class CdsEhr(Base):
    """An EHR that an operator registered; ``origins`` is a list separated by spaces."""

    __tablename__ = "hospital_cds_ehr"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    issuer: Mapped[str] = mapped_column(String(400), unique=True)
    jwks_url: Mapped[str] = mapped_column(String(2000))
    fhir_server: Mapped[str | None] = mapped_column(String(2000))
    origins: Mapped[str] = mapped_column(Text, default="")
    created: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CdsToken(Base):
    """A token that was taken; ``id`` is a digest of issuer and ``jti``."""

    __tablename__ = "hospital_cds_token"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class CdsCard(Base):
    """A card that was given; it names nobody.

    ``repeats`` and ``clinician`` are keyed digests: of patient, rule and what it fired on, and of
    who was shown it. The key is a file beside the database.
    """

    __tablename__ = "hospital_cds_card"
    __table_args__ = (Index("hospital_cds_card_again", "clinician", "repeats"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    ehr: Mapped[str] = mapped_column(String(16))
    service: Mapped[str] = mapped_column(String(64))
    rule: Mapped[str] = mapped_column(String(80))
    source: Mapped[str] = mapped_column(String(400))
    indicator: Mapped[str] = mapped_column(String(10))
    suggestions: Mapped[str] = mapped_column(Text, default="")
    repeats: Mapped[str] = mapped_column(String(64))
    clinician: Mapped[str] = mapped_column(String(64))
    given: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class CdsFeedback(Base):
    """What a person did with a card; ``id`` is a digest of the whole entry.

    ``reason`` is a code of our own list, ``other`` for any other; ``commented`` says that there was
    a comment, which is not kept. ``suggestions`` are the accepted ones, separated by spaces.
    """

    __tablename__ = "hospital_cds_feedback"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    card: Mapped[str] = mapped_column(String(36), index=True)
    outcome: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str | None] = mapped_column(String(64))
    commented: Mapped[bool]
    suggestions: Mapped[str] = mapped_column(Text, default="")
    done: Mapped[datetime] = mapped_column(UtcDateTime)
    received: Mapped[datetime] = mapped_column(UtcDateTime)
