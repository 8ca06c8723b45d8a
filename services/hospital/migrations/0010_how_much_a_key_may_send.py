"""how much a key may send to models.

Revision: 0010, after 0009.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("hospital_api_key", sa.Column("requests", sa.Integer(), nullable=True))
    op.add_column("hospital_api_key", sa.Column("tokens", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("hospital_api_key", "tokens")
    op.drop_column("hospital_api_key", "requests")
