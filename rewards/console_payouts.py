"""Finance's door of payouts: prepare, approve, send, settle, and why somebody waits."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from accounts import audit, identities, permissions, users
from ambassadors import program
from core import money, sheets
from core.db import db, retried
from core.errors import DomainError
from core.web import row_asked
from integrations import stripe_transfers
from rewards import payout_blocks, payout_list, payout_notes, payout_sending, payouts
from rewards import wording_payouts as words
from rewards.forms_payouts import PrepareForm, ReferenceForm, ReturnForm
from rewards.models import PayoutMethod
from rewards.models_payouts import Payout, PayoutBatch, PayoutState
from rewards.payout_blocks import Block, Candidate

PAGE = 100
WAITING = 100  # people that are shown with what they wait for

door = permissions.guard(
    Blueprint("payouts_console", __name__, url_prefix="/console/payouts"), permissions.FINANCE
)


@dataclass(frozen=True, slots=True)
class Due:
    """What could be paid in one currency, and who waits for what."""

    currency: str
    ready: list[Candidate]
    waiting: list[Candidate]
    form: PrepareForm

    @property
    def amount(self) -> int:
        """What can be paid now, in minor units."""
        return sum(one.amount for one in self.ready)

    @property
    def small(self) -> list[Candidate]:
        """Who has less than the smallest payout."""
        return [one for one in self.waiting if Block.MINIMUM in one.blocks]

    @property
    def shown(self) -> list[Candidate]:
        """Who waits for something else than more money, the first of them."""
        return [one for one in self.waiting if Block.MINIMUM not in one.blocks][:WAITING]

    @property
    def unsaid(self) -> bool:
        """Tell whether somebody could be paid by hand."""
        return any(one.blocks == (Block.NO_DESTINATION,) for one in self.waiting)

    @property
    def amount_waiting(self) -> int:
        """What cannot, in minor units."""
        return sum(one.amount for one in self.waiting)


@door.get("")
def everything() -> ResponseReturnValue:
    """Show what can be paid, who waits and why, and the batches so far."""
    return _index(200)


@door.post("")
@retried
def prepare() -> ResponseReturnValue:
    """Draft a batch."""
    form = PrepareForm()
    if not form.validate_on_submit():
        flash(_("The form was not complete. Please try again."), "error")
        return redirect(url_for(".everything"), code=303)
    try:
        batch = payouts.prepare(
            money.require_currency(form.currency.data or ""), key=f"page:{form.token.data}",
            by=identities.current().name, by_hand=bool(form.by_hand.data),
        )  # fmt: skip
        db.session.commit()
    except (DomainError, money.MoneyError) as error:
        db.session.rollback()
        flash(str(error), "error")
        return redirect(url_for(".everything"), code=303)
    return redirect(url_for(".one", batch_id=batch.id), code=303)


@door.get("/<int:batch_id>")
def one(batch_id: int) -> ResponseReturnValue:
    """Show a batch: its payouts, where each stands, and the next step."""
    batch = payouts.batch_of(batch_id)
    after = row_asked("after") or 0
    found = payouts.of_batch(batch_id, after=after, limit=PAGE + 1)
    sums = payout_list.sums(batch_id)
    return render_template(
        "rewards/console_payouts/one.html",
        batch=batch, found=found[:PAGE], words=words, after=after, total=payouts.total(batch_id),
        next_after=found[PAGE - 1].id if len(found) > PAGE else None, steps=_steps(sums),
        has_stripe=stripe_transfers.is_on(),
        states=_by_state(sums), reference=ReferenceForm(formdata=None),
        back=ReturnForm(formdata=None), may_approve=_may_approve(batch),
        names=users.actor_names(filter(None, [batch.created_by, batch.approved_by])),
    )  # fmt: skip


@door.post("/<int:batch_id>/approve")
@permissions.fresh
@retried
def approve(batch_id: int) -> ResponseReturnValue:
    """Say yes to a batch."""
    return _done(
        batch_id, lambda: payouts.approve(batch_id, by=identities.current().name),
        _("Approved. The money is set aside."),
    )  # fmt: skip


@door.post("/<int:batch_id>/cancel")
@retried
def cancel(batch_id: int) -> ResponseReturnValue:
    """Give a draft up."""
    return _done(batch_id, lambda: payouts.cancel(batch_id), _("Given up. Nothing had moved."))


@door.post("/<int:batch_id>/bank.xml")
@permissions.fresh
def bank_file(batch_id: int) -> ResponseReturnValue:
    """Send the file for the bank."""
    batch = payouts.batch_of(batch_id)
    try:
        made = payout_sending.bank_file(batch)
        db.session.rollback()  # nobody waits while the file is checked
        payout_sending.note_export(made)
        db.session.commit()
    except DomainError as error:
        db.session.rollback()
        flash(error.detail, "error")
        return redirect(url_for(".one", batch_id=batch_id), code=303)
    answer = Response(made.body, mimetype="application/xml")
    answer.headers["Content-Disposition"] = f'attachment; filename="cercle-{batch_id}.xml"'
    return answer


@door.post("/<int:batch_id>/credit")
@retried
def give_credit(batch_id: int) -> ResponseReturnValue:
    """Make the codes of those who are paid in store credit."""
    count = sum(payout_sending.give_credit(id_) is not None for id_ in _credits(batch_id))
    db.session.commit()
    flash(ngettext("%(count)s code made.", "%(count)s codes made.", count, count=count))
    return redirect(url_for(".one", batch_id=batch_id), code=303)


@door.post("/<int:batch_id>/settle")
@retried
def settle(batch_id: int) -> ResponseReturnValue:
    """Note that the bank carried a batch's file out."""
    form = ReferenceForm()
    if not form.validate_on_submit():
        return _too_long(batch_id)
    ids = payouts.ids_of(batch_id, PayoutMethod.BANK, PayoutState.SENT)
    for id_ in ids:
        payouts.settle(payouts.locked(id_), reference=(form.reference.data or "").strip() or None)
    audit.record("payout.settle", "payout_batch", batch_id, {"payouts": len(ids)})
    db.session.commit()
    flash(ngettext("%(count)s payout is paid.", "%(count)s payouts are paid.", len(ids),
                   count=len(ids)))  # fmt: skip
    return redirect(url_for(".one", batch_id=batch_id), code=303)


