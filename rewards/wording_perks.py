"""Perks and vouchers in words."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext, ngettext

from ambassadors.models import Circle
from campaigns import wording as campaign_words
from campaigns.models import Campaign
from core import i18n
from core.db import db
from core.money import POINTS
from rewards.invitation_codes import InviteState
from rewards.models import ExchangeState, Perk, PerkKind, VoucherBatch, VoucherKind

PERK_KINDS = {
    PerkKind.REWARD_CODE: _l("Reward code for the shop"),
    PerkKind.PRODUCT: _l("Product"),
    PerkKind.EARLY_ACCESS: _l("Early access"),
    PerkKind.EXPERIENCE: _l("Experience"),
}
VOUCHER_KINDS = {
    VoucherKind.INVITATION: _l("Invitation"),
    VoucherKind.EVENT: _l("Event check-in"),
    VoucherKind.BOX: _l("Box"),
    VoucherKind.REWARD: _l("Reward voucher"),
    VoucherKind.WELCOME: _l("Welcome"),
}
STATES = {  # words and the look of their pill
    ExchangeState.PREPARING: (_l("being prepared"), "pending"),
    ExchangeState.WAITING: (_l("on its way to you"), "pending"),
    ExchangeState.DONE: (_l("yours"), "paid"),
    ExchangeState.CANCELLED: (_l("cancelled, given back"), "clawed"),
}
INVITES = {  # how far an ambassador's invitation came, and the look of its pill
    InviteState.OPEN: (_l("open"), "pending"),
    InviteState.JOINED: (_l("has joined"), "good"),
    InviteState.EXPIRED: (lazy_pgettext("invitation", "expired"), "unknown"),
    InviteState.WITHDRAWN: (_l("withdrawn"), "plain"),
}


def price(amount: int, unit: str) -> str:
    """Return a price or balance: `250 points`, `CHF 40.00`."""
    if unit != POINTS:
        return i18n.money(amount, unit)
    return campaign_words.points(amount)


def name(thing: Perk | VoucherBatch) -> str:
    """Return the name of a perk or a set of vouchers in the reader's language."""
    return i18n.words(en=thing.name_en, fr=thing.name_fr)


def text(perk: Perk) -> str:
    """Return what a perk is, in the reader's language."""
    return i18n.words(en=perk.text_en, fr=perk.text_fr)


def when(perk: Perk) -> list[str]:
    """Return when and where an experience is, or when early access is open; else nothing."""
    if perk.kind is PerkKind.EXPERIENCE:
        return [i18n.moment(perk.happens_at), perk.place]
    if perk.kind is not PerkKind.EARLY_ACCESS:
        return []
    told = []
    if perk.happens_at is not None:
        told.append(str(_("Opens on %(moment)s", moment=i18n.moment(perk.happens_at))))
    if perk.closes_at is not None:
        told.append(str(_("Open until %(moment)s", moment=i18n.moment(perk.closes_at))))
    return told


def seats(perk: Perk) -> str:
    """Return how many places of an experience are left; nothing for another perk."""
    if perk.kind is not PerkKind.EXPERIENCE or perk.stock is None:
        return ""
    left = perk.stock - perk.taken
    return str(ngettext(
        "%(count)s place left", "%(count)s places left", left, count=i18n.number(left)
    ))  # fmt: skip


def gifts(batch: VoucherBatch) -> list[str]:
    """Return what a voucher gives, a line each."""
    found = []
    if batch.points:
        found.append(price(batch.points, POINTS))
    if batch.amount:
        amount = i18n.money(batch.amount, batch.currency)
        found.append(_("%(amount)s on your balance", amount=amount))
    if batch.perk is not None:
        found.append(name(batch.perk))
    if batch.campaign_id is not None:
        campaign = db.session.get_one(Campaign, batch.campaign_id)
        found.append(_("Your own code and link in “%(campaign)s”", campaign=campaign.name))
    if batch.circle_id is not None:
        circle = db.session.get_one(Circle, batch.circle_id)
        found.append(_("A place in the circle “%(circle)s”", circle=circle.name))
    return found or [_("A place among the ambassadors")]


def last_day(ends_at: datetime | None) -> str:
    """Return the last day of a window, given the first instant after it."""
    return i18n.day(ends_at - timedelta(microseconds=1) if ends_at else None)
