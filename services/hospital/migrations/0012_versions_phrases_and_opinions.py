"""saved versions of a reply, phrases for replies, and what other experts said.

Revision: 0012, after 0011.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hospital_reply_version",
        sa.Column("referral", sa.String(36), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("began", sa.DateTime(timezone=True), nullable=False),
        sa.Column("saved", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["referral"], ["hospital_referral.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("referral", "number"),
    )
    op.create_table(
        "hospital_opinions",
        sa.Column("referral", sa.String(36), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.String(36), nullable=False),
        sa.Column("asked", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["referral"], ["hospital_referral.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("referral"),
    )
    op.create_table(
        "hospital_phrase",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("owner", sa.String(36), nullable=False),
        sa.Column("shared", sa.Integer(), nullable=True),
        sa.Column("wanted", sa.Integer(), nullable=True),
        sa.Column("retired", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_hospital_phrase_owner", "hospital_phrase", ["owner"])
    op.create_table(
        "hospital_phrase_version",
        sa.Column("phrase", sa.String(36), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("title", sa.String(120), nullable=False),
        sa.Column("english", sa.Text(), nullable=False),
        sa.Column("spanish", sa.Text(), nullable=False),
        sa.Column("written_by", sa.String(36), nullable=False),
        sa.Column("written", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_by", sa.String(36), nullable=True),
        sa.Column("approved", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["phrase"], ["hospital_phrase.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("phrase", "number"),
    )


def downgrade() -> None:
    for table in ("phrase_version", "phrase", "opinions", "reply_version"):
        op.drop_table(f"hospital_{table}")
