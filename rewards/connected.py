"""Accounts at Stripe that ambassadors connected: opened once, and paid to when Stripe says so."""

from __future__ import annotations

import sqlalchemy as sa

from ambassadors.models import Ambassador
from core import clock
from core.db import db, upsert_dialect
from integrations.stripe_accounts import Holder, Told
from rewards.models_payouts import ConnectedAccount


def of(ambassador_id: int) -> ConnectedAccount | None:
    """Return the account of an ambassador, or None."""
    return db.session.scalar(
        sa.select(ConnectedAccount).where(ConnectedAccount.ambassador_id == ambassador_id)
    )


def holder(ambassador: Ambassador) -> Holder:
    """Return what Stripe is told of somebody who wants an account."""
    member = ambassador.member
    return Holder(key=f"connect:{ambassador.id}", email=member.email, country=member.country)


def keep(ambassador_id: int, told: Told) -> None:
    """Keep the account that Stripe opened; an ambassador has one."""
    now = clock.now()
    db.session.execute(
        upsert_dialect()
        .insert(ConnectedAccount)
        .values(
            ambassador_id=ambassador_id, account=told.account, is_ready=told.is_ready,
            created_at=now, changed_at=now,
        )
        .on_conflict_do_nothing()
    )  # fmt: skip


def forget(ambassador_id: int) -> None:
    """Forget an ambassador's account; Stripe keeps what the law asks it to keep."""
    which = ConnectedAccount.ambassador_id == ambassador_id
    db.session.execute(sa.delete(ConnectedAccount).where(which))


def note(told: Told) -> bool:
    """Note what Stripe says of an account; False if it is none of ours."""
    found = db.session.scalar(
        sa.update(ConnectedAccount)
        .where(ConnectedAccount.account == told.account)
        .values(is_ready=told.is_ready, changed_at=clock.now())
        .returning(ConnectedAccount.id)
    )
    return found is not None
