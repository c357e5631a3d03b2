"""The ledger's accounts in words."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from core.money import POINTS
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

__all__ = ["ACCOUNTS", "POINTS", "kind"]


def kind(word: EntryKind) -> str:
    """Return why money moved."""
    return entry_words().get(word, word.value)
