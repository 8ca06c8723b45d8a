"""Signals, contributions, rounds, approvals, trust and deployments.

Revision: 0001, after .
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _rounds()
    _contributions()
    _deployments()
    _signals()


def _rounds() -> None:
    op.create_table(
        "learning_approval",
        sa.Column("round", sa.String(length=36), nullable=False),
        sa.Column("candidate", sa.String(length=71), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("approved", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("round", "candidate", "by"),
    )
    op.create_table(
        "learning_round",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("domain", sa.String(length=48), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("policy", sa.String(length=71), nullable=False),
        sa.Column("base", sa.String(length=71), nullable=False),
        sa.Column("parent", sa.String(length=60), nullable=True),
        sa.Column("rule", sa.String(length=20), nullable=False),
        sa.Column("candidate", sa.String(length=71), nullable=True),
        sa.Column("brick", sa.String(length=60), nullable=True),
        sa.Column("evidence", sa.JSON(), nullable=True),
        sa.Column("criteria", sa.JSON(), nullable=True),
        sa.Column("error", sa.String(length=200), nullable=True),
        sa.Column("started", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("learning_round", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_learning_round_state"), ["state"], unique=False)
        batch_op.create_index("learning_round_domain", ["domain", "epoch"], unique=False)


def _contributions() -> None:
    op.create_table(
        "learning_contribution",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("domain", sa.String(length=48), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("site", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=60), nullable=True),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("round", sa.String(length=36), nullable=True),
        sa.Column("gain", sa.Double(), nullable=True),
        sa.Column("received", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("learning_contribution", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_learning_contribution_round"), ["round"], unique=False)
        batch_op.create_index("learning_contribution_key", ["key", "epoch"], unique=False)
        batch_op.create_index(
            "learning_contribution_round", ["domain", "epoch", "state"], unique=False
        )
    op.create_table(
        "learning_trust",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("change", sa.Double(), nullable=False),
        sa.Column("reason", sa.String(length=60), nullable=False),
        sa.Column("round", sa.String(length=36), nullable=True),
        sa.Column("appeal", sa.String(length=500), nullable=True),
        sa.Column("decided", sa.String(length=20), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("learning_trust", schema=None) as batch_op:
        batch_op.create_index("learning_trust_key", ["key", "at"], unique=False)


def _deployments() -> None:
    op.create_table(
        "learning_deployment",
        sa.Column("brick", sa.String(length=60), nullable=False),
        sa.Column("round", sa.String(length=36), nullable=True),
        sa.Column("former", sa.String(length=60), nullable=True),
        sa.Column("cohort", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("now", sa.JSON(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("brick"),
    )
    with op.batch_alter_table("learning_deployment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_learning_deployment_state"), ["state"], unique=False)


def _signals() -> None:
    op.create_table(
        "learning_signal",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("domain", sa.String(length=48), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("better", sa.Text(), nullable=True),
        sa.Column("worse", sa.Text(), nullable=True),
        sa.Column("consent", sa.String(length=200), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("made", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used", sa.String(length=36), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("learning_signal", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_learning_signal_consent"), ["consent"], unique=False)
        batch_op.create_index("learning_signal_due", ["domain", "used", "expires"], unique=False)


def downgrade() -> None:
    # ### commands auto generated by Alembic - please adjust! ###
    with op.batch_alter_table("learning_trust", schema=None) as batch_op:
        batch_op.drop_index("learning_trust_key")

    op.drop_table("learning_trust")
    with op.batch_alter_table("learning_signal", schema=None) as batch_op:
        batch_op.drop_index("learning_signal_due")
        batch_op.drop_index(batch_op.f("ix_learning_signal_consent"))

    op.drop_table("learning_signal")
    with op.batch_alter_table("learning_round", schema=None) as batch_op:
        batch_op.drop_index("learning_round_domain")
        batch_op.drop_index(batch_op.f("ix_learning_round_state"))

    op.drop_table("learning_round")
    with op.batch_alter_table("learning_deployment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_learning_deployment_state"))

    op.drop_table("learning_deployment")
    with op.batch_alter_table("learning_contribution", schema=None) as batch_op:
        batch_op.drop_index("learning_contribution_round")
        batch_op.drop_index("learning_contribution_key")
        batch_op.drop_index(batch_op.f("ix_learning_contribution_round"))

    op.drop_table("learning_contribution")
    op.drop_table("learning_approval")
    # ### end Alembic commands ###
