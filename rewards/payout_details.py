"""Where an ambassador's money goes: asked for when there is something to pay, kept sealed.

The account number is encrypted with a key derived from SECRET_KEY; pages,
mails, the audit log and logs know its last four symbols only.  With another
SECRET_KEY nobody can open it, and the person is asked again.  The moment of a
change is kept: payouts wait `HOLD` after it (M9), and the person is told.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit
from accounts.models import User
from ambassadors import program
from ambassadors.models import Ambassador
from core import clock, iban, mails, seals
from core.db import db, upsert_dialect
from core.errors import ConflictError, Fault, InvalidInputError
from rewards import ledger
from rewards.models import Account, PayoutDetail, PayoutMethod

HOLD = timedelta(hours=72)  # after a change; trust.md, M9
_CONTEXT = b"cercle payout details 1"  # keeps this key apart from others of the same secret


class NotNeededError(ConflictError):
    """There is nothing to pay yet, so nothing is asked."""


@dataclass(frozen=True, slots=True)
class Destination:
    """What pages may show of a destination."""

    method: PayoutMethod
    holder: str
    last4: str
    changed_at: datetime

    @property
    def held_until(self) -> datetime:
        return self.changed_at + HOLD


def of(ambassador_id: int) -> Destination | None:
    """Return where an ambassador is paid, or None if they did not say."""
    row = _row(ambassador_id)
    return Destination(row.method, row.holder, row.last4, row.changed_at) if row else None


def is_needed(ambassador_id: int) -> bool:
    """Tell whether an ambassador has as much to be paid as the program pays at once."""
    rules = program.current()
    own = ledger.balances(ambassador_id).get(rules.currency, {})
    return own.get(Account.PAYABLE, 0) >= max(rules.minimum_payout, 1)


def account_number(ambassador_id: int) -> str | None:
    """Return the whole account number, for whoever sends money; None if it cannot be opened."""
    row = _row(ambassador_id)
    return opened(row.sealed) if row and row.sealed else None


def opened(sealed: str) -> str | None:
    """Return a sealed account number; None if it was sealed under another secret."""
    return seals.opened(_CONTEXT + b"seal", sealed)


def closed(number: str) -> str:
    """Return an account number sealed, as it is kept."""
    return seals.seal(_CONTEXT + b"seal", number)


def change(ambassador: Ambassador, method: PayoutMethod, *, holder: str, number: str) -> None:
    """Write where an ambassador is paid, and tell them at the address we know.

    Args:
        ambassador: Who.
        method: How.
        holder: Whose account it is.
        number: The IBAN; nothing unless a bank pays.

    Raises:
        NotNeededError: Nothing was said before, and there is nothing to pay yet.
        InvalidInputError: The holder is missing or the IBAN is not one.
    """
    before = of(ambassador.id)
    if before is None and not is_needed(ambassador.id):
        raise NotNeededError(_("There is nothing to pay yet, so we do not ask for this."))
    account = _checked(method, holder, number)
    values = {
        "method": method, "holder": holder.strip() if account else "",
        "sealed": closed(account) if account else None,
        "last4": account[-4:], "fingerprint": _fingerprint(account) if account else None,
        "changed_at": clock.now(),
    }  # fmt: skip
    db.session.execute(
        upsert_dialect()
        .insert(PayoutDetail)
        .values(ambassador_id=ambassador.id, **values)
        .on_conflict_do_update(index_elements=["ambassador_id"], set_=values)
    )
    details = {"method": method.value, "last4": account[-4:], "is_first": before is None}
    audit.record("payout_detail.change", "ambassador", ambassador.id, details)
    _tell(ambassador, method, account[-4:])


def forget(ambassador_id: int) -> None:
    """Delete where an ambassador is paid."""
    which = PayoutDetail.ambassador_id == ambassador_id
    db.session.execute(sa.delete(PayoutDetail).where(which))


def _checked(method: PayoutMethod, holder: str, number: str) -> str:
    """Return the account number in its normal form; an empty one unless a bank pays."""
    if method is not PayoutMethod.BANK:
        return ""
    faults = []
    if not 0 < len(holder.strip()) <= 70 or any(ord(sign) < 32 for sign in holder):
        faults.append(Fault("/holder", _("Write whose account it is, in at most 70 characters.")))
    account = iban.normalise(number)
    if account is None:
        said = _("This IBAN is not right: a character is wrong, missing or too many.")
        faults.append(Fault("/iban", said))
    if faults or account is None:
        raise InvalidInputError(_("Some fields need a correction."), faults=faults)
    return account


def _row(ambassador_id: int) -> PayoutDetail | None:
    return db.session.scalar(
        sa.select(PayoutDetail)
        .where(PayoutDetail.ambassador_id == ambassador_id)
        .execution_options(populate_existing=True)
    )


def _fingerprint(account: str) -> str:
    """Return what tells two people of one account apart from others, without saying which."""
    return hmac.new(
        seals.derived(_CONTEXT + b"fingerprint"), account.encode(), hashlib.sha256
    ).hexdigest()


def _tell(ambassador: Ambassador, method: PayoutMethod, last4: str) -> None:
    member, now = ambassador.member, clock.now()
    user = db.session.get(User, ambassador.user_id) if ambassador.user_id else None
    for address in sorted({one for one in (member.email, user.email if user else None) if one}):
        mails.enqueue(
            "payout_changed", to=address,
            locale=(user.locale if user else None) or member.locale,
            key=f"payout_changed:{ambassador.id}:{now.isoformat()}:{address}", name=member.name,
            last4=last4, changed_at=now, held_until=now + HOLD, method=method.value,
        )  # fmt: skip
