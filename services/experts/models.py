"""Tables of the experts."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.store.types import UtcDateTime


class Base(DeclarativeBase):
    """Root of the experts' tables."""


class PushedExpert(Base):
    """An expert that is to be held by the engine; ``version`` is that of its brick."""

    __tablename__ = "experts_pushed"

    id: Mapped[str] = mapped_column(String(48), primary_key=True)
    version: Mapped[int]
    pushed: Mapped[datetime] = mapped_column(UtcDateTime)
