"""SMART clients, grants and tokens.

Revision: 0006, after 0005.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def _moment(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str, length: int | None = None, *, nullable: bool = False) -> sa.Column[Any]:
    kind = sa.String(length=length) if length else sa.Text()
    return sa.Column(name, kind, nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "hospital_smart_client",
        _text("id", 64),
        _text("name", 80),
        _text("kind", 20),
        _text("scopes"),
        _text("redirects"),
        _text("origins"),
        _text("launch_url", nullable=True),
        _text("secret", 64, nullable=True),
        _text("jwks", nullable=True),
        _text("jwks_uri", nullable=True),
        _moment("created"),
        _moment("revoked", nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "hospital_smart_launch",
        _text("digest", 64),
        _text("client_id", 64),
        _text("user_id", 36),
        _text("patient", 64),
        _text("encounter", 64, nullable=True),
        _moment("expires"),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "hospital_smart_request",
        _text("digest", 64),
        _text("client_id", 64),
        _text("data"),
        _moment("expires"),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "hospital_smart_grant",
        _text("id", 36),
        _text("client_id", 64),
        _text("user_id", 36),
        _text("scopes"),
        _text("patient", 64, nullable=True),
        _text("encounter", 64, nullable=True),
        _text("session", 64, nullable=True),
        _moment("created"),
        _moment("revoked", nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_hospital_smart_grant_client_id", "hospital_smart_grant", ["client_id"])
    op.create_index("hospital_smart_grant_of", "hospital_smart_grant", ["user_id", "revoked"])
    op.create_table(
        "hospital_smart_code",
        _text("digest", 64),
        _text("grant_id", 36),
        _text("redirect"),
        _text("challenge", 128),
        _text("nonce", nullable=True),
        _moment("expires"),
        _moment("used", nullable=True),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "hospital_smart_token",
        _text("digest", 64),
        _text("kind", 10),
        _text("client_id", 64),
        _text("grant_id", 36, nullable=True),
        _text("scopes"),
        _text("audience"),
        _moment("made"),
        _moment("expires"),
        _moment("used", nullable=True),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("ix_hospital_smart_token_grant_id", "hospital_smart_token", ["grant_id"])
    op.create_index("hospital_smart_token_expires", "hospital_smart_token", ["expires"])
    op.create_table(
        "hospital_smart_assertion",
        _text("digest", 64),
        _moment("expires"),
        sa.PrimaryKeyConstraint("digest"),
    )


def downgrade() -> None:
    for name in ("assertion", "token", "code", "grant", "request", "launch", "client"):
        op.drop_table(f"hospital_smart_{name}")
