"""Word to ambassadors whose perk cannot be had after all: it ran out, or was cancelled."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from ambassadors.models import Ambassador
from core import mails
from core.db import db
from rewards import wording_perks
from rewards.models import Exchange, Perk, PurchaseReward


def ran_out(reward: PurchaseReward) -> None:
    """Tell an ambassador that a purchase earned a perk of which none is left."""
    perk = db.session.get_one(Perk, reward.perk_id)
    key = f"perk_gone:{reward.id}:{reward.times}"
    _tell("perk_gone", reward.ambassador_id, perk, key=key)


def cancelled(done: Exchange) -> None:
    """Tell an ambassador that an exchange cannot be served, and that they have its price back.

    The team's reason is for the audit log and stays there.
    """
    _tell(
        "perk_cancelled", done.ambassador_id, done.perk, key=f"perk_cancelled:{done.id}",
        price=done.price, unit=done.unit, worth=wording_perks.price,
    )  # fmt: skip


def _tell(message: str, ambassador_id: int, perk: Perk, *, key: str, **said: Any) -> None:
    """Mail an ambassador in their language, if we have an address."""
    ambassador = db.session.get_one(Ambassador, ambassador_id)
    member = ambassador.member
    if not member.email:
        return
    user = db.session.get(User, ambassador.user_id) if ambassador.user_id else None
    locale = (user.locale if user else None) or member.locale
    mails.enqueue(
        message, to=member.email, locale=locale, key=key, name=member.name,
        perk=perk.name_fr if locale == "fr" else perk.name_en, **said,
    )  # fmt: skip
