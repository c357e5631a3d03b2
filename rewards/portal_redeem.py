"""The ambassadors' door to codes and perks: one field for any code, and the catalogue.

A code is checked first and says what it stands for; a signed token carries the
answer to the button that takes it, so nothing can be guessed past the limit.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

import sqlalchemy as sa
from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from itsdangerous import BadSignature, URLSafeSerializer

from accounts import identities, permissions
from ambassadors import program
from ambassadors.models import Ambassador, AmbassadorStatus
from core import limits
from core.db import db, retried
from core.errors import NotFoundError
from core.money import POINTS
from rewards import exchanges, lots, perks, purse, vouchers, wording_rewards
from rewards import wording_perks as wording
from rewards.contract_meter import ContractNeededError
from rewards.forms_perks import RedeemForm
from rewards.models import PerkKind
from rewards.portal import cards_of
from rewards.vouchers import HadYoursError, NoVoucherError

_LIMITS = ((10, timedelta(minutes=1)), (100, timedelta(hours=1)))  # checks; trust.md
_ON_PAGE = 5  # exchanges below the catalogue

door = permissions.guard(
    Blueprint("rewards_redeem", __name__, url_prefix="/portal/redeem"), permissions.AMBASSADOR
)


@door.app_context_processor
def _words() -> dict[str, object]:
    return {
        "perk_words": wording, "reward_words": wording_rewards,
        "is_accessible": perks.is_accessible,
    }  # fmt: skip


@door.get("")
def show() -> ResponseReturnValue:
    """Show the field, the catalogue and what was exchanged."""
    return _page(_me(), RedeemForm(formdata=None))


@door.post("")
def check() -> ResponseReturnValue:
    """Say what a code stands for, before it is taken."""
    form = RedeemForm()
    me_id = _me().id
    if form.validate_on_submit():
        _count_check(me_id)
        try:
            found = vouchers.check(form.code.data, me_id)
        except (NoVoucherError, HadYoursError) as error:
            form.code.errors = [error.detail]
        else:
            if found.take_id:
                return redirect(url_for(".taken", take_id=found.take_id), code=303)
            batch = found.voucher.batch
            return render_template(
                "rewards/portal_redeem/confirm.html",
                batch=batch, gifts=wording.gifts(batch), code=found.voucher.text,
                token=_signer().dumps([me_id, found.voucher.id]),
            )  # fmt: skip
    return _page(_me(), form), 422


@door.post("/take")
@retried
def take() -> ResponseReturnValue:
    """Take what the code that was checked stands for."""
    me_id = _me().id
    try:
        owner_id, voucher_id = _signer().loads(request.form.get("token", ""))
    except (BadSignature, ValueError, TypeError):
        raise NotFoundError(_("There is nothing at this address.")) from None
    if owner_id != me_id:
        raise NotFoundError(_("There is nothing at this address."))
    done = vouchers.take(voucher_id, me_id)
    db.session.commit()
    return redirect(url_for(".taken", take_id=done.id), code=303)


@door.errorhandler(ContractNeededError)
def sign_first(error: ContractNeededError) -> ResponseReturnValue:
    """Lead to the contract that has to be signed before anything more is given."""
    db.session.rollback()
    flash(error.detail, "error")
    return redirect(url_for("portal_contracts.everything"), code=303)


@door.get("/codes/<int:take_id>")
def taken(take_id: int) -> ResponseReturnValue:
    """Show what a code gave, with the way on."""
    me = _me()
    done = vouchers.find_take(take_id, me.id)
    batch = done.voucher.batch
    exchange, code = exchanges.find(done.exchange_id, me.id) if done.exchange_id else (None, None)
    return render_template(
        "rewards/portal_redeem/taken.html",
        done=done, batch=batch, gifts=wording.gifts(batch), exchange=exchange, code=code,
        balance=purse.available(me.id, POINTS), cards=cards_of(me, campaign_id=batch.campaign_id),
    )  # fmt: skip


@door.get("/perks/<int:perk_id>")
def perk(perk_id: int) -> ResponseReturnValue:
    """Show what a perk costs and leaves, before it is taken."""
    me = _me()
    offered = {one.perk.id: one for one in perks.offered(me.id)}.get(perk_id)
    if offered is None:
        raise NotFoundError(_("There is no such perk."))
    has = purse.available(me.id, offered.perk.unit)
    return render_template(
        "rewards/portal_redeem/perk.html",
        perk=offered.perk, is_gone=offered.is_gone, has=has, left=has - offered.perk.price,
        once=secrets.token_urlsafe(16), is_code=offered.perk.kind is PerkKind.REWARD_CODE,
    )  # fmt: skip


@door.post("/perks/<int:perk_id>")
@retried
def exchange(perk_id: int) -> ResponseReturnValue:
    """Exchange points or balance for a perk, once for each confirmation that was shown."""
    me = _me()
    seen, once = request.form.get("seen", type=int), request.form.get("once", "")[:64]
    if seen is None or not once:
        raise NotFoundError(_("There is nothing at this address."))
    done = exchanges.exchange(me.id, perk_id, seen=seen, key=f"portal:{me.id}:{once}")
    db.session.commit()
    return redirect(url_for(".exchanged", exchange_id=done.id), code=303)


@door.get("/exchanges/<int:exchange_id>")
def exchanged(exchange_id: int) -> ResponseReturnValue:
    """Show an exchange of mine: its code, or what happens next."""
    done, code = exchanges.find(exchange_id, _me().id)
    return render_template("rewards/portal_redeem/exchanged.html", exchange=done, code=code)


def _page(me: Ambassador, form: RedeemForm) -> str:
    own = program.current().currency
    return render_template(
        "rewards/portal_redeem/redeem.html",
        form=form, offered=perks.offered(me.id), points=purse.available(me.id, POINTS),
        expiring=lots.expiring(me.id), balance=purse.available(me.id, own), currency=own,
        rests=me.status in {AmbassadorStatus.SUSPENDED, AmbassadorStatus.LEFT},
        done=exchanges.of_ambassador(me.id, limit=_ON_PAGE),
    )  # fmt: skip


def _me() -> Ambassador:
    """Return the ambassador who is signed in; raises NotFoundError if none is theirs."""
    user_id = identities.current().user_id
    me = db.session.scalar(sa.select(Ambassador).where(Ambassador.user_id == user_id))
    if me is None:
        raise NotFoundError(_("Your account is not linked to an ambassador yet. Ask the team."))
    return me


def _count_check(ambassador_id: int) -> None:
    """Count one check of a code for the network and for the person.

    Raises:
        TooManyError: Either has made too many.
    """
    for key in (f"ip:{limits.network(request.remote_addr)}", f"ambassador:{ambassador_id}"):
        for most, per in _LIMITS:
            limits.hit("voucher_check", key, limit=most, per=per)


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.config["SECRET_KEY"]), salt="voucher")
