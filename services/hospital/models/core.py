"""Tables of the hospital."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import BigInteger, Index, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.store.types import UtcDateTime


class Base(DeclarativeBase):
    """Root of the hospital's tables."""


class User(Base):
    """A person who signs in to the portal; ``role`` is clinician, operator, privacy or admin.

    ``acts_as`` is a list, separated by spaces, of what the account stands for in the record:
    ``Practitioner/x``, and the desks that the person works at (see `services.hospital.treatment`).
    ``subject`` is issuer and id at the identity provider, for those who sign in there.
    """

    __tablename__ = "hospital_user"
    __table_args__ = (Index("hospital_user_subject", "subject", unique=True),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    username: Mapped[str] = mapped_column(String(80), unique=True)
    display_name: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(20))
    password: Mapped[str] = mapped_column(String(255))
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    disabled: Mapped[bool] = mapped_column(default=False)
    acts_as: Mapped[str | None] = mapped_column(String(400))
    subject: Mapped[str | None] = mapped_column(String(255))
    created: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen: Mapped[datetime | None] = mapped_column(UtcDateTime)

    def is_locked(self) -> bool:
        """Whether nobody may sign in to it now."""
        return self.disabled or bool(self.locked_until and self.locked_until > datetime.now(UTC))


class KnownBrowser(Base):
    """A browser in which the owner of an account signed in; ``digest`` is of its cookie.

    ``failures`` counts wrong proofs since, ``seen`` is when the owner signed in there last.
    """

    __tablename__ = "hospital_browser"
    __table_args__ = (Index("hospital_browser_seen", "seen"),)

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    failures: Mapped[int]
    seen: Mapped[datetime] = mapped_column(UtcDateTime)


class PortalSession(Base):
    """A signed-in browser; ``digest`` is the SHA-256 of its cookie.

    ``proved`` is when the person last proved who they are, ``client`` the network address that the
    session was opened from, ``browser`` its kind (``Firefox, Linux``).
    """

    __tablename__ = "hospital_session"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(36), index=True)
    csrf: Mapped[str] = mapped_column(String(64))
    seen: Mapped[datetime] = mapped_column(UtcDateTime)
    expires: Mapped[datetime] = mapped_column(UtcDateTime)
    proved: Mapped[datetime | None] = mapped_column(UtcDateTime)
    client: Mapped[str | None] = mapped_column(String(64))
    browser: Mapped[str | None] = mapped_column(String(40))


class SecondFactor(Base):
    """What proves a person beside the password.

    ``secret`` is sealed (`services.hospital.secret_file`), ``last_counter`` that of the last code
    that was taken, ``recovery`` a JSON list of digests; ``confirmed`` is None until a first code.
    """

    __tablename__ = "hospital_second_factor"

    user_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    secret: Mapped[str] = mapped_column(String(200))
    last_counter: Mapped[int] = mapped_column(BigInteger)
    recovery: Mapped[str] = mapped_column(Text)
    confirmed: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PendingSignIn(Base):
    """A sign-in that has begun; ``digest`` is the SHA-256 of its cookie."""

    __tablename__ = "hospital_pending_sign_in"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    user_id: Mapped[str | None] = mapped_column(String(36))
    data: Mapped[str] = mapped_column(Text)
    expires: Mapped[datetime] = mapped_column(UtcDateTime)


