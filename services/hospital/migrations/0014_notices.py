"""what people are told of, and what they switched off.

Revision: 0014, after 0013.
"""

import sqlalchemy as sa
from alembic import op

from services.store.types import UtcDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hospital_notice",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(80), nullable=False),
        sa.Column("made", UtcDateTime(), nullable=False),
        sa.Column("read", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "hospital_notice_of", "hospital_notice", ["user_id", "kind", "subject"], unique=True
    )
    op.create_index("hospital_notice_unread", "hospital_notice", ["user_id", "read", "made"])
    op.create_index("hospital_notice_made", "hospital_notice", ["made"])
    op.create_table(
        "hospital_notice_off",
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "kind"),
    )


def downgrade() -> None:
    op.drop_table("hospital_notice_off")
    op.drop_table("hospital_notice")
