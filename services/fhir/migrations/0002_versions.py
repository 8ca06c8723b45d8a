"""Superseded versions and deletions.

Revision: 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NUMBERED = """
UPDATE fhir_resource SET method = 'PUT', sequence = numbered.place
FROM (
    SELECT type AS t, id AS i, row_number() OVER (ORDER BY updated, type, id) AS place
    FROM fhir_resource
) AS numbered
WHERE numbered.t = fhir_resource.type AND numbered.i = fhir_resource.id
"""
STARTED = """
INSERT INTO fhir_clock (key, sequence, updated)
SELECT 1, count(*), coalesce(max(updated), '') FROM fhir_resource
"""


def upgrade() -> None:
    op.create_table(
        "fhir_clock",
        sa.Column("key", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.String(length=24), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_fhir_clock")),
    )
    op.create_table(
        "fhir_version",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated", sa.String(length=24), nullable=False),
        sa.Column("replaced", sa.String(length=24), nullable=True),
        sa.Column("method", sa.String(length=6), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_fhir_version")),
    )
    op.create_index(
        "ix_fhir_version_resource", "fhir_version", ["type", "id", "version"], unique=True
    )
    op.create_table(
        "fhir_version_owner",
        sa.Column("patient", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("patient", "sequence", name=op.f("pk_fhir_version_owner")),
    )
    op.create_index("ix_fhir_version_owner_sequence", "fhir_version_owner", ["sequence"])

    with op.batch_alter_table("fhir_resource") as batch_op:
        batch_op.add_column(sa.Column("sequence", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("method", sa.String(length=6), nullable=True))
    op.execute(NUMBERED)
    op.execute(STARTED)
    with op.batch_alter_table("fhir_resource") as batch_op:
        batch_op.alter_column("sequence", existing_type=sa.BigInteger(), nullable=False)
        batch_op.alter_column("method", existing_type=sa.String(length=6), nullable=False)
        batch_op.create_index("ix_fhir_resource_sequence", ["sequence"], unique=True)


def downgrade() -> None:
    with op.batch_alter_table("fhir_resource") as batch_op:
        batch_op.drop_index("ix_fhir_resource_sequence")
        batch_op.drop_column("method")
        batch_op.drop_column("sequence")
    op.drop_table("fhir_version_owner")
    op.drop_table("fhir_version")
    op.drop_table("fhir_clock")