@door.post("/<int:batch_id>/<int:payout_id>/paid")
@retried
def paid(batch_id: int, payout_id: int) -> ResponseReturnValue:
    """Note that one payout arrived."""
    form = ReferenceForm()
    if not form.validate_on_submit():
        return _too_long(batch_id)

    def act() -> None:
        payout = payout_notes.note_paid(payout_id, (form.reference.data or "").strip() or None)
        audit.record("payout.settle", "payout", payout_id, {"reference": payout.reference})

    return _done(batch_id, act, _("Noted as paid."))


@door.post("/<int:batch_id>/<int:payout_id>/failed")
@retried
def failed(batch_id: int, payout_id: int) -> ResponseReturnValue:
    """Note that one payout did not arrive or came back."""
    form = ReturnForm()
    if not form.validate_on_submit():
        flash(_("Say what happened: the reason is kept."), "error")
        return redirect(url_for(".one", batch_id=batch_id), code=303)
    reason = (form.reason.data or "").strip()
    return _done(
        batch_id, lambda: payout_notes.give_back(payout_id, reason),
        _("Noted. The money is payable again."),
    )  # fmt: skip


@door.post(f"/<int:batch_id>/payouts.{sheets.ENDING}")
def download(batch_id: int, ending: str) -> ResponseReturnValue:
    """Send the payouts of a batch as a file; the audit log keeps who took it."""
    payouts.batch_of(batch_id)
    rows = list(_rows(batch_id))
    audit.record("payout.download", "payout_batch", batch_id, {"count": len(rows)})
    db.session.commit()
    return sheets.download(f"payouts-{batch_id}.{ending}", words.FILE_HEADS, rows)


def _index(status: int) -> ResponseReturnValue:
    due = []
    for currency in payout_list.currencies():
        found = payout_blocks.candidates(currency)
        form = PrepareForm(formdata=None, currency=currency, token=secrets.token_urlsafe(16))
        due.append(
            Due(
                currency, [one for one in found if not one.blocks],
                [one for one in found if one.blocks], form,
            )
        )  # fmt: skip
    page = render_template(
        "rewards/console_payouts/list.html",
        due=due, batches=payout_list.batches(), words=words, most=WAITING,
        minimum=program.current().minimum_payout,
    )  # fmt: skip
    return page, status


def _done(batch_id: int, act: Callable[[], object], said: str) -> ResponseReturnValue:
    """Do an act of a batch, or say why not, and show the batch."""
    try:
        act()
        db.session.commit()
    except DomainError as error:
        db.session.rollback()
        flash(error.detail, "error")
    else:
        flash(said)
    return redirect(url_for(".one", batch_id=batch_id), code=303)


def _too_long(batch_id: int) -> ResponseReturnValue:
    flash(_("Write a reference of at most 100 characters."), "error")
    return redirect(url_for(".one", batch_id=batch_id), code=303)


def _may_approve(batch: PayoutBatch) -> bool:
    by = identities.current().name
    return not payouts.needs_another(batch, by=by)


def _steps(sums: dict[tuple[PayoutMethod, PayoutState], tuple[int, int]]) -> set[str]:
    """Return what can be done next with a batch's payouts."""
    steps = {
        ("bank", PayoutMethod.BANK, PayoutState.APPROVED),
        ("bank_again", PayoutMethod.BANK, PayoutState.SENT),
        ("credit", PayoutMethod.STORE_CREDIT, PayoutState.APPROVED),
        ("stripe", PayoutMethod.STRIPE, PayoutState.APPROVED),
    }
    return {name for name, method, state in steps if (method, state) in sums}


def _by_state(
    sums: dict[tuple[PayoutMethod, PayoutState], tuple[int, int]],
) -> list[tuple[PayoutState, int, int]]:
    """Return how many payouts stand where and their sum, in the order that money takes."""
    found = []
    for state in PayoutState:
        some = [both for (_method, at), both in sums.items() if at is state]
        if some:
            found.append((state, sum(one[0] for one in some), sum(one[1] for one in some)))
    return found


def _credits(batch_id: int) -> list[int]:
    return payouts.ids_of(batch_id, PayoutMethod.STORE_CREDIT, PayoutState.APPROVED)


def _rows(batch_id: int) -> Iterator[tuple[object, ...]]:
    after = 0
    while found := payouts.of_batch(batch_id, after=after, limit=500):
        yield from (_row(one) for one in found)
        after = found[-1].id


def _row(one: Payout) -> tuple[object, ...]:
    return (
        one.id, one.ambassador_id, one.ambassador.member.name,
        money.to_major(one.amount, one.currency), one.currency, one.method.value,
        one.state.value, one.reference or "", one.sent_at, one.settled_at, words.why(one),
    )  # fmt: skip
