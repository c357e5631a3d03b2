"""What is said of a payout by people and by the shop: it arrived, it came back, no code was made.

With a key only Stripe's word counts for what Stripe has.  Without one nothing more is asked of
it, and a person who looked at Stripe's own pages says what is there.
"""

from __future__ import annotations

from flask_babel import gettext as _

from core import clock
from integrations import stripe_transfers
from rewards import payouts
from rewards.models import PayoutMethod
from rewards.models_payouts import Payout, PayoutState

_ASKED = (PayoutState.SENDING, PayoutState.UNKNOWN)


def note_paid(payout_id: int, reference: str | None) -> Payout:
    """Note that a payout arrived; a person says so.

    Raises:
        NotFoundError: There is no such payout.
        PayoutStateError: It is not on its way, or only Stripe knows whether it arrived.
    """
    payout = payouts.locked(payout_id)
    _require_told_by_people(payout)
    if payout.method is PayoutMethod.STRIPE and payout.state in _ASKED:
        payout.state, payout.token, payout.due_at = PayoutState.SENT, None, None
    payouts.settle(payout, reference=reference)
    return payout


def give_back(payout_id: int, reason: str) -> Payout:
    """Note that a payout did not arrive, or came back; a person says so.

    Raises:
        NotFoundError: There is no such payout.
        PayoutStateError: Stripe has it: only Stripe knows what became of it.
    """
    payout = payouts.locked(payout_id)
    is_uncoded = payout.method is PayoutMethod.STORE_CREDIT and payout.state is PayoutState.APPROVED
    if payout.state is not PayoutState.PAID and not is_uncoded:
        _require_told_by_people(payout)
    if payout.method is PayoutMethod.STORE_CREDIT and payout.state is PayoutState.PAID:
        raise payouts.PayoutStateError(_("A code of the shop cannot come back."))
    payouts.fail(payout, reason)
    return payout


def credit_failed(payout_id: int, reason: str) -> bool:
    """Make the money of a code that could not be made payable again; True if it was.

    The answer of the last call may have been lost, so a code that is there after all is stopped.
    """
    if not awaits_code(payout_id):
        return False
    payouts.fail(payouts.locked(payout_id), reason)
    return True


def awaits_code(payout_id: int) -> bool:
    """Tell whether a payout as store credit waits for its code; holds its row."""
    payout = payouts.locked(payout_id)
    return payout.method is PayoutMethod.STORE_CREDIT and payout.state is PayoutState.SENT


def _require_told_by_people(payout: Payout) -> None:
    """Refuse a person's word on what Stripe has, unless there is no key to ask Stripe with.

    Without one nothing more is asked: a person looks at Stripe's own pages and says what is there.
    """
    if payout.state is PayoutState.SENDING and payout.due_at and payout.due_at > clock.now():
        raise payouts.PayoutStateError(
            _("Stripe is being asked right now. Look again in some minutes.")
        )
    is_asked = payout.method in {PayoutMethod.STRIPE, PayoutMethod.STORE_CREDIT}
    if is_asked and stripe_transfers.is_on():
        raise payouts.PayoutStateError(
            _("Stripe has this payout, so its state follows from what Stripe says.")
        )
