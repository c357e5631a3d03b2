"""The staff's door of messages: written, looked at as one person sees it, tried, sent, followed."""

from __future__ import annotations

import secrets
from typing import NamedTuple

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_security import current_user

from accounts import permissions
from ambassadors import audiences, circles, guard, holdout_size, members, segments
from ambassadors.audiences import Audience
from ambassadors.forms import KINDS
from ambassadors.models import Member
from campaigns import mailing, message_holdouts, messages
from campaigns.forms_messages import MessageForm, SizeForm, of_message
from campaigns.mailing import Letter
from campaigns.models import Message, MessageReader, MessageStatus
from campaigns.models_holdouts import MessageHoldout
from core import clock, countries, forms, i18n, outbox
from core.db import db
from core.errors import DomainError
from core.money import BASIS_POINTS
from core.web import row_asked
from integrations import mail

PAGE = 50
STATUSES = {
    MessageStatus.DRAFT: (_l("draft"), "plain"),
    MessageStatus.SENDING: (_l("on its way"), "pending"),
    MessageStatus.SENT: (_l("sent"), "good"),
}


class Size(NamedTuple):
    """What a lot would tell of a draft."""

    form: SizeForm
    withheld: int  # about so many people
    needed: int | None  # people in all; None where what was asked for cannot be
    shown: int | None  # the smallest rise that shows with too few people, basis points


door = permissions.guard(
    Blueprint("messages_console", __name__, url_prefix="/console/messages"), permissions.STAFF
)


@door.get("")
def everything() -> ResponseReturnValue:
    """Show messages, the newest first."""
    before = row_asked("before")
    found = messages.newest(before=before, limit=PAGE + 1)
    counts = messages.counts([one.id for one in found])
    return render_template(
        "campaigns/console/messages.html",
        rows=[(one, counts[one.id]) for one in found[:PAGE]],
        next_before=found[PAGE - 1].id if len(found) > PAGE else None,
        before=before, statuses=STATUSES,
    )  # fmt: skip


@door.route("/new", methods=["GET", "POST"])
@permissions.allow(permissions.MARKETER)
def create() -> ResponseReturnValue:
    """Write a message."""
    return _edit(None)


@door.route("/<int:message_id>/edit", methods=["GET", "POST"])
@permissions.allow(permissions.MARKETER)
def edit(message_id: int) -> ResponseReturnValue:
    """Change a message that is not sent yet; one that is sent is shown."""
    message = messages.find(message_id)
    if request.method == "GET" and message.status is not MessageStatus.DRAFT:
        return redirect(url_for(".one", message_id=message.id))
    return _edit(message)


@door.get("/<int:message_id>")
def one(message_id: int) -> ResponseReturnValue:
    """Show a draft as one person would see it and whom it reaches; else what became of it."""
    message = messages.find(message_id)
    audience = audiences.read(message.audience)
    if message.status is MessageStatus.DRAFT:
        return _draft_page(message, audience)
    after = row_asked("after") or 0
    rows = messages.readers(message.id, after=after, limit=PAGE + 1)
    return render_template(
        "campaigns/console/message.html",
        message=message, sentences=_sentences(audience),
        counts=messages.counts([message.id])[message.id],
        rows=[(reader, member, state(reader)) for reader, member in rows[:PAGE]],
        next_after=rows[PAGE - 1][0].id if len(rows) > PAGE else None, after=after,
        reasons=guard.WORDS, statuses=STATUSES, opens_at=guard.quiet_until(clock.now()),
        lot=message_holdouts.of(message.id),
    )  # fmt: skip


@door.post("/<int:message_id>/try")
@permissions.allow(permissions.MARKETER)
def try_out(message_id: int) -> ResponseReturnValue:
    """Mail a draft to oneself, in both languages."""
    message = messages.find(message_id)
    sample = _sample(audiences.read(message.audience))
    key = f"message-try:{message.id}:{request.form.get('key', '')[:64]}"
    for letter in _letters(message, sample) if sample else ():
        told = {"to": current_user.email, "text": letter.text, "html": letter.html}
        subject = _("Try: %(subject)s", subject=letter.subject)
        outbox.enqueue(mail.KIND, {**told, "subject": subject}, key=f"{key}:{letter.language}")
    db.session.commit()
    flash(_("Two test mails are on their way to %(address)s.", address=current_user.email))
    return redirect(url_for(".one", message_id=message_id))


