"""The staff's door of segments: the list, one with its live count, and acts on who is in it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import identities, permissions
from ambassadors import bulk, circles, program
from ambassadors import segments as saved
from ambassadors.bulk import Act, Wish
from ambassadors.forms import KINDS
from ambassadors.forms_lists import ACTS, ActForm, SegmentForm, of_segment
from ambassadors.models import Segment
from core import forms
from core.db import db, retried
from core.errors import DomainError
from core.web import row_asked
from rewards import segment_words, segments

PAGE = 50

door = permissions.guard(
    Blueprint("segments_console", __name__, url_prefix="/console"), permissions.STAFF
)


@door.get("/segments")
def everything() -> ResponseReturnValue:
    """Show all segments, each counted now."""
    found = saved.everything()
    rules = [saved.rule_of(one) for one in found]
    counts = saved.counts([segments.condition(rule) for rule in rules])
    return render_template(
        "rewards/console/segments.html",
        segments=list(zip(found, map(segment_words.of_rule, rules), counts, strict=True)),
    )  # fmt: skip


@door.route("/segments/new", methods=["GET", "POST"])
@permissions.allow(permissions.MARKETER)
def create() -> ResponseReturnValue:
    """Save a segment."""
    return _edit(None)


@door.route("/segments/<int:segment_id>/edit", methods=["GET", "POST"])
@permissions.allow(permissions.MARKETER)
def edit(segment_id: int) -> ResponseReturnValue:
    """Change a segment."""
    return _edit(saved.find(segment_id))


@door.get("/segments/<int:segment_id>")
def one(segment_id: int) -> ResponseReturnValue:
    """Show who is in a segment now."""
    segment = saved.find(segment_id)
    rule = saved.rule_of(segment)
    wanted, after = segments.condition(rule), row_asked("after") or 0
    people = saved.people(wanted, after=after, limit=PAGE + 1)
    return render_template(
        "rewards/console/segment.html",
        segment=segment, sentences=segment_words.of_rule(rule), people=people[:PAGE],
        count=saved.count(wanted), kinds=KINDS, after=after,
        next_after=people[PAGE - 1].id if len(people) > PAGE else None,
    )  # fmt: skip


@door.route("/segments/<int:list_id>/act", methods=["GET", "POST"], defaults={"kind": "segments"})
@door.route("/circles/<int:list_id>/act", methods=["GET", "POST"], defaults={"kind": "circles"})
@permissions.allow(permissions.MARKETER)
@retried
def act(kind: str, list_id: int) -> ResponseReturnValue:
    """Show what an act would change, then do it when the same page says so."""
    name, ids = _list(kind, list_id)
    key = request.form.get("key", "")[:64] or secrets.token_hex(16)
    form = ActForm(data={"key": key} if request.method == "GET" else None)
    would = None
    if form.validate_on_submit():
        wish = Wish(act=Act(form.act.data), target=form.target(), list_name=name, key=key)
        try:
            would = bulk.change_count(wish, ids)
            if request.form.get("go"):
                bulk.do(wish, ids, user_id=identities.current().user_id)
                db.session.commit()
                flash(_("Done. You can undo it here."))
                return redirect(url_for("members_console.acts"))
        except DomainError as error:
            db.session.rollback()
            forms.show(form, error)
    page = render_template(
        "rewards/console/act.html", form=form, kind=kind, list_id=list_id, name=name, would=would,
        count=len(ids), words=ACTS, circles=circles.names(), acts=Act, key=key,
    )  # fmt: skip
    return page, 422 if form.errors else 200


def _list(kind: str, list_id: int) -> tuple[str, Sequence[int]]:
    if kind == "circles":
        circle = circles.find(list_id)
        return circle.name, circles.member_ids(circle.id, limit=bulk.LARGEST + 1)
    segment = saved.find(list_id)
    wanted = segments.condition(saved.rule_of(segment))
    found = saved.people(wanted, limit=bulk.LARGEST + 1)
    return segment.name, [member.id for member in found]


def _edit(segment: Segment | None) -> ResponseReturnValue:
    currency = program.current().currency
    known = saved.rule_of(segment) if segment else saved.Rule()
    told = of_segment(segment.name if segment else "", known, currency)
    form = SegmentForm(data=None if request.method == "POST" else told)
    if form.validate_on_submit():
        try:
            rule = form.rule(currency)
            if segment is None:
                segment = saved.create(form.name.data, rule)
            else:
                saved.change(segment, form.name.data, rule)
            segments.refresh(segment)
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            forms.show(form, error)
        else:
            return redirect(url_for(".one", segment_id=segment.id))
    page = render_template(
        "rewards/console/segment-form.html", form=form, segment=segment, currency=currency
    )
    return page, 422 if form.is_submitted() else 200
