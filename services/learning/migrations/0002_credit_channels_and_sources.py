"""One contribution an epoch, rebuilt releases, credit, channels, measures and sources.

Revision: 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

HERE = sa.text("state IN ('waiting', 'quarantined')")


def upgrade() -> None:
    with op.batch_alter_table("learning_round", schema=None) as batch_op:
        batch_op.add_column(sa.Column("rebuilds", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("credit", sa.JSON(), nullable=True))
    with op.batch_alter_table("learning_signal", schema=None) as batch_op:
        batch_op.add_column(sa.Column("note", sa.Text(), server_default="", nullable=False))
    _one_an_epoch()
    _rollout()
    _sources()


def _one_an_epoch() -> None:
    """Refuse the older ones where a node has several in an epoch; then no more can come."""
    op.execute(
        "UPDATE learning_contribution SET state = 'refused', reason = 'superseded' "
        "WHERE state IN ('waiting', 'quarantined') AND EXISTS (SELECT 1 "
        "FROM learning_contribution AS newer WHERE newer.key = learning_contribution.key "
        "AND newer.domain = learning_contribution.domain "
        "AND newer.epoch = learning_contribution.epoch "
        "AND newer.state IN ('waiting', 'quarantined') "
        "AND (newer.received > learning_contribution.received "
        "OR (newer.received = learning_contribution.received "
        "AND newer.id > learning_contribution.id)))"
    )
    op.create_index(
        "learning_contribution_once",
        "learning_contribution",
        ["key", "domain", "epoch"],
        unique=True,
        sqlite_where=HERE,
        postgresql_where=HERE,
    )


def _rollout() -> None:
    op.create_table(
        "learning_channel",
        sa.Column("brick", sa.String(length=60), nullable=False),
        sa.Column("domain", sa.String(length=48), nullable=False),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.Column("reach", sa.String(length=64), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("lease", sa.DateTime(timezone=True), nullable=True),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("brick"),
    )
    op.create_table(
        "learning_measures",
        sa.Column("brick", sa.String(length=48), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answers", sa.Integer(), nullable=False),
        sa.Column("overrides", sa.Integer(), nullable=False),
        sa.Column("abstentions", sa.Integer(), nullable=False),
        sa.Column("referrals", sa.Integer(), nullable=False),
        sa.Column("latency_p50_ms", sa.Double(), nullable=True),
        sa.Column("canaries", sa.Integer(), nullable=False),
        sa.Column("canaries_failed", sa.Integer(), nullable=False),
        sa.Column("received", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("brick", "version", "key", "since"),
    )
    with op.batch_alter_table("learning_measures", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_learning_measures_received"), ["received"], unique=False
        )
        batch_op.create_index(
            "learning_measures_release", ["brick", "version", "received"], unique=False
        )


def _sources() -> None:
    op.create_table(
        "learning_source",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("snapshot", sa.String(length=71), nullable=True),
        sa.Column("fetched", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tried", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(length=300), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "learning_snapshot",
        sa.Column("source", sa.String(length=48), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("taken", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dated", sa.String(length=10), nullable=True),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("source", "digest"),
    )
    op.create_table(
        "learning_change",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("source", sa.String(length=48), nullable=False),
        sa.Column("snapshot", sa.String(length=71), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("candidate", sa.String(length=71), nullable=True),
        sa.Column("former", sa.String(length=60), nullable=True),
        sa.Column("brick", sa.String(length=60), nullable=True),
        sa.Column("criteria", sa.JSON(), nullable=True),
        sa.Column("counts", sa.JSON(), nullable=True),
        sa.Column("kept", sa.JSON(), nullable=True),
        sa.Column("error", sa.String(length=300), nullable=True),
        sa.Column("by", sa.String(length=64), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.Column("decided", sa.DateTime(timezone=True), nullable=True),
        sa.Column("made", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("learning_change", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_learning_change_state"), ["state"], unique=False)
        batch_op.create_index("learning_change_source", ["source", "made"], unique=False)
