"""Alembic environment shared by every package that owns tables (see `services.store.migrate`)."""

from alembic import context

options = context.config.attributes
context.configure(
    connection=options["connection"],
    target_metadata=options["metadata"],
    version_table=options["version_table"],
    include_object=options["include_object"],
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
