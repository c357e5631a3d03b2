"""Reading orders from a file, one after the other, through its layout."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flask_babel import gettext as _

from core import emails
from integrations import cells, facts
from integrations.cells import CellError
from integrations.order_files.shapes import (
    Found,
    Layout,
    Order,
    Record,
    Refused,
    Skipped,
)  # fmt: skip
from integrations.tables import Row

NOBODY = {"", "0"}  # WooCommerce's customer of a guest


def read(rows: Iterable[Row], layout: Layout) -> Iterator[Found]:
    """Return each order of the rows, and each that cannot be read, with the reason."""
    if not layout.format.has_continuations:
        for row in rows:
            yield _one(layout, (row,))
        return
    for group in _groups(rows, layout):
        yield _one(layout, tuple(group))


def _groups(rows: Iterable[Row], layout: Layout) -> Iterator[list[Row]]:
    """Put the lines of an order together: the same name again, without a total."""
    name, total = layout.columns["external_id"][0], layout.columns["total"][0]
    group: list[Row] = []
    for row in rows:
        is_continued = (
            bool(group)
            and len(row.cells) > name
            and len(group[0].cells) > name
            and row.cells[name] == group[0].cells[name]
            and (len(row.cells) <= total or not row.cells[total].strip())
        )
        if not is_continued and group:
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def _one(layout: Layout, rows: tuple[Row, ...]) -> Found:
    """Read one order; whatever is wrong with it is told on each of its lines."""
    problem = next((row.problem for row in rows if row.problem), None)
    if problem:
        return refused(rows, problem)
    try:
        return _order(Record(layout, rows))
    except CellError as error:
        return refused(rows, str(error))


def refused(rows: tuple[Row, ...], problem: str) -> Refused:
    """Return the rows with the reason why they were refused."""
    return Refused(tuple(row._replace(problem=row.problem or problem) for row in rows))


def _order(record: Record) -> Order | Skipped:
    layout = record.layout
    if layout.format.has_continuations and not record.text("total"):
        raise CellError(_("The first line of this order is missing, or stands elsewhere."))
    status = layout.format.status(record)
    if status is None:
        return Skipped(record.rows)
    is_named = "currency" in layout.columns  # then an empty cell is an error, not the default
    currency = cells.currency(record.text("currency") if is_named else layout.currency)
    occurred_at = cells.instant(_required(record, "occurred_at"), layout.notation)
    amounts = _amounts(record, currency)
    external_id = _required(record, "external_id")
    customer_id = record.text("customer_external_id")
    others = dict.fromkeys((record.text("alias"), record.text("alias_2")))
    purchase = facts.Purchase(
        source=_source(record),
        external_id=external_id,
        occurred_at=occurred_at,
        currency=currency,
        total=amounts["total"],
        discount=amounts["discount"],
        tax=amounts["tax"],
        shipping=amounts["shipping"],
        customer_external_id=None if customer_id in NOBODY else customer_id,
        email=_email(record),
        country=cells.country(record.text("country")),
        codes=layout.format.codes(record.text("codes")),
        click_token=record.text("click_id") or None,
        heard_from=record.text("heard_from") or None,
        lines=layout.format.lines(record, currency),
        status=status,
        is_test=record.text("test").lower() in {"test", "true", "yes", "1"},
        aliases=tuple(name for name in others if name and name != external_id),
        accepts_mail=cells.yes_or_no(record.text("accepts_mail")),
    )
    refunded = layout.format.refunded(record, currency) if status == "paid" else 0
    if not 0 <= refunded <= purchase.total:
        raise CellError(_("More was refunded than was charged."))
    return Order(record.rows, purchase, refunded, occurred_at)


def _required(record: Record, field: str) -> str:
    text = record.text(field)
    if not text:
        column = record.layout.header[record.layout.columns[field][0]]
        raise CellError(_("The cell “%(column)s” is empty.", column=column))
    return text


def _amounts(record: Record, currency: str) -> dict[str, int]:
    _required(record, "total")
    amounts = {
        field: record.amount(field, currency) for field in ("total", "discount", "tax", "shipping")
    }
    for field, amount in amounts.items():
        if amount < 0:
            raise CellError(_("“%(text)s” is below zero.", text=record.text(field)))
    if amounts["tax"] + amounts["shipping"] > amounts["total"]:
        raise CellError(_("Tax and shipping are more than the total, which includes them."))
    return amounts


def _source(record: Record) -> str:
    layout = record.layout
    return layout.source if layout.is_source_fixed else record.text("source") or layout.source


def _email(record: Record) -> str | None:
    email = record.text("email") or None
    if email and emails.normalise(email) is None:
        raise CellError(_("“%(text)s” is not an e-mail address.", text=email[:80]))
    return email
