"""feedback to CDS Hooks cards.

Revision: 0007, after 0006.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def _moment(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str, length: int | None = None, *, nullable: bool = False) -> sa.Column[Any]:
    kind = sa.String(length=length) if length else sa.Text()
    return sa.Column(name, kind, nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "hospital_cds_ehr",
        _text("id", 16),
        _text("issuer", 400),
        _text("jwks_url", 2000),
        _text("fhir_server", 2000, nullable=True),
        _text("origins"),
        _moment("created"),
        _moment("revoked", nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("issuer"),
    )
    op.create_table(
        "hospital_cds_token",
        _text("id", 64),
        _moment("expires"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_hospital_cds_token_expires", "hospital_cds_token", ["expires"])
    op.create_table(
        "hospital_cds_card",
        _text("id", 36),
        _text("ehr", 16),
        _text("service", 64),
        _text("rule", 80),
        _text("source", 400),
        _text("indicator", 10),
        _text("suggestions"),
        _text("repeats", 64),
        _text("clinician", 64),
        _moment("given"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("hospital_cds_card_again", "hospital_cds_card", ["clinician", "repeats"])
    op.create_index("ix_hospital_cds_card_given", "hospital_cds_card", ["given"])
    op.create_table(
        "hospital_cds_feedback",
        _text("id", 64),
        _text("card", 36),
        _text("outcome", 12),
        _text("reason", 64, nullable=True),
        sa.Column("commented", sa.Boolean(), nullable=False),
        _text("suggestions"),
        _moment("done"),
        _moment("received"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_hospital_cds_feedback_card", "hospital_cds_feedback", ["card"])


def downgrade() -> None:
    op.drop_table("hospital_cds_feedback")
    op.drop_table("hospital_cds_card")
    op.drop_table("hospital_cds_token")
    op.drop_table("hospital_cds_ehr")
