"""when an account was seen, what is known of a session, and the kind of an emergency.

Revision: 0013, after 0012.
"""

import sqlalchemy as sa
from alembic import op

from services.store.types import UtcDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("hospital_user") as table:
        table.add_column(sa.Column("last_seen", UtcDateTime(), nullable=True))
    with op.batch_alter_table("hospital_session") as table:
        table.add_column(sa.Column("proved", UtcDateTime(), nullable=True))
        table.add_column(sa.Column("client", sa.String(64), nullable=True))
        table.add_column(sa.Column("browser", sa.String(40), nullable=True))
    with op.batch_alter_table("hospital_glass_break") as table:
        table.add_column(sa.Column("category", sa.String(20), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("hospital_glass_break") as table:
        table.drop_column("category")
    with op.batch_alter_table("hospital_session") as table:
        table.drop_column("browser")
        table.drop_column("client")
        table.drop_column("proved")
    with op.batch_alter_table("hospital_user") as table:
        table.drop_column("last_seen")
