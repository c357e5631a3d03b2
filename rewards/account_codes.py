"""What the brand's own bookkeeping calls each account of the ledger."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from accounts import audit
from core.db import db, upsert_dialect
from rewards.models import Account
from rewards.models_books import AccountCode


def known() -> dict[Account, AccountCode]:
    """Return the codes that were said."""
    return {one.account: one for one in db.session.scalars(sa.select(AccountCode))}


def keep(told: Mapping[Account, tuple[str, str]]) -> None:
    """Keep codes and labels by account; an empty code forgets one."""
    for account, (code, label) in told.items():
        if not code:
            db.session.execute(sa.delete(AccountCode).where(AccountCode.account == account))
            continue
        values = {"code": code, "label": label}
        db.session.execute(
            upsert_dialect()
            .insert(AccountCode)
            .values(account=account, **values)
            .on_conflict_do_update(index_elements=["account"], set_=values)
        )
    details = {account.value: code for account, (code, _label) in told.items() if code}
    audit.record("books.codes", "program", 1, details)
