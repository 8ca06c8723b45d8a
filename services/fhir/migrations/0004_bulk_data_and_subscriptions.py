"""Orders of bulk data, and subscriptions with their events.

Revision: 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "fhir_order",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("client", sa.String(length=120), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("progress", sa.String(length=100), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("requested", sa.DateTime(timezone=True), nullable=False),
        sa.Column("polled", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fhir_order")),
    )
    op.create_index("ix_fhir_order_client", "fhir_order", ["client", "state"])
    op.create_table(
        "fhir_order_patient",
        sa.Column("order", sa.String(length=36), nullable=False),
        sa.Column("patient", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("order", "patient", name=op.f("pk_fhir_order_patient")),
    )


def downgrade() -> None:
    op.drop_table("fhir_order_patient")
    op.drop_table("fhir_order")
