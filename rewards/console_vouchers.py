"""The marketers' door to vouchers and points: made, followed, stopped, given."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import audit, permissions
from ambassadors import program
from core import forms, sheets
from core.db import db, retried
from core.errors import DomainError
from core.web import row_asked
from rewards import points, vouchers
from rewards import wording_perks as wording
from rewards.console import ambassador_meant
from rewards.forms_perks import PointsForm, ReasonForm, VoucherForm, whole
from rewards.models import VoucherBatch

PAGE = 50  # vouchers of a set

door = permissions.guard(
    Blueprint("vouchers_console", __name__, url_prefix="/console/vouchers"), permissions.STAFF
)


@door.get("")
def everything() -> ResponseReturnValue:
    """Show the sets of vouchers, the newest first."""
    return render_template(
        "rewards/console_vouchers/list.html",
        rows=[(row, wording.gifts(row.VoucherBatch)) for row in vouchers.newest()],
    )


@door.route("/new", methods=["GET", "POST"])
@permissions.allow(permissions.MARKETER)
def new() -> ResponseReturnValue:
    """Make one voucher or many."""
    form = VoucherForm()
    form.offer()
    if form.validate_on_submit():
        try:
            batch = _made(form)
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            form.offer()
            forms.show(form, error)
        else:
            return redirect(url_for(".one", batch_id=batch.id), code=303)
    currency = program.current().currency
    page = render_template("rewards/console_vouchers/form.html", form=form, currency=currency)
    return page, 422 if form.is_submitted() else 200


@door.get("/<int:batch_id>")
def one(batch_id: int) -> ResponseReturnValue:
    """Show a set: what it gives, its vouchers, and who took what."""
    batch = vouchers.get(batch_id)
    after = row_asked("after") or 0
    found = vouchers.of_batch(batch_id, after=after, limit=PAGE + 1)
    return render_template(
        "rewards/console_vouchers/one.html",
        batch=batch, gifts=wording.gifts(batch), found=found[:PAGE],
        next_after=found[PAGE - 1].id if len(found) > PAGE else None, after=after,
        takers=vouchers.takers(batch_id), form=ReasonForm(formdata=None),
    )  # fmt: skip


@door.post("/<int:batch_id>/codes.csv")
@permissions.allow(permissions.MARKETER)
def download(batch_id: int) -> ResponseReturnValue:
    """Send the codes of a set as a file; the audit log keeps who took it."""
    batch = vouchers.get(batch_id)
    rows = list(_rows(batch))
    audit.record("voucher.export", "voucher", batch_id, {"count": len(rows)})
    db.session.commit()
    return sheets.download(f"vouchers-{batch_id}.csv", ("code", "taken", "status"), rows)


@door.post("/<int:batch_id>/freeze")
@permissions.allow(permissions.MARKETER)
def freeze(batch_id: int) -> ResponseReturnValue:
    """Stop a whole set, or the one voucher that the form names, for a reason."""
    form = ReasonForm()
    if not form.validate_on_submit():
        flash(_("Say why: the reason is kept with the decision."), "error")
        return redirect(url_for(".one", batch_id=batch_id), code=303)
    voucher_id = request.form.get("voucher", type=int)
    if voucher_id:
        batch_id = vouchers.freeze_one(voucher_id, reason=form.reason.data).batch_id
    else:
        vouchers.freeze(vouchers.get(batch_id), reason=form.reason.data)
    db.session.commit()
    return redirect(url_for(".one", batch_id=batch_id), code=303)


@door.route("/points", methods=["GET", "POST"])
@permissions.allow(permissions.MARKETER)
@retried
def give_points() -> ResponseReturnValue:
    """Give points with a reason, and show those given lately."""
    form = PointsForm()
    if form.validate_on_submit():
        try:
            _granted(form)
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            forms.show(form, error)
        else:
            flash(_("Given. The audit log keeps the reason."))
            return redirect(url_for(".give_points"), code=303)
    if not form.is_submitted():
        form.token.data = secrets.token_urlsafe(16)
        form.ambassador.data = request.args.get("ambassador", "")[:254]
    page = render_template(
        "rewards/console_vouchers/points.html", form=form, latest=points.latest()
    )
    return page, 422 if form.is_submitted() else 200


def _made(form: VoucherForm) -> VoucherBatch:
    return vouchers.create(
        form.terms(), text=(form.text.data or "").strip(), count=whole(form, "count") or 1,
        pattern=(form.pattern.data or "").strip(), takes_limit=whole(form, "takes_limit"),
    )  # fmt: skip


def _granted(form: PointsForm) -> None:
    who = ambassador_meant(form.ambassador.data or "")
    if who is not None:
        given = whole(form, "points") or 0
        points.grant(who, given, reason=form.reason.data, key=f"page:{form.token.data}")


def _rows(batch: VoucherBatch) -> Iterator[tuple[object, ...]]:
    for one in vouchers.of_batch(batch.id, limit=vouchers.MOST):
        yield one.text, one.taken, one.status.value
