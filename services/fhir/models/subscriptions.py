"""Tables of subscriptions: how each stands, and the events that its subscriber is told of."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.fhir.models.base import Base
from services.store.types import UtcDateTime


class SubscriptionRow(Base):
    """How the Subscription with this ``id`` stands; what it asks for stands in the resource.

    ``client`` and ``scopes`` are the grant of who wrote it last, ``version`` is what they wrote.
    ``state`` is ``requested``, ``active``, ``error`` or ``off``. ``events`` is the number of the
    last event, ``sent`` that of the last one that was delivered, ``since`` the place among all
    writes from which it counts. ``beat`` is when the subscriber is to hear of it next.
    """

    __tablename__ = "fhir_subscription"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[str] = mapped_column(String(32), unique=True)
    client: Mapped[str] = mapped_column(String(120))
    scopes: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(16))
    since: Mapped[int] = mapped_column(BigInteger)
    events: Mapped[int] = mapped_column(Integer)
    sent: Mapped[int] = mapped_column(Integer)
    failures: Mapped[int] = mapped_column(Integer)
    beat: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SubscriptionEventRow(Base):
    """One event of a subscription: the resource that it is about, and when that was written."""

    __tablename__ = "fhir_subscription_event"

    subscription: Mapped[str] = mapped_column(String(64), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    type: Mapped[str] = mapped_column(String(64))
    resource: Mapped[str] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(Integer)
    occurred: Mapped[str] = mapped_column(String(24))


class SubscriptionClockRow(Base):
    """The one row that says up to which of all writes events have been looked for."""

    __tablename__ = "fhir_subscription_clock"

    key: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(BigInteger)
