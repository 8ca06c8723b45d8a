"""Tables of the authorization server: clients, what people granted them, and the tokens of it.

Codes, tokens, launches and secrets are random and kept as SHA-256 digests only.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.hospital.models.core import Base
from services.store.types import UtcDateTime


class SmartClient(Base):
    """A program that an operator registered.

    ``kind`` is public, symmetric or asymmetric; ``secret`` the digest of its secret, ``jwks`` its
    public keys as JSON or ``jwks_uri`` where they are. ``redirects`` and ``origins`` are lists
    separated by spaces, ``scopes`` what it may be granted at most.
    """

    __tablename__ = "hospital_smart_client"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(20))
    scopes: Mapped[str] = mapped_column(Text)
    redirects: Mapped[str] = mapped_column(Text)
    origins: Mapped[str] = mapped_column(Text)
    launch_url: Mapped[str | None] = mapped_column(Text)
    secret: Mapped[str | None] = mapped_column(String(64))
    jwks: Mapped[str | None] = mapped_column(Text)
    jwks_uri: Mapped[str | None] = mapped_column(Text)
    created: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SmartLaunch(Base):
    """An app that is being launched from a chart; good once."""

    __tablename__ = "hospital_smart_launch"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    client_id: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[str] = mapped_column(String(36))
    patient: Mapped[str] = mapped_column(String(64))
    encounter: Mapped[str | None] = mapped_column(String(64))
    expires: Mapped[datetime] = mapped_column(UtcDateTime)


class SmartRequest(Base):
    """An authorization request that waits for the person; ``data`` is its JSON."""

    __tablename__ = "hospital_smart_request"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    client_id: Mapped[str] = mapped_column(String(64))
    data: Mapped[str] = mapped_column(Text)
    expires: Mapped[datetime] = mapped_column(UtcDateTime)


class SmartGrant(Base):
    """What a person granted a client, and all tokens made of it.

    ``session`` is the digest of the portal session with which an online grant ends; None where the
    client may go on without the person.
    """

    __tablename__ = "hospital_smart_grant"
    __table_args__ = (Index("hospital_smart_grant_of", "user_id", "revoked"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    client_id: Mapped[str] = mapped_column(String(64), index=True)
    user_id: Mapped[str] = mapped_column(String(36))
    scopes: Mapped[str] = mapped_column(Text)
    patient: Mapped[str | None] = mapped_column(String(64))
    encounter: Mapped[str | None] = mapped_column(String(64))
    session: Mapped[str | None] = mapped_column(String(64))
    created: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SmartCode(Base):
    """An authorization code; ``used`` is kept so that a second use revokes the grant."""

    __tablename__ = "hospital_smart_code"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    grant_id: Mapped[str] = mapped_column(String(36))
    redirect: Mapped[str] = mapped_column(Text)
    challenge: Mapped[str] = mapped_column(String(128))
    nonce: Mapped[str | None] = mapped_column(Text)
    expires: Mapped[datetime] = mapped_column(UtcDateTime)
    used: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SmartToken(Base):
    """A token; ``kind`` is access or refresh, ``grant_id`` None where a program acts by itself.

    ``audience`` is the FHIR base address for which it was made; ``used`` says when a refresh token
    was exchanged: it is kept so that a second use revokes the grant.
    """

    __tablename__ = "hospital_smart_token"
    __table_args__ = (Index("hospital_smart_token_expires", "expires"),)

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    client_id: Mapped[str] = mapped_column(String(64))
    grant_id: Mapped[str | None] = mapped_column(String(36), index=True)
    scopes: Mapped[str] = mapped_column(Text)
    audience: Mapped[str] = mapped_column(Text)
    made: Mapped[datetime] = mapped_column(UtcDateTime)
    expires: Mapped[datetime] = mapped_column(UtcDateTime)
    used: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SmartAssertion(Base):
    """A client assertion that was taken; its id is not taken again before it is over."""

    __tablename__ = "hospital_smart_assertion"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires: Mapped[datetime] = mapped_column(UtcDateTime)
