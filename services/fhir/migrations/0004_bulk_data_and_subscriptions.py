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
    op.create_table(
        "fhir_subscription",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("client", sa.String(length=120), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("beat", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fhir_subscription")),
        sa.UniqueConstraint("key"),
    )
    op.create_table(
        "fhir_subscription_event",
        sa.Column("subscription", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("resource", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("occurred", sa.String(length=24), nullable=False),
        sa.PrimaryKeyConstraint("subscription", "number", name=op.f("pk_fhir_subscription_event")),
    )
    clock = op.create_table(
        "fhir_subscription_clock",
        sa.Column("key", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_fhir_subscription_clock")),
    )
    op.bulk_insert(clock, [{"key": 1, "sequence": 0}])


def downgrade() -> None:
    op.drop_table("fhir_subscription_clock")
    op.drop_table("fhir_subscription_event")
    op.drop_table("fhir_subscription")
    op.drop_table("fhir_order_patient")
    op.drop_table("fhir_order")
