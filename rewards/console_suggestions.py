"""The marketers' door to suggestions: who might become an ambassador, why, and who may be asked."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from accounts import permissions
from ambassadors import program, segments
from core import forms, i18n
from core.db import db, retried
from core.errors import DomainError, Fault, InvalidInputError
from rewards import suggestions
from rewards.forms_joining import SuggestForm, offer_targets, target_of
from rewards.forms_perks import amount, whole
from rewards.suggestions import Wish

LONGEST_DAYS, MOST_ORDERS = 3650, 10_000

door = permissions.guard(
    Blueprint("suggestions_console", __name__, url_prefix="/console/suggestions"),
    permissions.MARKETER,
)


@door.get("")
def everything() -> ResponseReturnValue:
    """Show customers and members who might become ambassadors, each with the reason."""
    form = _form(formdata=request.args)
    return _page(form)


@door.post("")
@retried
def invite() -> ResponseReturnValue:
    """Invite those who were ticked and may be written to."""
    form = _form()
    if not form.validate_on_submit():
        return _page(form), 422
    try:
        keys = set(request.form.getlist("who"))
        if not keys:
            raise _wrong("", _("Tick whom to invite first."))
        manner = form.manner(program.current().name)
        count = suggestions.invite(keys, _wish(form), target_of(form), manner)
        db.session.commit()
    except DomainError as error:
        db.session.rollback()
        forms.show(form, error)
        return _page(form), 422
    said = ngettext(
        "%(count)s invitation is on its way.", "%(count)s invitations are on their way.", count,
        count=i18n.number(count),
    )  # fmt: skip
    flash(said)
    return redirect(url_for("invitations_console.everything"), code=303)


def _form(**given: Any) -> SuggestForm:
    form = SuggestForm(**given)
    offer_targets(form)
    form.offer(segments.names())
    for name, text in _defaults().items():
        if form[name].data in {None, ""}:
            form[name].data = text
    return form


def _defaults() -> dict[str, str]:
    known = Wish()
    return {
        "orders": str(known.orders), "days": str(known.days), "target": "program",
        "locale": program.current().locale, "kind": "customer", "segment": "",
    }  # fmt: skip


def _page(form: SuggestForm) -> str:
    try:
        wish = _wish(form)
    except InvalidInputError as error:
        forms.show(form, error)
        wish = Wish()
    target = target_of(form)
    return render_template(
        "rewards/console_suggestions/list.html",
        form=form, wish=wish, currency=program.current().currency, words=suggestions.all_words(),
        customers=suggestions.customers(wish, target),
        members=suggestions.members(wish, target), most=suggestions.MOST,
        asked=set(request.form.getlist("who")),
    )  # fmt: skip


def _wish(form: SuggestForm) -> Wish:
    """Return what the form looks for.

    Raises:
        InvalidInputError: A figure that cannot be.
    """
    orders, days = whole(form, "orders"), whole(form, "days")
    if orders is None or not 1 <= orders <= MOST_ORDERS:
        raise _wrong("orders", _("Write a whole number above zero."))
    if days is None or not 1 <= days <= LONGEST_DAYS:
        raise _wrong("days", _("Write a number from 1 to 3650."))
    score = whole(form, "score")
    if score is not None and not 0 <= score <= 10:
        raise _wrong("score", _("Give a whole number from 0 to 10."))
    segment = str(form.segment.data or "")
    return Wish(
        orders=orders, days=days, score=score,
        value=amount(form, "value", program.current().currency),
        segment_id=int(segment) if segment.isdecimal() and segment in _segments() else None,
    )  # fmt: skip


def _segments() -> set[str]:
    return {str(one) for one in segments.names()}


def _wrong(field: str, detail: str) -> InvalidInputError:
    return InvalidInputError(detail, faults=[Fault(f"/{field}", detail)])
