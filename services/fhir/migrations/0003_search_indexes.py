"""Indexes of every search parameter.

The tables of the index are made anew and left empty: the store fills them from the resources when
it next opens (see `services.fhir.search.upkeep`).

Revision: 0003, after 0002.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SOURCE = ("source_type", "source_id")


def bytewise(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def key(name: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*SOURCE, *columns, name=op.f(f"pk_{name}"))


def indexed(name: str, *columns: sa.Column[Any], extra: sa.Column[Any] | None = None) -> None:
    """Make a table whose key is the resource and ``columns``."""
    op.create_table(
        name,
        sa.Column("source_type", sa.String(64), nullable=False),
        sa.Column("source_id", sa.String(64), nullable=False),
        *columns,
        *([] if extra is None else [extra]),
        key(name, *(column.name for column in columns)),
        sqlite_with_rowid=False,
    )


def column(name: str, kind: sa.types.TypeEngine[Any] | int) -> sa.Column[Any]:
    return sa.Column(name, sa.String(kind) if isinstance(kind, int) else kind, nullable=False)


def upgrade() -> None:
    op.drop_table("fhir_reference")
    op.drop_table("fhir_token")
    indexed(
        "fhir_reference",
        column("path", 200),
        column("target_type", 64),
        column("target_id", 64),
        column("identifier", 400),
        extra=sa.Column("compartment", sa.Integer(), nullable=False),
    )
    op.create_index(
        "ix_fhir_reference_target",
        "fhir_reference",
        ["target_id", "target_type", "source_type", "compartment", "source_id", "path"],
    )
    op.create_index(
        "ix_fhir_reference_identifier", "fhir_reference", ["identifier", "source_type", "source_id"]
    )
    indexed(
        "fhir_token",
        column("parameter", 64),
        column("code", bytewise(400)),
        column("system", bytewise(400)),
    )
    indexed(
        "fhir_string",
        column("parameter", 64),
        column("value", bytewise(300)),
        column("exact", bytewise(400)),
    )
    indexed(
        "fhir_date",
        column("parameter", 64),
        sa.Column("low", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("high", sa.BigInteger(), autoincrement=False, nullable=False),
    )
    indexed(
        "fhir_quantity",
        column("parameter", 64),
        sa.Column("low", sa.Float(53), nullable=False),
        sa.Column("high", sa.Float(53), nullable=False),
        column("system", 400),
        column("code", 200),
        column("unit", 200),
    )
    for name, table, columns in (
        ("code", "token", ["code", "source_id", "system"]),
        ("value", "string", ["value", "source_id"]),
        ("low", "date", ["low", "high", "source_id"]),
        ("high", "date", ["high", "low", "source_id"]),
        ("low", "quantity", ["low", "source_id"]),
    ):
        leading = ["source_type", "parameter"]
        op.create_index(f"ix_fhir_{table}_{name}", f"fhir_{table}", [*leading, *columns])
    op.create_index("ix_fhir_resource_updated", "fhir_resource", ["type", "updated", "id"])
    op.create_table(
        "fhir_note",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_fhir_note")),
    )
    # An index of no resources is up to date.
    op.execute(
        "INSERT INTO fhir_note (name, value) SELECT 'index-revision', '1' "
        "WHERE NOT EXISTS (SELECT 1 FROM fhir_resource)"
    )


def downgrade() -> None:
    op.drop_index("ix_fhir_resource_updated", "fhir_resource")
    for name in ("note", "quantity", "date", "string", "token", "reference"):
        op.drop_table(f"fhir_{name}")
    for name, columns in (
        ("reference", {"path": 200, "target_type": 64, "target_id": 64, "identifier": 500}),
        ("token", {"parameter": 32, "system": 400, "code": 400}),
    ):
        extra = [sa.Column("compartment", sa.Integer(), nullable=False)]
        op.create_table(
            f"fhir_{name}",
            sa.Column("key", sa.Integer(), autoincrement=True, nullable=False),
            column("source_type", 64),
            column("source_id", 64),
            *(column(n, length) for n, length in columns.items()),
            *(extra if name == "reference" else []),
            sa.PrimaryKeyConstraint("key", name=op.f(f"pk_fhir_{name}")),
        )
        op.create_index(f"ix_fhir_{name}_source", f"fhir_{name}", list(SOURCE))
    op.create_index(
        "ix_fhir_reference_target", "fhir_reference", ["target_id", "target_type", "source_type"]
    )
    op.create_index("ix_fhir_token_code", "fhir_token", ["code", "parameter", "source_type"])
