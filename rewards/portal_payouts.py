"""The ambassadors' door of their payouts: what came, what is on its way, what one waits for."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from accounts import permissions
from ambassadors import program
from rewards import payout_blocks, payout_list, tax_details
from rewards import wording_payouts as words
from rewards.models_contracts import ThresholdKind
from rewards.portal import me, wallets

door = permissions.guard(
    Blueprint("portal_payouts", __name__, url_prefix="/portal/payouts"), permissions.AMBASSADOR
)


@door.get("")
def everything() -> ResponseReturnValue:
    """Show my payouts, and why what is available was not paid yet."""
    ambassador = me()
    rules = program.current()
    due = payout_blocks.candidates(rules.currency, only=[ambassador.id])
    blocks = due[0].blocks if due else ()
    is_small = payout_blocks.Block.MINIMUM in blocks
    return render_template(
        "rewards/portal/payouts.html",
        found=payout_list.of_ambassador(ambassador.id), wallets=wallets(ambassador.id), words=words,
        told=[] if is_small else [words.TOLD[one] for one in blocks if one in words.TOLD],
        is_small=is_small, rules=rules, asks_tax=_asks_tax(ambassador.id),
    )  # fmt: skip


def _asks_tax(ambassador_id: int) -> bool:
    """Tell whether a declaration needs something that was not said yet."""
    kinds, known = tax_details.needed(ambassador_id), tax_details.of(ambassador_id)
    return bool(kinds) and (known is None or (kinds == {ThresholdKind.NEC} and not known.tin_last4))
