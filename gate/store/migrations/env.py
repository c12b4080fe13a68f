"""Alembic's entry: runs the versions on the connection that `migrate` was given."""

from alembic import context

from gate.store.sql.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    version_table="spangate_version",
)
with context.begin_transaction():
    context.run_migrations()
