"""synchronisation with an outside record.

Revision: 0009, after 0008.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def _moment(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str, length: int | None = None, *, nullable: bool = False) -> sa.Column[Any]:
    kind = sa.String(length=length) if length else sa.Text()
    return sa.Column(name, kind, nullable=nullable)


def _number(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), nullable=False)


def upgrade() -> None:
    op.create_table(
        "hospital_ehr",
        _text("name", 16),
        _text("base", 2000),
        _text("client_id", 200, nullable=True),
        _text("key_file", 1000, nullable=True),
        _text("key_id", 200, nullable=True),
        _text("scope", 1000),
        _text("asks"),
        _text("patients"),
        _text("group", 64, nullable=True),
        _text("prefix", 17),
        _number("every_minutes"),
        _number("full_days"),
        _moment("created"),
        _moment("due"),
        _text("holder", 80, nullable=True),
        _moment("held", nullable=True),
        _moment("began", nullable=True),
        _moment("synced", nullable=True),
        _moment("full", nullable=True),
        _text("state", 20),
        _text("error", 200, nullable=True),
        _text("subscriptions"),
        _text("secret", 64, nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "hospital_ehr_watermark",
        _text("connection", 16),
        _text("ask", 400),
        _moment("moment"),
        sa.PrimaryKeyConstraint("connection", "ask"),
    )
    op.create_table(
        "hospital_ehr_resource",
        _text("connection", 16),
        _text("type", 64),
        _text("source", 64),
        _text("local", 64),
        _moment("changed", nullable=True),
        _moment("seen"),
        sa.PrimaryKeyConstraint("connection", "type", "source"),
    )
    op.create_index(
        "hospital_ehr_resource_local", "hospital_ehr_resource", ["type", "local"], unique=True
    )
    op.create_index(
        "hospital_ehr_resource_seen", "hospital_ehr_resource", ["connection", "type", "seen"]
    )
    op.create_table(
        "hospital_ehr_awaited",
        _text("connection", 16),
        _text("what", 400),
        _text("code", 80),
        _number("attempts"),
        _moment("due"),
        sa.PrimaryKeyConstraint("connection", "what"),
    )


def downgrade() -> None:
    op.drop_table("hospital_ehr_awaited")
    op.drop_table("hospital_ehr_resource")
    op.drop_table("hospital_ehr_watermark")
    op.drop_table("hospital_ehr")
