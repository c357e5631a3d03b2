"""What the clock does in the rewards room."""

from __future__ import annotations

from core.db import BATCH_ROWS, db, reading
from referrals import customers, purchases, redemptions, refunds, suspicions
from rewards import commissions, intake, patterns, purchase_rewards


def release_holds() -> int:
    """Make money payable and give points and perks whose hold period is over; return how many.

    It is looked for once, and while nobody who writes has to wait for that.
    """
    with reading():
        due, things = commissions.due(), purchase_rewards.due()
        db.session.commit()
    released = 0
    for start in range(0, len(due), BATCH_ROWS):
        released += commissions.release(due[start : start + BATCH_ROWS])
        db.session.commit()
    for start in range(0, len(things), BATCH_ROWS):
        commissions.settle(things[start : start + BATCH_ROWS])
        db.session.commit()
    return released + len(things)


def look_for_suspicions() -> int:
    """Put commissions on hold that other orders speak against; return how many are found.

    They are looked for while nobody who writes has to wait for that, and before what is
    due is released.
    """
    with reading():
        found = patterns.found()
        db.session.commit()
    for start in range(0, len(found), BATCH_ROWS):
        batch = found[start : start + BATCH_ROWS]
        suspicions.keep(batch)
        intake.decide_again({one.purchase_id for one in batch})
        db.session.commit()
    return len(found)


def expire_reservations() -> int:
    """Give back uses of codes that were reserved too long ago; return how many."""
    expired = 0
    while batch := redemptions.expire_due():
        db.session.commit()
        expired += batch
    return expired


def link_members() -> int:
    """Link customers to members who joined after they bought; return how many customers.

    A purchase of theirs with their own code is a self-referral from then on.
    """
    linked = customers.link_members()
    for start in range(0, len(linked), BATCH_ROWS):
        intake.decide_again(purchases.of_customers(linked[start : start + BATCH_ROWS]))
    db.session.commit()
    return len(linked)


def apply_parked_refunds() -> int:
    """Apply refunds whose purchase came at the same moment; return how many purchases changed."""
    changed = refunds.apply_parked(refunds.parked_orders())
    intake.decide_again(changed)  # a full refund may give a code's use back
    db.session.commit()
    return len(changed)
