"""The operator's door of the survey: `flask import answers`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import click
from flask import Blueprint

from accounts import audit, permissions
from core.db import BATCH_ROWS, db
from core.errors import DomainError
from integrations.rejected import RejectedFile
from integrations.tables import Row, Table
from referrals import purchases, survey
from referrals.models_survey import ToldBy

door = permissions.guard(Blueprint("survey_cli", __name__, cli_group="import"), permissions.ADMIN)

COLUMNS = {
    "order": ("order", "order_id", "external_id", "commande", "name", "id"),
    "answer": ("answer", "heard_from", "reponse", "réponse"),
    "source": ("source",),
}
_SAID = {
    survey.State.CONFLICT: "This order has another answer already; an answer is not replaced.",
}


@door.cli.command("answers")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--source", default="shopify", help="Of a file that names none: the orders' shop.")
@click.option("--dry-run", is_flag=True, help="Check every line, write nothing.")
def import_answers(file: Path, source: str, dry_run: bool) -> None:
    """Import answers to “How did you hear about us?” from FILE.

    Columns: order, answer, and source where the orders are of several.
    """
    try:
        table = Table(file)
        places = _places(table)
    except DomainError as error:
        raise click.ClickException(error.detail) from None
    rejected = RejectedFile(file.with_name(f"{file.name}.rejected.csv"), table)
    try:
        counts = _take(table, places, source, rejected, is_dry=dry_run)
    except BaseException:
        rejected.discard()
        raise
    kept = rejected.finish()
    words = ", ".join(f"{counts[word]:,} {word}" for word in ("created", "unchanged", "rejected"))
    click.echo(f"{'Would be: ' if dry_run else ''}{words}")
    if kept:
        click.echo(f"Rejected lines with their reasons: {kept}")


def _places(table: Table) -> dict[str, int]:
    """Return where each column stands.

    Raises:
        ClickException: A column is missing.
    """
    header = [name.strip().lower() for name in table.header]
    found = {
        name: next((header.index(word) for word in words if word in header), -1)
        for name, words in COLUMNS.items()
    }
    if min(found["order"], found["answer"]) < 0:
        raise click.ClickException("The file needs the columns order and answer.")
    return found


def _take(
    table: Table, places: Mapping[str, int], source: str, rejected: RejectedFile, *, is_dry: bool
) -> Counter[str]:
    """Record what can be recorded, in batches that last; return how many became what."""
    counts: Counter[str] = Counter()
    for number, row in enumerate(table, start=1):
        state, problem = _one(row, places, source)
        if problem is not None:
            rejected.add(row._replace(problem=problem))
        counts[state] += 1
        if number % BATCH_ROWS == 0:
            _end_batch(is_dry=is_dry)
    if not is_dry and counts["created"]:
        audit.record("survey.import", "survey", table.path.name[:100], dict(counts))
    _end_batch(is_dry=is_dry)
    return counts


def _one(row: Row, places: Mapping[str, int], source: str) -> tuple[str, str | None]:
    """Record the answer of a line; return what became of it, and why it was refused."""
    if row.problem:
        return "rejected", row.problem
    order, told = row.cells[places["order"]].strip(), row.cells[places["answer"]]
    shop = row.cells[places["source"]].strip() if places["source"] >= 0 else ""
    purchase = purchases.find(shop or source, order)
    if purchase is None:
        return "rejected", f"There is no order {order[:80]} of {shop or source}; import it first."
    try:
        state = survey.answer(purchase.id, told, ToldBy.FILE)
    except DomainError as error:
        return "rejected", error.detail
    return ("rejected" if state in _SAID else state.value), _SAID.get(state)


def _end_batch(*, is_dry: bool) -> None:
    if is_dry:
        db.session.rollback()
    else:
        db.session.commit()
