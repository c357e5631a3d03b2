"""Statements, totals and declarations in words: what moved money, and the files of it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from flask_babel import lazy_gettext as _l

from core import money
from rewards.models import EntryKind
from rewards.models_contracts import ThresholdKind
from rewards.statements import Amounts, Statement
from rewards.thresholds import Limit
from rewards.year_totals import Declared, Total

KINDS = {
    EntryKind.COMMISSION: _l("Commission"),
    EntryKind.RELEASE: _l("Became available"),
    EntryKind.HOLD: _l("Held until the team has looked at it"),
    EntryKind.CLAWBACK: _l("Taken back after a refund"),
    EntryKind.REINSTATEMENT: _l("Given again, the refund did not stand"),
    EntryKind.PAYOUT: _l("Set aside for a payout"),
    EntryKind.PAYOUT_SETTLED: _l("Paid out"),
    EntryKind.PAYOUT_RETURNED: _l("Payout came back"),
    EntryKind.BONUS: _l("Bonus"),
    EntryKind.BONUS_BACK: _l("Bonus taken back"),
    EntryKind.EXCHANGE: _l("Perk, paid from the balance"),
    EntryKind.EXCHANGE_BACK: _l("Perk cancelled, its price came back"),
}
FILE_HEADS = (
    "month", "currency", "row", "entry", "occurred_at", "told_at", "about", "pending", "held",
    "payable", "on_its_way", "total",
)  # fmt: skip


def file_rows(statements: list[Statement]) -> Iterator[tuple[object, ...]]:
    """Return the rows of a statement's file, amounts in major units."""
    for one in statements:
        yield (one.month, one.currency, "opening", "", "", "", "", *_cells(one.opening, one))
        for line in one.lines:
            yield (
                one.month, one.currency, line.kind.value, line.entry_id,
                line.occurred_at.isoformat(), line.told_at.isoformat() if line.told_at else "",
                line.about, *_cells(line.amounts, one),
            )  # fmt: skip
        yield (one.month, one.currency, "closing", "", "", "", "", *_cells(one.closing, one))


def _cells(amounts: Amounts, one: Statement) -> Iterator[Decimal]:
    """Return amounts as numbers: a text with a minus would be taken for a formula."""
    for minor in (
        amounts.pending, amounts.held, amounts.payable, amounts.transit, amounts.total,
    ):  # fmt: skip
        yield money.to_major(minor, one.currency)


TOTAL_HEADS = (
    "year", "ambassador", "name", "currency", "earned", "clawed_back", "paid", "store_credit",
    "perks", "owed",
)  # fmt: skip
DECLARED_HEADS = {
    ThresholdKind.DAS2: (
        "annee", "beneficiaire", "nom", "pays", "commissions", "avantages_en_nature", "total",
        "devise", "seuil", "a_verifier",
    ),
    ThresholdKind.NEC: (
        "year", "recipient", "name", "country", "nonemployee_compensation", "currency",
        "threshold", "to_check",
    ),
}  # fmt: skip


def total_rows(year: int, totals: list[Total]) -> Iterator[tuple[object, ...]]:
    """Return the rows of the file of a year's totals, amounts in major units."""
    for one in totals:
        amounts = (
            one.earned, one.clawed_back, one.paid, one.store_credit, one.perks, one.owed,
        )  # fmt: skip
        cells = (money.to_major(minor, one.currency) for minor in amounts)
        yield (year, one.ambassador_id, one.name, one.currency, *cells)


def declared_rows(
    kind: ThresholdKind, year: int, limit: Limit, found: list[Declared]
) -> Iterator[tuple[object, ...]]:
    """Return the rows of a declaration's file; the last column names what has no rate."""

    def major(minor: int) -> Decimal:
        return money.to_major(minor, limit.currency)

    for one in found:
        amounts = (one.paid, one.gifts, one.total) if kind is ThresholdKind.DAS2 else (one.paid,)
        yield (
            year, one.ambassador_id, one.name, one.country, *map(major, amounts), limit.currency,
            major(limit.amount), " ".join(sorted(one.unknown)),
        )  # fmt: skip
