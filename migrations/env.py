"""Alembic's environment: the models' metadata on the application's engine."""

from __future__ import annotations

from alembic import context
from flask import current_app

from core.db import Model

config = context.config


def run() -> None:
    """Migrate over one connection; SQLite alters tables by copying them."""
    engine = current_app.extensions["migrate"].db.engine
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Model.metadata,
            render_as_batch=True,
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


run()
