"""the worklist: who holds a referral, until when it is snoozed, and what it is filtered by.

Revision: 0011, after 0010.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_TABLE = "hospital_referral"
_COVERED = (
    *("state", "urgency_rank", "place", "received", "id", "assignee", "handed_by"),
    *("snoozed_until", "reason", "language", "drafted", "came"),
)
_ADDED = ("handed_by", "snoozed_until", "snoozed_by", "language", "drafted", "came")


def upgrade() -> None:
    op.add_column(_TABLE, sa.Column("handed_by", sa.String(length=36), nullable=True))
    op.add_column(_TABLE, sa.Column("snoozed_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column(_TABLE, sa.Column("snoozed_by", sa.String(length=36), nullable=True))
    op.add_column(_TABLE, sa.Column("place", sa.Integer(), nullable=False, server_default="1"))
    op.add_column(_TABLE, sa.Column("language", sa.String(length=8), nullable=True))
    op.add_column(_TABLE, sa.Column("drafted", sa.Boolean(), nullable=True))
    op.add_column(_TABLE, sa.Column("came", sa.DateTime(timezone=True), nullable=True))
    op.execute(f"UPDATE {_TABLE} SET came = received")
    op.drop_index("hospital_referral_list", _TABLE)
    op.create_index("hospital_referral_worklist", _TABLE, list(_COVERED))
    op.create_index("hospital_referral_signed", _TABLE, ["state", "signed", "id"])
    op.create_table(
        "hospital_referral_step",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("referral", sa.String(length=36), nullable=False),
        sa.Column("batch", sa.String(length=36), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("act", sa.String(length=20), nullable=False),
        sa.Column("by", sa.String(length=36), nullable=False),
        sa.Column("to", sa.String(length=36), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["referral"], ["hospital_referral.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("hospital_referral_step_of", "hospital_referral_step", ["referral", "at"])
    op.create_index(op.f("ix_hospital_referral_step_batch"), "hospital_referral_step", ["batch"])


def downgrade() -> None:
    op.drop_table("hospital_referral_step")
    op.drop_index("hospital_referral_signed", _TABLE)
    op.drop_index("hospital_referral_worklist", _TABLE)
    for name in ("place", *_ADDED):
        op.drop_column(_TABLE, name)
    op.create_index("hospital_referral_list", _TABLE, ["state", "urgency_rank", "received"])
