"""The one door for outside facts: verify, store, translate, record, credit, accrue.

A delivery is verified before anything is written, and stored before it is
answered.  Its effect follows in a transaction of its own: one that fails leaves
the delivery `failed`, for a person to see and replay; one that never came,
because the process died or the database was busy, is made up by the clock.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import click
import sqlalchemy.exc
import structlog
from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import audit, permissions
from campaigns import mail_events
from core import clock, metrics, strict_json
from core.config import Settings
from core.db import db, will_pass
from core.errors import DomainError, UnavailableError
from integrations import inbox, sendgrid_events, stripe, stripe_accounts
from integrations.inbox import Delivery, DeliveryState
from rewards import connected, shop_events

log = structlog.get_logger()

LARGEST_BODY = 2 * 1024 * 1024  # bytes
_GRACE = timedelta(minutes=1)  # after which a stored delivery's effect is made up

door = permissions.guard(
    Blueprint("webhooks", __name__, url_prefix="/webhooks", cli_group="inbox"), permissions.PUBLIC
)

console_door = permissions.guard(
    Blueprint("inbox", __name__, url_prefix="/console/inbox"), permissions.ADMIN
)

Outcome = tuple[DeliveryState, str | None]  # and a note for people


_STRIPE_KINDS = {*stripe.KINDS, stripe_accounts.CHANGED}


@door.post("/stripe")
def receive_stripe() -> ResponseReturnValue:
    """Take an event of Stripe: 2xx once it is stored, whatever its effect."""
    secrets = _settings().stripe_webhook_secrets
    if not any(secrets):
        raise UnavailableError("Stripe is switched off here: set STRIPE_WEBHOOK_SECRETS.")
    request.max_content_length = LARGEST_BODY
    body = request.get_data(cache=False)
    try:
        stripe.verify(body, request.headers.get("Stripe-Signature"), secrets, clock.now())
    except stripe.SignatureError:
        metrics.WEBHOOKS_REFUSED.labels(stripe.SOURCE).inc()
        raise
    event = stripe.envelope(strict_json.read(body))
    stored = inbox.store(
        stripe.SOURCE,
        event.event_id,
        event.kind,
        body,
        is_ours=event.kind in _STRIPE_KINDS,
    )
    db.session.commit()
    if stored is not None:
        apply(stored)
    return {"received": True, "duplicate": stored is None}


@door.post("/sendgrid")
def receive_sendgrid() -> ResponseReturnValue:
    """Take events of SendGrid: 2xx once each is stored for itself, whatever its effect."""
    keys = _settings().sendgrid_webhook_keys
    if not any(keys):
        raise UnavailableError("SendGrid's events are off here: set SENDGRID_WEBHOOK_KEYS.")
    request.max_content_length = LARGEST_BODY
    body = request.get_data(cache=False)
    signature = request.headers.get(sendgrid_events.SIGNATURE)
    timestamp = request.headers.get(sendgrid_events.TIMESTAMP)
    try:
        sendgrid_events.verify(body, signature, timestamp, keys, clock.now())
    except sendgrid_events.SignatureError:
        metrics.WEBHOOKS_REFUSED.labels(sendgrid_events.SOURCE).inc()
        raise
    told = sendgrid_events.items(body)
    stored = [
        inbox.store(
            sendgrid_events.SOURCE, one.event_id, one.kind, one.body, is_ours=one.is_readable
        )
        for one in told
    ]
    db.session.commit()
    for delivery_id in filter(None, stored):
        apply(delivery_id)
    return {"received": len(told), "duplicates": stored.count(None)}


def apply(delivery_id: int, *, again: bool = False) -> DeliveryState | None:
    """Give a stored delivery its effect, once, and say what became of it.

    Args:
        delivery_id: Of a delivery that is committed.
        again: Also if it was processed, ignored or failed before.

    Returns:
        Its state; None if its effect is in already, or has to wait for the database.
    """
    try:
        delivery = inbox.claim(delivery_id, again=again)
        if delivery is None:
            db.session.rollback()
            return None
        state, note = _EFFECTS[delivery.provider](delivery)
        inbox.settle(delivery, state, note)
        db.session.commit()
    except Exception as error:
        db.session.rollback()
        if isinstance(error, sqlalchemy.exc.DBAPIError) and will_pass(error):
            log.warning("webhook.waits", delivery=delivery_id)
            return None
        log.exception("webhook.failed", delivery=delivery_id)
        return _mark_failed(delivery_id, error)
    return state


def apply_waiting() -> int:
    """Give every delivery its effect that was stored and left; return how many."""
    left = inbox.waiting(before=clock.now() - _GRACE)
    db.session.rollback()
    return sum(apply(delivery_id) is not None for delivery_id in left)


def _mark_failed(delivery_id: int, error: Exception) -> DeliveryState | None:
    try:
        delivery = inbox.claim(delivery_id, again=True)
        if delivery is not None:
            inbox.settle(delivery, DeliveryState.FAILED, _reason(error))
        db.session.commit()
    except sqlalchemy.exc.OperationalError:
        db.session.rollback()  # it stays stored: the clock will come back to it
        return None
    return DeliveryState.FAILED


def _reason(error: Exception) -> str:
    if not isinstance(error, DomainError):
        return f"{type(error).__name__}, on our side; see the log."
    faults = "; ".join(f"{fault.pointer} {fault.detail}" for fault in error.faults)
    return f"{error.detail} {faults}".strip()


def _take_stripe(delivery: Delivery) -> Outcome:
    event = stripe.envelope(strict_json.read(delivery.body or b""))
    is_production = _settings().is_production
    if is_production and not event.is_live:
        return DeliveryState.IGNORED, "Sent in Stripe's test mode."
    if event.kind == stripe_accounts.CHANGED:
        is_known = connected.note(stripe_accounts.told(event.about))
        return (DeliveryState.PROCESSED if is_known else DeliveryState.IGNORED), None
    told = stripe.read(event, test_counts=not is_production)
    if not told:
        return DeliveryState.IGNORED, None
    shop_events.take(told)
    return DeliveryState.PROCESSED, None


def _take_sendgrid(delivery: Delivery) -> Outcome:
    mail_events.take(sendgrid_events.read(delivery.body or b""))
    return DeliveryState.PROCESSED, None


_EFFECTS: dict[str, Callable[[Delivery], Outcome]] = {
    stripe.SOURCE: _take_stripe,
    sendgrid_events.SOURCE: _take_sendgrid,
}


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings


@console_door.get("")
def show() -> ResponseReturnValue:
    """Show what came in, and what waits for a person."""
    asked = request.args.get("state", "")
    state = DeliveryState(asked) if asked in set(DeliveryState) else None
    words = {
        DeliveryState.STORED: _("received"), DeliveryState.PROCESSED: _("applied"),
        DeliveryState.IGNORED: _("not ours"), DeliveryState.FAILED: _("failed"),
    }  # fmt: skip
    counts = inbox.counts()
    choices = [(_("All"), url_for("inbox.show"), state is None)]
    choices += [
        (f"{words[one]} ({counts[one]})", url_for("inbox.show", state=one), state is one)
        for one in DeliveryState
    ]
    looks = {"stored": "pending", "processed": "good", "ignored": "plain", "failed": "alert-now"}
    return render_template(
        "webhooks/console/inbox.html", deliveries=inbox.recent(state=state, limit=100),
        choices=choices, words=words, looks=looks,
    )  # fmt: skip


@console_door.post("/<int:delivery_id>/replay")
def replay_one(delivery_id: int) -> ResponseReturnValue:
    """Give a delivery its effect again, because a person asks for it."""
    state, note = _replay(delivery_id)
    if state in {None, DeliveryState.FAILED}:
        reason = note or _("the database is busy")
        flash(_("It failed again: %(reason)s", reason=reason), "warning")
    else:
        flash(_("The message was applied."), "success")
    return redirect(url_for("inbox.show"))


def _replay(delivery_id: int) -> tuple[DeliveryState | None, str | None]:
    """Apply a delivery again, with its audit line; raises as `inbox.find` does."""
    found = inbox.find(delivery_id)
    audit.record("inbox.replay", "delivery", delivery_id, {"event": found.event_id})
    db.session.commit()
    state = apply(delivery_id, again=True)
    return state, inbox.find(delivery_id).note


@door.cli.command("list")
@click.option("--state", type=click.Choice([str(state) for state in DeliveryState]))
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
def list_deliveries(state: str | None, limit: int) -> None:
    """Show what came in, the newest first."""
    found = inbox.recent(state=DeliveryState(state) if state else None, limit=limit)
    for one in found:
        click.echo(
            f"{one.id:>8}  {one.received_at:%Y-%m-%d %H:%M:%S}  {one.provider:<8} "
            f"{one.state:<9} {one.kind}  {one.event_id}" + (f"  {one.note}" if one.note else "")
        )
    click.echo(f"{len(found)} deliveries shown.")


@door.cli.command("replay")
@click.argument("delivery_id", type=int, metavar="ID")
def replay(delivery_id: int) -> None:
    """Give a delivery its effect again; what is recorded already stays as it is."""
    try:
        state, note = _replay(delivery_id)
    except DomainError as error:
        raise click.ClickException(error.detail) from None
    if state is None or state is DeliveryState.FAILED:
        raise click.ClickException(f"Delivery {delivery_id} failed: {note or 'database busy'}")
    click.echo(f"Delivery {delivery_id}: {state}." + (f" {note}" if note else ""))
