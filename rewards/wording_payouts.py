"""Payouts in words: for finance, and for the person who waits for the money."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from integrations import stripe_transfers
from rewards.models import PayoutMethod
from rewards.models_payouts import Payout, PayoutState
from rewards.payout_blocks import Block

METHODS = {
    PayoutMethod.BANK: _l("Bank transfer"),
    PayoutMethod.STORE_CREDIT: _l("Store credit"),
    PayoutMethod.STRIPE: _l("Stripe"),
    PayoutMethod.MANUAL: _l("By hand"),
}
BLOCKS = {  # for finance
    Block.MINIMUM: _l("Less than the smallest payout; carried on."),
    Block.UNDER_WAY: _l("An earlier payout is not over."),
    Block.SUSPENDED: _l("The ambassador is suspended."),
    Block.CONTRACT: _l("The threshold of the law is reached, and their contract is not signed."),
    Block.UNDECIDED: _l("A suspicious purchase of theirs waits for a decision."),
    Block.NO_DESTINATION: _l("They have not said where to pay."),
    Block.CHANGED: _l("Their payout details changed less than 72 hours ago."),
    Block.UNREADABLE: _l("The account number can no longer be read; they have to enter it again."),
    Block.NOT_EURO: _l("A bank transfer by SEPA pays euros only."),
    Block.NOT_READY: _l("Stripe still asks them for something."),
}
TOLD = {  # for the ambassador, where there is something to know or to do
    Block.UNDER_WAY: _l("Your payout is being prepared."),
    Block.CONTRACT: _l(
        "You earned enough this year for the law to ask for a written contract. "
        "Once you have signed it, your money comes."
    ),
    Block.UNDECIDED: _l("The team still looks at one of your purchases. It is paid after that."),
    Block.NO_DESTINATION: _l("Say where your money goes, and the next payout brings it."),
    Block.CHANGED: _l("Your payout details are new. For your safety, payouts wait for 72 hours."),
    Block.UNREADABLE: _l("Please enter your account number again."),
    Block.NOT_READY: _l("Stripe still needs something from you before it can pay you."),
}
FILE_HEADS = {
    "payout": _l("Number of the payout."),
    "ambassador": _l("Number of the ambassador."),
    "name": _l("As the program knows them."),
    "amount": _l("In the currency beside it."),
    "currency": _l("ISO 4217."),
    "method": _l("How it is paid."),
    "state": _l("How far it came."),
    "reference": _l("Of the bank, of Stripe, or the code of the shop."),
    "sent_at": _l("When it left."),
    "settled_at": _l("When it arrived."),
    "reason": _l("Why it stands where it does."),
}
_ASKED = (PayoutState.SENDING, PayoutState.UNKNOWN, PayoutState.SENT)
_REASONS = {
    "less": _l("There was less to pay by the time of the approval."),
    "batch": _l("The batch was given up."),
    **{block.value: words for block, words in BLOCKS.items()},
}


def why(payout: Payout) -> str:
    """Return why a payout stands where it does, for finance; empty where the state says it."""
    if is_stuck(payout):
        return str(
            _("Stripe cannot be asked: STRIPE_SECRET_KEY is not set. Set it again, or look at "
              "Stripe’s own pages and say here what became of it.")
        )  # fmt: skip
    if payout.state is PayoutState.UNKNOWN:
        reason = payout.reason or "?"
        return str(
            _("No answer yet (%(reason)s). It is looked up, never paid twice.", reason=reason)
        )
    if payout.state is PayoutState.SENT and payout.method is PayoutMethod.BANK:
        return str(_("In the bank’s file. Say when it was carried out."))
    return str(_REASONS.get(payout.reason or "", payout.reason or ""))


def is_stuck(payout: Payout) -> bool:
    """Tell whether only Stripe can bring a payout on, and there is no key to ask it with."""
    waits = {
        PayoutMethod.STRIPE: (*_ASKED, PayoutState.APPROVED),
        PayoutMethod.STORE_CREDIT: (PayoutState.SENT,),
    }  # fmt: skip
    return payout.state in waits.get(payout.method, ()) and not stripe_transfers.is_on()


def acts(payout: Payout) -> set[str]:
    """Return what a person can say of a payout: that it was `paid`, or that it came `back`."""
    state, is_open = payout.state, is_stuck(payout)
    is_by_hand = payout.method in {PayoutMethod.BANK, PayoutMethod.MANUAL}
    sent = PayoutState.APPROVED if payout.method is PayoutMethod.MANUAL else PayoutState.SENT
    found = set()
    if (is_by_hand and state is sent) or (is_open and state is not PayoutState.APPROVED):
        found.add("paid")
    back = {
        PayoutMethod.STRIPE: {PayoutState.PAID}, PayoutMethod.STORE_CREDIT: {PayoutState.APPROVED},
    }.get(payout.method, {PayoutState.APPROVED, PayoutState.SENT, PayoutState.PAID})  # fmt: skip
    if state in back or is_open:
        found.add("back")
    return found


def destination(payout: Payout) -> str:
    """Return where a payout goes, without telling the whole account."""
    method = str(METHODS[payout.method])
    return f"{method} …{payout.last4}" if payout.last4 else method
