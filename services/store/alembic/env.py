"""Alembic environment shared by every package that owns tables (see `services.store.migrate`)."""

from typing import Any, Literal

from alembic import context

from services.store.types import UtcDateTime


def render(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write our own column types as what they are in the database."""
    return (
        "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False
    )


options = context.config.attributes
context.configure(
    connection=options["connection"],
    target_metadata=options["metadata"],
    version_table=options["version_table"],
    include_object=options["include_object"],
    render_as_batch=True,
    render_item=render,
)
context.run_migrations()
