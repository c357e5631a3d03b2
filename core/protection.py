"""For migrations: have the database itself refuse to change history, on both databases."""

from __future__ import annotations

from collections.abc import Sequence

from alembic import op


def protect(table: str, columns: Sequence[str] = ()) -> None:
    """Refuse to delete rows of a table, and to change them or, if told, these columns of them."""
    refuse(table, "delete", "DELETE")
    refuse(table, "update", f"UPDATE OF {', '.join(columns)}" if columns else "UPDATE")


def release(table: str) -> None:
    """Take back what `protect` did."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    on = "" if is_sqlite else f" ON {table}"
    for name in ("delete", "update") if is_sqlite else ("delete", "truncate", "update"):
        op.execute(f"DROP TRIGGER {table}_refuse_{name}{on}")


def refuse(table: str, name: str, event: str, *, when: str = "") -> None:
    """Refuse one act on rows; who may not delete may not empty the table either.

    Args:
        table: Which.
        name: Of the trigger, behind the table's name.
        event: Such as `DELETE` or `UPDATE OF amount`.
        when: A condition on `OLD`, of the rows it is about; all of them unless given.
    """
    act = f"CREATE TRIGGER {table}_refuse_{name} BEFORE {event} ON {table} "
    condition = f"WHEN ({when}) " if when else ""
    if op.get_bind().dialect.name == "sqlite":
        said = f"'{table} keeps its history: add a row instead'"
        op.execute(f"{act}{condition}BEGIN SELECT RAISE(ABORT, {said}); END")
        return
    op.execute(f"{act}FOR EACH ROW {condition}EXECUTE FUNCTION refuse_change()")
    if name == "delete":
        op.execute(
            f"CREATE TRIGGER {table}_refuse_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
