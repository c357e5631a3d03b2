"""The ledger in words: its accounts, and the journal's file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from core import money
from rewards import account_codes, journal
from rewards.books import Balance
from rewards.console import entry_words
from rewards.models import Account, EntryKind

ACCOUNTS = {
    Account.EXPENSE: _l("Commissions (cost)"),
    Account.BONUS: _l("Bonuses (cost)"),
    Account.PENDING: _l("Owed: in the hold period"),
    Account.HELD: _l("Owed: waiting for a decision"),
    Account.PAYABLE: _l("Owed: payable"),
    Account.TRANSIT: _l("Set aside for payouts under way"),
    Account.CASH: _l("Paid in money"),
    Account.STORE_CREDIT: _l("Paid as store credit"),
    Account.PERKS: _l("Taken as perks"),
}

HEADS = {
    "entry": _l("Number of the entry; its legs add up to zero in each currency."),
    "booked_at": _l("When it counts: when it happened, or when it came if that month was closed."),
    "occurred_at": _l("When it happened."),
    "kind": _l("Why money moved."),
    "source": _l("The fact behind it; each moves money once."),
    "purchase": _l("The shop and its order, if there is one."),
    "account": _l("Where the money stands."),
    "account_code": _l("The account in the brand’s own bookkeeping."),
    "account_label": _l("What that bookkeeping calls it."),
    "debit": _l("Amount on the left, in the currency beside it."),
    "credit": _l("Amount on the right."),
    "currency": _l("ISO 4217."),
    "ambassador": _l("Number of the ambassador."),
    "correction": _l("“yes”: it happened in a month that was closed before it came."),
}

BALANCE_HEADS = {
    "month": _l("Of the program’s time zone."),
    "account": _l("Where the money stands."),
    "account_code": _l("The account in the brand’s own bookkeeping."),
    "currency": _l("ISO 4217; the amounts of a row are in it."),
    "opening": _l("When the month began; debits are positive, credits negative."),
    "debit": _l("What the month added on the left."),
    "credit": _l("What the month added on the right."),
    "closing": _l("At the end of the month: opening, plus debit, less credit."),
}
OWED_HEADS = {
    "on": _l("At the end of this day."),
    "ambassador": _l("Number of the ambassador."),
    "name": _l("As the program knows them."),
    "currency": _l("ISO 4217; the amounts of a row are in it."),
    "pending": _l("Owed, in the hold period."),
    "held": _l("Owed, until the team has looked at it."),
    "payable": _l("Owed and available; below zero: the next commissions repay it."),
    "transit": _l("Set aside for a payout under way."),
}


def kind(word: EntryKind) -> str:
    """Return why money moved."""
    return entry_words().get(word, word.value)


def journal_rows(wanted: journal.Wanted) -> Iterator[tuple[object, ...]]:
    """Yield the lines of a journal file; amounts in major units."""
    known = account_codes.known()
    for one in journal.lines(wanted):
        amount = money.to_major(abs(one.amount), one.currency)
        code = known.get(one.account)
        yield (
            one.entry_id, one.booked_at, one.occurred_at, one.kind.value, one.source,
            one.purchase or "", one.account.value, code.code if code else "",
            code.label if code else "", amount if one.debit else "", amount if one.credit else "",
            one.currency, one.ambassador_id or "", "yes" if one.is_correction else "",
        )  # fmt: skip


def balance_rows(month: str, found: Iterable[Balance]) -> Iterator[tuple[object, ...]]:
    """Yield the rows of a trial balance's file; amounts in major units."""
    known = account_codes.known()
    for one in found:
        code = known.get(one.account)
        amounts = (one.opening, one.debit, one.credit, one.closing)
        yield (
            month, one.account.value, code.code if code else "", one.currency,
            *(money.to_major(minor, one.currency) for minor in amounts),
        )  # fmt: skip


def owed_rows(
    on: str, found: Iterable[Any], names: Mapping[int, str]
) -> Iterator[tuple[object, ...]]:
    """Yield the rows of the file of what is owed; amounts in major units."""
    for row in found:
        amounts = (row.pending, row.held, row.payable, row.transit)
        yield (
            on, row.ambassador_id, names.get(row.ambassador_id, ""), row.currency,
            *(money.to_major(int(minor), row.currency) for minor in amounts),
        )  # fmt: skip