class ApiKey(Base):
    """A key for programs.

    ``scopes`` is a list separated by spaces (``patient/*.rs chat``, see `compliance.access`);
    ``patient`` is the id of the one Patient to whom the key is bound, or None; ``requests`` and
    ``tokens`` are what it may send to models a minute (0: no limit, None: the hospital's).
    """

    __tablename__ = "hospital_api_key"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    scopes: Mapped[str] = mapped_column(String(400))
    patient: Mapped[str | None] = mapped_column(String(64))
    requests: Mapped[int | None]
    tokens: Mapped[int | None]
    created: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Referral(Base):
    """A referral on the clinicians' desk, opened.

    ``question`` is the de-identified question (JSON of ReferredQuestion), ``draft`` the drafted
    answer (JSON of Answer) or None, ``edited`` the text as the clinician last saved it; ``version``
    counts changes, so that two clinicians do not overwrite one another. ``state`` is ``open`` or
    ``signed``. Texts are sealed under the referral's own key (`services.hospital.text_keys`).

    For the worklist (`services.hospital.worklist`), which opens no text to sort or to count:
    ``language`` is the patient's, ``drafted`` whether a source answered (both None until they were
    looked up), ``assignee`` who has it, ``handed_by`` from whom, ``snoozed_until`` when it comes
    back, ``place`` 0 once it was snoozed (first among its urgency) and else 1, ``came`` since when
    it is there to be taken.
    """

    __tablename__ = "hospital_referral"
    __table_args__ = (
        Index(  # holds all that the worklist filters by, so that no text is read for it
            "hospital_referral_worklist",
            *("state", "urgency_rank", "place", "received", "id", "assignee", "handed_by"),
            *("snoozed_until", "reason", "language", "drafted", "came"),
        ),
        Index("hospital_referral_signed", "state", "signed", "id"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    urgency: Mapped[str] = mapped_column(String(20))
    urgency_rank: Mapped[int]
    reason: Mapped[str] = mapped_column(String(40))
    question: Mapped[str] = mapped_column(Text)
    draft: Mapped[str | None] = mapped_column(Text)
    edited: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(String(20))
    assignee: Mapped[str | None] = mapped_column(String(36))
    handed_by: Mapped[str | None] = mapped_column(String(36))
    snoozed_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    snoozed_by: Mapped[str | None] = mapped_column(String(36))
    place: Mapped[int] = mapped_column(default=1)
    language: Mapped[str | None] = mapped_column(String(8))
    drafted: Mapped[bool | None]
    received: Mapped[datetime] = mapped_column(UtcDateTime)
    came: Mapped[datetime | None] = mapped_column(UtcDateTime, default=lambda: datetime.now(UTC))
    signed_by: Mapped[str | None] = mapped_column(String(36))
    signed: Mapped[datetime | None] = mapped_column(UtcDateTime)
    signed_text: Mapped[str | None] = mapped_column(Text)


class Job(Base):
    """Work that must be done once: written in the transaction that makes it necessary.

    Whoever takes it gets a lease and the next fencing number; a result with an older number is
    thrown away.
    """

    __tablename__ = "hospital_job"
    __table_args__ = (Index("hospital_job_due", "state", "due"),)

    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(80))
    state: Mapped[str] = mapped_column(String(20))
    fence: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(String(80))
    due: Mapped[datetime] = mapped_column(UtcDateTime)
    created: Mapped[datetime] = mapped_column(UtcDateTime)


class GlassBreak(Base):
    """Emergency access of a clinician to one chart, and its review.

    ``patient`` is a Patient's id; ``category`` the kind of emergency, ``reason`` the person's own
    words; ``verdict`` is ``justified`` or ``not-justified``, None while it waits for a privacy
    officer.
    """

    __tablename__ = "hospital_glass_break"
    __table_args__ = (Index("hospital_glass_break_of", "user_id", "patient", "expires"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(36))
    patient: Mapped[str] = mapped_column(String(64))
    category: Mapped[str | None] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(Text)
    opened: Mapped[datetime] = mapped_column(UtcDateTime)
    expires: Mapped[datetime] = mapped_column(UtcDateTime)
    reviewed: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reviewed_by: Mapped[str | None] = mapped_column(String(36))
    verdict: Mapped[str | None] = mapped_column(String(20))
    note: Mapped[str | None] = mapped_column(Text)


class LegalHold(Base):
    """What must be kept; ``subject`` is ``referral:id`` or ``patient:id``."""

    __tablename__ = "hospital_legal_hold"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    subject: Mapped[str] = mapped_column(String(80), index=True)
    reason: Mapped[str] = mapped_column(String(400))
    placed: Mapped[datetime] = mapped_column(UtcDateTime)
    lifted: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ErasureReceipt(Base):
    """That a referral was erased: a signed JSON text that names no person."""

    __tablename__ = "hospital_erasure"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    referral: Mapped[str] = mapped_column(String(36), index=True)
    erased: Mapped[datetime] = mapped_column(UtcDateTime)
    receipt: Mapped[str] = mapped_column(Text)
