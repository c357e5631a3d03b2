"""Why a purchase counted or did not, in plain sentences: for ambassadors, and for staff.

An ambassador never reads who bought, nor whose code it was when it was not
theirs.  Every word of `touches.Credit`, `touches.Loss` and
`eligibility.Reason` has a sentence here; a test holds the lists together.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from core import i18n
from referrals import suspicions as found_suspicions
from referrals.eligibility import Reason
from referrals.models import CreditTouch, PurchaseStatus
from referrals.suspicions import Signal
from referrals.touches import Credit, Loss
from rewards import wording_rewards
from rewards.credits import CommissionState
from rewards.earnings import Brought
from rewards.rates import Wanted

CREDITS = {
    Credit.OVERRIDE: _l("The team gave the credit by hand."),
    Credit.BOUND_SUBSCRIPTION: _l("It renews a subscription that was brought before."),
    Credit.BOUND_CUSTOMER: _l("This customer was brought before, and stays with who brought them."),
    Credit.CODE_USED: _l("The code was entered at the checkout."),
    Credit.LINK_CLICKED: _l("The link was opened before the purchase."),
    Credit.NONE: _l("Nobody’s code or link counted."),
}
LOSSES = {
    Loss.OUTRANKED: _l("Another touch came before it by the rules of the program."),
    Loss.SECOND_CODE: _l("Another code came first on the order."),
    Loss.OTHER_CLICK: _l("Another link was opened at the moment that counts."),
    Loss.OUTSIDE_WINDOW: _l("The purchase came too long after the link was opened."),
    Loss.AFTER_PURCHASE: _l("The link was opened after the purchase."),
    Loss.NOT_A_VISIT: _l("The link was fetched by a program, not opened by a person."),
    Loss.NO_OWNER: _l("The code belongs to nobody."),
    Loss.AMBASSADOR_NOT_ACTIVE: _l("The ambassador was not active on that day."),
    Reason.NOT_FOUND: _l("The code does not exist."),
    Reason.NOT_STARTED: _l("The code was not valid yet."),
    Reason.EXPIRED: _l("The code was no longer valid."),
    Reason.FROZEN: _l("The code had been frozen."),
    Reason.LIMIT_REACHED: _l("The code had been used as often as it may be."),
    Reason.CUSTOMER_LIMIT_REACHED: _l("This person had used the code as often as one may."),
    Reason.BUDGET_REACHED: _l("The campaign’s budget was used up."),
    Reason.NOT_ELIGIBLE_COUNTRY: _l("The code does not apply in that country."),
    Reason.NOT_ELIGIBLE_CURRENCY: _l("The code does not apply in that currency."),
    Reason.NOT_ELIGIBLE_PRODUCT: _l("The code does not apply to these products."),
    Reason.BELOW_MINIMUM: _l("The basket was below the minimum of the campaign."),
    Reason.EXISTING_CUSTOMER: _l("This person had bought before; the code is for new customers."),
    Reason.SELF_REFERRAL: _l("One’s own purchase does not count."),
    Reason.ALREADY_REDEEMED: _l("The code was used for this order already."),
    Reason.CAMPAIGN_NOT_RUNNING: _l("The campaign was not running on that day."),
}
RATE_SOURCES = {
    "ecb": _l("European Central Bank"),
    "own": _l("rates of our own"),
}
OTHERS = {
    "cancelled": _l("The order was cancelled."),
    "overridden": _l("The team decided on the credit by hand."),
    "none": _l("The code or link did not count for this purchase."),
}
SUSPICIONS: dict[str, Any] = {
    Signal.PAID_TRAFFIC: _l("The visit came from a paid advertisement."),
    Signal.SIMILAR_NAME: _l("The e-mail address that bought is spelt like the ambassador."),
    Signal.DISPOSABLE_DOMAIN: _l("The e-mail address that bought is a throw-away one."),
    Signal.VELOCITY: _l("Very many purchases came through this ambassador within one hour."),
    Signal.SHARED_IP: _l("Many customers of this ambassador share one internet address."),
    Signal.NO_CLICK: _l("The code is used without any visit far more often than it used to be."),
    Signal.SAME_ACCOUNT: _l("Who bought shares an account with this ambassador."),
}
TOUCHES = {
    CreditTouch.CODE: _l("code"),
    CreditTouch.LINK: _l("link"),
    CreditTouch.BINDING: _l("earlier purchase"),
    CreditTouch.MANUAL: _l("by hand"),
}
_SENTENCES = {**{str(k): v for k, v in (CREDITS | LOSSES).items()}, **OTHERS}


def reason(word: str) -> str:
    """Return the sentence of a reason; an unknown word stands for itself."""
    return str(_SENTENCES.get(word, word))


def rate_source(word: str) -> str:
    """Return who published a rate of currency; a name that a person gave stands for itself."""
    return str(RATE_SOURCES.get(word, word))


def why_held(words: dict[int, str | None]) -> dict[int, list[str]]:
    """Return why purchases wait for a decision, by purchase, for those that do."""
    held = {purchase_id: told for purchase_id, told in words.items() if told}
    evidence = found_suspicions.evidence(held) if held else {}
    return {
        purchase_id: suspicions(told, evidence.get(purchase_id, {}))
        for purchase_id, told in held.items()
    }


def suspicions(words: str | None, evidence: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Return why a commission waits for a person, one sentence for each signal.

    Args:
        words: Of `suspicions.Signal`, as the attribution has them.
        evidence: By signal, of those that were found among many orders.
    """
    unknown = _("Something about this purchase is unusual.")
    told = [
        _counted(word, evidence[word]) if word in evidence else str(SUSPICIONS.get(word, unknown))
        for word in (words or "").split()
    ]
    return told or [str(unknown)]


