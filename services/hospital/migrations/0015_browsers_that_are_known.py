"""browsers that signed somebody in before, and the wrong proofs each of them may give.

Revision: 0015, after 0014.
"""

import sqlalchemy as sa
from alembic import op

from services.store.types import UtcDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hospital_browser",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("seen", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest", "user_id"),
    )
    op.create_index("hospital_browser_seen", "hospital_browser", ["seen"])


def downgrade() -> None:
    op.drop_table("hospital_browser")
