"""What the files of orders have in common: a format, a layout of columns, an order read.

A format says which header holds which of our fields; a layout says where they stand in one
file and how that file writes figures and dates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from integrations import cells, facts
from integrations.tables import Row

FIELDS = (
    "source", "external_id", "occurred_at", "currency", "total", "discount", "tax", "shipping",
    "customer_external_id", "email", "country", "codes", "status", "refunded", "heard_from",
    "click_id", "test", "cancelled_at", "line_sku", "line_quantity", "line_price",
    "line_discount", "alias", "alias_2", "disputed", "dispute_status", "accepts_mail",
)  # fmt: skip
REQUIRED = ("external_id", "occurred_at", "total")
AMOUNTS = ("total", "discount", "tax", "shipping", "refunded", "line_price")


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """An export of one program, or our own file."""

    name: str
    label: str  # as its program calls it
    proofs: tuple[frozenset[str], ...]  # headers, folded; one whole set gives the format away
    columns: Mapping[str, tuple[str, ...]]  # field: headers; the first cell that is filled holds
    status: Callable[[Record], str | None]  # paid, pending, cancelled; None: not an order
    codes: Callable[[str], tuple[str, ...]]
    lines: Callable[[Record, str], tuple[facts.Line, ...]]
    refunded: Callable[[Record, str], int]  # in all, so far
    timezone: str | None = None  # of instants without an offset; None: the program's
    has_continuations: bool = False  # further lines of an order follow its first


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How one file is to be read."""

    format: Format
    columns: Mapping[str, tuple[int, ...]]  # field: positions
    header: tuple[str, ...]
    notation: cells.Notation
    source: str
    is_source_fixed: bool  # the operator named it: a column does not override it
    currency: str  # of orders that do not name theirs
    missing: tuple[str, ...] = ()  # required fields without a column
    twice: tuple[str, ...] = ()  # names of columns in use that another column has too
    questions: tuple[str, ...] = ()  # `decimal`, `dates`: could be read in two ways


@dataclass(frozen=True, slots=True)
class Record:
    """The rows of one order, read through a layout."""

    layout: Layout
    rows: tuple[Row, ...]

    def text(self, field: str, row: int = 0) -> str:
        """Return the first filled cell of a field, trimmed; empty if there is none."""
        line = self.rows[row].cells
        for position in self.layout.columns.get(field, ()):
            if found := line[position].strip():
                return found
        return ""

    def amount(self, field: str, currency: str) -> int:
        """Return an amount in minor units, 0 for an empty cell."""
        text = self.text(field)
        return cells.amount(text, currency, self.layout.notation.decimal) if text else 0


@dataclass(frozen=True, slots=True)
class Order:
    """An order as a file tells it."""

    rows: tuple[Row, ...]
    purchase: facts.Purchase
    refunded: int  # minor units in all, as far as the file knows
    refunded_at: datetime


@dataclass(frozen=True, slots=True)
class Refused:
    """Rows that are no order we can read; each has its `problem`."""

    rows: tuple[Row, ...]

    @property
    def problem(self) -> str:
        return self.rows[0].problem or ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Rows that are all right and no orders, such as an attempt to pay that failed."""

    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """A row about an ambassador or a customer: its cells by their header."""

    rows: tuple[Row, ...]
    told: Mapping[str, str]


Found = Order | Person | Refused | Skipped


def refunded_in_all(record: Record, currency: str) -> int:
    """Return the cumulative amount of the column `refunded`."""
    return record.amount("refunded", currency)


def priced_lines(record: Record, currency: str) -> tuple[facts.Line, ...]:
    """Return a line for each row that has a quantity."""
    decimal = record.layout.notation.decimal
    lines = []
    for n in range(len(record.rows)):
        if quantity := record.text("line_quantity", n):
            pieces = cells.quantity(quantity)
            amount = cells.line_amount(
                record.text("line_price", n) or "0", pieces, record.text("line_discount", n),
                currency, decimal,
            )  # fmt: skip
            lines.append(facts.Line(sku=sku(record.text("line_sku", n)), quantity=pieces,
                                    amount=amount))  # fmt: skip
    return tuple(lines)


def sku(text: str) -> str:
    """Return what names a product, on one line and of at most 100 characters."""
    return " ".join(text.split())[:100]


def split_codes(text: str) -> tuple[str, ...]:
    """Return codes that stand between commas, each as written."""
    return tuple(code for part in text.split(",") if (code := part.strip()))
