"""Tables of learning: at the hospital all of them, at a clinic its own signals."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.store.types import UtcDateTime

HERE = ("waiting", "quarantined")
"""States in which a contribution is its node's one of an epoch."""
_HERE = text("state IN ('waiting', 'quarantined')")


class Base(DeclarativeBase):
    """Root of learning's tables."""


class Signal(Base):
    """Something to learn from, de-identified, at the node that owns it.

    ``kind``: thumb, correction, edit, cds, referral. ``question`` and ``better`` are what is
    learned, ``worse`` what was said before, where that is known. ``note`` is why a person says that
    it is wrong; it is read by people and never learned. ``consent`` is the patient's consent for
    learning, or the purpose under which a clinician's own words are used; ``subject`` the pseudonym
    of whom it is about.
    """

    __tablename__ = "learning_signal"
    __table_args__ = (Index("learning_signal_due", "domain", "used", "expires"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    domain: Mapped[str] = mapped_column(String(48))
    question: Mapped[str] = mapped_column(Text)
    better: Mapped[str | None] = mapped_column(Text)
    worse: Mapped[str | None] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text, default="", server_default="")
    consent: Mapped[str] = mapped_column(String(200), index=True)
    subject: Mapped[str] = mapped_column(String(64))
    made: Mapped[datetime] = mapped_column(UtcDateTime)
    expires: Mapped[datetime] = mapped_column(UtcDateTime)
    used: Mapped[str | None] = mapped_column(String(36))


class StoredContribution(Base):
    """A contribution at the parent; its file lies beside the database under its id.

    ``state``: waiting, used, refused, quarantined, withdrawn. ``manifest`` as it came (JSON).
    ``gain`` is what it added to its round's release on the learned suites, once that was measured
    (`services.learning.credit`).
    """

    __tablename__ = "learning_contribution"
    __table_args__ = (
        Index("learning_contribution_round", "domain", "epoch", "state"),
        Index("learning_contribution_key", "key", "epoch"),
        Index(  # two processes may take two of one node at once; the database lets one through
            "learning_contribution_once",
            *("key", "domain", "epoch"),
            unique=True,
            sqlite_where=_HERE,
            postgresql_where=_HERE,
        ),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    domain: Mapped[str] = mapped_column(String(48))
    epoch: Mapped[int]
    key: Mapped[str] = mapped_column(String(16))
    site: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str | None] = mapped_column(String(60))
    manifest: Mapped[str] = mapped_column(Text)
    bytes: Mapped[int]
    round: Mapped[str | None] = mapped_column(String(36), index=True)
    gain: Mapped[float | None]
    received: Mapped[datetime] = mapped_column(UtcDateTime)


class LearningRound(Base):
    """One round of one domain; see `services.learning.rounds` for its states.

    ``fence`` is that of the job that may write now. ``candidate`` is the digest of what is judged,
    ``brick`` the version that it was published as. ``evidence`` and ``criteria`` are what the
    gates saw and said. ``rebuilds`` is the round whose release this one makes anew without what was
    withdrawn. ``credit`` is what each contribution added (`services.learning.credit`).
    """

    __tablename__ = "learning_round"
    __table_args__ = (Index("learning_round_domain", "domain", "epoch"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    domain: Mapped[str] = mapped_column(String(48))
    epoch: Mapped[int]
    state: Mapped[str] = mapped_column(String(20), index=True)
    fence: Mapped[int] = mapped_column(default=0)
    policy: Mapped[str] = mapped_column(String(71))
    base: Mapped[str] = mapped_column(String(71))
    parent: Mapped[str | None] = mapped_column(String(60))
    rule: Mapped[str] = mapped_column(String(20))
    candidate: Mapped[str | None] = mapped_column(String(71))
    brick: Mapped[str | None] = mapped_column(String(60))
    evidence: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    criteria: Mapped[list[Any] | None] = mapped_column(JSON)
    rebuilds: Mapped[str | None] = mapped_column(String(36))
    credit: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    error: Mapped[str | None] = mapped_column(String(200))
    started: Mapped[datetime] = mapped_column(UtcDateTime)
    changed: Mapped[datetime] = mapped_column(UtcDateTime)


class Approval(Base):
    """A person's word on one candidate of a round: it counts for that digest alone."""

    __tablename__ = "learning_approval"

    round: Mapped[str] = mapped_column(String(36), primary_key=True)
    candidate: Mapped[str] = mapped_column(String(71), primary_key=True)
    by: Mapped[str] = mapped_column(String(64), primary_key=True)
    approved: Mapped[bool]
    note: Mapped[str | None] = mapped_column(String(500))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class TrustEvent(Base):
    """Why a node's trust changed; ``appeal`` is what its people said, ``decided`` the answer."""

    __tablename__ = "learning_trust"
    __table_args__ = (Index("learning_trust_key", "key", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    key: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    change: Mapped[float]
    reason: Mapped[str] = mapped_column(String(60))
    round: Mapped[str | None] = mapped_column(String(36))
    appeal: Mapped[str | None] = mapped_column(String(500))
    decided: Mapped[str | None] = mapped_column(String(20))


class Deployment(Base):
    """A release on its way through the cohorts; see `services.learning.rollout`.

    ``state``: watching, held (a person has to say), released, stopped, rolled-back. ``before`` and
    ``now`` are the clinical measures of the cohort under the former release and under this one.
    """

    __tablename__ = "learning_deployment"

    brick: Mapped[str] = mapped_column(String(60), primary_key=True)
    round: Mapped[str | None] = mapped_column(String(36))
    former: Mapped[str | None] = mapped_column(String(60))
    cohort: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20), index=True)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    now: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    reason: Mapped[str | None] = mapped_column(String(200))
    since: Mapped[datetime] = mapped_column(UtcDateTime)


class ReleaseChannel(Base):
    """How far a release is offered, and to whom.

    ``domain`` names the part of the update policy that it is judged by. ``salt`` is the key of the
    hash that puts the nodes in an order, ``reach`` how far in that order the release is offered
    (both hexadecimal; no reach: to nobody). ``fence`` counts the changes:
    who writes names the one that stands. ``lease``: until when another process asks the canary
    questions. ``steps``: the cohorts so far, and what people did.
    """

    __tablename__ = "learning_channel"

    brick: Mapped[str] = mapped_column(String(60), primary_key=True)
    domain: Mapped[str] = mapped_column(String(48))
    salt: Mapped[str] = mapped_column(String(64))
    reach: Mapped[str | None] = mapped_column(String(64))
    fence: Mapped[int] = mapped_column(default=0)
    lease: Mapped[datetime | None] = mapped_column(UtcDateTime)
    steps: Mapped[list[Any]] = mapped_column(JSON)


class NodeMeasures(Base):
    """What a node counted in one window of time while a version of a brick was in use there.

    Numbers alone: no question, no answer, nothing of a person. ``version`` 0 stands for none.
    ``since`` is by the node's clock, and only tells one window from another; ``received`` is by
    the parent's.
    """

    __tablename__ = "learning_measures"
    __table_args__ = (Index("learning_measures_release", "brick", "version", "received"),)

    brick: Mapped[str] = mapped_column(String(48), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    since: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    answers: Mapped[int]
    overrides: Mapped[int]
    abstentions: Mapped[int]
    referrals: Mapped[int]
    latency_p50_ms: Mapped[float | None]
    canaries: Mapped[int]
    canaries_failed: Mapped[int]
    received: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class KnowledgeSource(Base):
    """How fetching stands with one source of the reviewed list.

    ``snapshot`` is the digest of what was last taken; ``due`` when it is asked next.
    """

    __tablename__ = "learning_source"

    id: Mapped[str] = mapped_column(String(48), primary_key=True)
    snapshot: Mapped[str | None] = mapped_column(String(71))
    fetched: Mapped[datetime | None] = mapped_column(UtcDateTime)
    tried: Mapped[datetime | None] = mapped_column(UtcDateTime)
    due: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failures: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(String(300))


class KnowledgeSnapshot(Base):
    """What a source gave at one time: files by digest, what they say of their date and licence."""

    __tablename__ = "learning_snapshot"

    source: Mapped[str] = mapped_column(String(48), primary_key=True)
    digest: Mapped[str] = mapped_column(String(71), primary_key=True)
    taken: Mapped[datetime] = mapped_column(UtcDateTime)
    dated: Mapped[str | None] = mapped_column(String(10))
    parts: Mapped[list[Any]] = mapped_column(JSON)


class KnowledgeChange(Base):
    """What a snapshot would change, on its way to a brick; see `services.learning.sources`.

    ``former`` is the brick that it follows, ``brick`` what it was released as. ``candidate`` is the
    digest that people look at, ``kept`` the contradicting passages that a person kept.
    """

    __tablename__ = "learning_change"
    __table_args__ = (Index("learning_change_source", "source", "made"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    source: Mapped[str] = mapped_column(String(48))
    snapshot: Mapped[str] = mapped_column(String(71))
    state: Mapped[str] = mapped_column(String(20), index=True)
    step: Mapped[int] = mapped_column(default=0)
    candidate: Mapped[str | None] = mapped_column(String(71))
    former: Mapped[str | None] = mapped_column(String(60))
    brick: Mapped[str | None] = mapped_column(String(60))
    criteria: Mapped[list[Any] | None] = mapped_column(JSON)
    counts: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    kept: Mapped[list[Any] | None] = mapped_column(JSON)
    error: Mapped[str | None] = mapped_column(String(300))
    by: Mapped[str | None] = mapped_column(String(64))
    note: Mapped[str | None] = mapped_column(String(500))
    decided: Mapped[datetime | None] = mapped_column(UtcDateTime)
    made: Mapped[datetime] = mapped_column(UtcDateTime)
    changed: Mapped[datetime] = mapped_column(UtcDateTime)
