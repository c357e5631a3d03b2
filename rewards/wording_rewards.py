"""Points and perks of purchases in words: for the ambassador who earned them, and for staff."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from campaigns import perk_names
from campaigns import wording as campaign_words
from core import clock, i18n
from rewards.models import EarnedState, PurchaseReward

STATES = {  # words and the look of their pill
    EarnedState.WAITING: (_l("on its way"), "pending"),
    EarnedState.GIVEN: (_l("given"), "paid"),
    EarnedState.GONE: (_l("out of stock"), "watch"),
    EarnedState.LIMITED: (_l("limit reached"), "plain"),
    EarnedState.TAKEN_BACK: (_l("taken back"), "clawed"),
    EarnedState.KEPT: (_l("kept"), "paid"),
}


def name(reward: PurchaseReward) -> str:
    """Return what a purchase earned: `50 points`, `“A pot”`; nothing gives a dash."""
    if reward.perk_id is not None:
        return str(_("“%(perk)s”", perk=perk_names.name(reward.perk_id)))
    return campaign_words.points(reward.points) if reward.points else "–"


def why(reward: PurchaseReward, *, is_held: bool = False) -> str:
    """Return what became of points or a perk, a sentence or two.

    Args:
        reward: Which.
        is_held: Whether a person still has to look at the purchase.
    """
    what = name(reward)
    if reward.state is EarnedState.LIMITED:
        return str(_("The campaign had rewarded as many purchases as it may."))
    if what == "–":
        return str(_("The reward of the campaign does not cover this purchase."))
    if reward.state is EarnedState.GONE:
        return str(_("It earned %(what)s, but none was left. The team knows.", what=what))
    if reward.state is EarnedState.TAKEN_BACK:
        return str(_("It was refunded, so nothing is left to earn."))
    if reward.state is EarnedState.KEPT:
        return str(_("It was refunded. %(what)s was used already and stays.", what=what))
    if reward.state is EarnedState.GIVEN:
        return str(_("It earned %(what)s.", what=what))
    return _waits(reward, what, is_held=is_held)


def _waits(reward: PurchaseReward, what: str, *, is_held: bool) -> str:
    if is_held:
        return str(_("The team is looking at this one before it becomes available."))
    if reward.perk_id is not None and reward.due_at <= clock.now():
        said = _("%(what)s: given once the contract that the law asks for is signed.", what=what)
        return str(said)
    day = i18n.day(reward.due_at)
    return str(_("%(what)s: given on %(day)s, when it can no longer be returned.", what=what,
                 day=day))  # fmt: skip