def _counted(word: str, seen: Mapping[str, int]) -> str:
    """Return a sentence with what was counted, and since when."""
    since = datetime.fromtimestamp(seen["since"], UTC)
    if word == Signal.VELOCITY:
        return str(
            _(
                "%(count)s purchases came through this ambassador within one hour, from %(when)s.",
                count=seen["count"], when=i18n.moment(since),
            )
        )  # fmt: skip
    if word == Signal.SHARED_IP:
        return str(
            _(
                "%(count)s customers of this ambassador came from one internet address"
                " since %(day)s.",
                count=seen["count"], day=i18n.day(since),
            )
        )  # fmt: skip
    if word == Signal.SAME_ACCOUNT:
        return _shared(seen)
    return str(
        _(
            "Of the %(recent)s latest purchases with their codes, %(without)s came without any"
            " visit since %(day)s; before that it was %(past_without)s of %(past)s.",
            recent=seen["recent"], without=seen["without"], day=i18n.day(since),
            past_without=seen["past_without"], past=seen["past"],
        )
    )  # fmt: skip


def _shared(seen: Mapping[str, int]) -> str:
    if "buyer" in seen:
        return str(_("Who bought is an ambassador too, and is paid to the same account."))
    return str(_("It was bought with the e-mail address that this ambassador signs in with."))


def why(bought: Brought) -> str:
    """Return why a purchase counted for an ambassador or did not, in some sentences."""
    if not bought.is_credited:
        return reason(bought.reason)
    told = [_credit(bought)]
    if bought.is_new and bought.touch is not CreditTouch.BINDING:
        told.append(str(_("It was their first purchase.")))
    if bought.awaits:
        return " ".join([*told, awaits(bought.awaits)])
    if bought.reward is not None and bought.status is not PurchaseStatus.CANCELLED:
        is_held = bought.suspicion is not None
        return " ".join([*told, wording_rewards.why(bought.reward, is_held=is_held)])
    return " ".join([*told, *_money(bought)])


def _credit(bought: Brought) -> str:
    if bought.reason == Credit.CODE_USED and bought.code:
        return str(_("The code %(code)s was entered at the checkout.", code=bought.code))
    if bought.reason == Credit.LINK_CLICKED and bought.clicked_at:
        days = (bought.occurred_at - bought.clicked_at).days
        opened = i18n.day(bought.clicked_at)
        if days == 0:
            return str(_("Your link was opened on %(day)s, within a day of it.", day=opened))
        return str(
            ngettext(
                "Your link was opened on %(day)s, the purchase came %(num)s day later.",
                "Your link was opened on %(day)s, the purchase came %(num)s days later.",
                days, day=opened,
            )
        )  # fmt: skip
    return reason(bought.reason)


def awaits(wanted: Wanted) -> str:
    """Return which rate of currency a purchase awaits, in a sentence."""
    return str(
        _(
            "It was paid in %(currency)s. Your reward is worked out once the official rate for"
            " %(day)s is known; there is nothing for you to do.",
            currency=wanted.quote, day=i18n.day(wanted.on),
        )
    )  # fmt: skip


def _money(bought: Brought) -> list[str]:
    earned = bought.commission
    if bought.status is PurchaseStatus.CANCELLED:
        return [reason("cancelled")]
    if earned is None:
        return [str(_("The reward of the campaign does not cover this purchase."))]
    if not earned.accrued:
        return [str(_("It earned nothing: the campaign had given all that it may, or gives none."))]
    told = []
    if 0 < bought.refunded < bought.total:
        back = i18n.money(bought.refunded, bought.currency)
        told.append(
            _("%(amount)s were refunded, and the commission is smaller by as much.", amount=back)
        )
    return [*map(str, told), _stands(earned)]


def _stands(earned: CommissionState) -> str:
    """Return where the money of a commission stands, a sentence."""
    if earned.state == "reversed":
        return str(_("It was refunded, so nothing is left to earn."))
    if earned.state == "pending":
        day = i18n.day(earned.payable_at)
        return str(
            _("The sum becomes available on %(day)s, when it can no longer be returned.", day=day)
        )
    if earned.state == "held":
        return str(_("The team is looking at this one before it becomes available."))
    if earned.state == "payable":
        return str(_("The time for returns is over: the sum is available."))
    return str(_("The sum has been paid."))