@door.post("/<int:message_id>/send")
@permissions.allow(permissions.MARKETER)
def send(message_id: int) -> ResponseReturnValue:
    """Send a message to its audience."""
    messages.start(messages.find(message_id))
    db.session.commit()
    flash(_("The message is on its way."))
    return redirect(url_for(".one", message_id=message_id))


def state(reader: MessageReader) -> tuple[str, str]:
    """Return the furthest state of a mail in words, and its look."""
    ladder = (
        (reader.reported_at, _("reported as spam"), "alert-now"),
        (reader.unsubscribed_at, _("unsubscribed"), "clawed"),
        (reader.bounced_at, _("came back"), "alert-now"),
        (reader.opened_at, _("opened"), "paid"),
        (reader.delivered_at, _("delivered"), "good"),
        (reader.sent_at, _("sent"), "payable"),
    )
    if reader.spared:
        return _("spared"), "plain"
    return next(((word, look) for at, word, look in ladder if at), (_("waiting"), "pending"))


def _draft_page(message: Message, audience: Audience) -> ResponseReturnValue:
    weighed = messages.preview(audience)
    sample = _sample(audience)
    spared = {reason: count for reason, count in weighed.items() if reason}
    lot, reached = message_holdouts.of(message.id), weighed.get(None, 0)
    return render_template(
        "campaigns/console/message-draft.html",
        message=message, sentences=_sentences(audience), reached=reached, lot=lot,
        spared=spared, spared_count=sum(spared.values()), reasons=guard.WORDS, sample=sample,
        letters=_letters(message, sample) if sample else [],
        opens_at=guard.quiet_until(clock.now()), key=secrets.token_hex(16),
        size=_size(lot, reached) if lot else None,
    )  # fmt: skip


def _size(lot: MessageHoldout, reached: int) -> Size:
    """Weigh how many people are reached against how many the difference asked for takes."""
    form = SizeForm(request.args if "base" in request.args else None)
    share = lot.withheld_share
    out = round(reached * share / BASIS_POINTS)
    try:
        base, needed = form.size(share)
    except DomainError as error:
        forms.show(form, error)
        return Size(form, out, None, None)
    shown = holdout_size.smallest(base, reached, share) if reached < needed else None
    return Size(form, out, needed, shown)


def _letters(message: Message, sample: Member) -> list[Letter]:
    order = sorted(i18n.LANGUAGES, key=lambda language: language != sample.locale)
    return [mailing.letter(message, sample, language=language) for language in order]


def _sample(audience: Audience) -> Member | None:
    """Return a real person of the audience to look through: who is asked for, else the first."""
    asked = row_asked("as")
    wanted = audiences.member_ids(audience, after=(asked or 1) - 1, limit=1)
    wanted = wanted or audiences.member_ids(audience, limit=1)
    return members.get(wanted[0]) if wanted else None


def _sentences(audience: Audience) -> list[str]:
    """Return whom an audience means, in words."""
    found = []
    if audience.kinds:
        found.append(", ".join(str(KINDS[kind]) for kind in audience.kinds))
    if audience.countries:
        found.append(", ".join(countries.name(code) for code in audience.countries))
    if audience.languages:
        spoken = {"fr": "français", "en": "English"}
        found.append(", ".join(spoken[one] for one in audience.languages))
    lists = [circles.names().get(one, "–") for one in audience.circle_ids]
    lists += [segments.names().get(one, "–") for one in audience.segment_ids]
    if lists:
        found.append(_("in: %(lists)s", lists=", ".join(lists)))
    count = audiences.count(audience)
    people = ngettext("%(count)s person", "%(count)s people", count, count=i18n.number(count))
    return [*(found or [_("Everybody")]), people]


def _edit(message: Message | None) -> ResponseReturnValue:
    told = of_message(message) if message and request.method == "GET" else None
    form = MessageForm(data=told)
    if form.validate_on_submit():
        try:
            if message is None:
                message = messages.create(form.draft())
            else:
                messages.change(message, form.draft())
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            forms.show(form, error)
        else:
            return redirect(url_for(".one", message_id=message.id))
    variables = [f"{{{name}}}" for name in messages.VARIABLES]
    page = render_template(
        "campaigns/console/message-form.html", form=form, message=message, variables=variables
    )
    return page, 422 if form.is_submitted() else 200
