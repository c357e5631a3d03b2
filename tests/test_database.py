"""The database keeps its promises on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask

from core.db import db
from tests.factories import make_code


def test_a_code_cannot_be_deleted_or_given_to_somebody_else(app: Flask) -> None:
    code = make_code("ZOE10")
    db.session.commit()
    for statement in (
        "DELETE FROM code WHERE id = :id",
        "UPDATE code SET ambassador_id = NULL WHERE id = :id",
    ):
        with pytest.raises(sa.exc.DBAPIError, match="keeps its history"):
            db.session.execute(sa.text(statement), {"id": code.id})
        db.session.rollback()
