"""The administrator's door: who may come in, which machines, and what was done."""

from __future__ import annotations

import json

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from accounts import audit, keys, mails, permissions, sessions, users, wording
from accounts.forms import SCOPE_NAMES, InviteForm, KeyForm, RolesForm
from accounts.models import AuditLine, RoleName, Scope, User
from accounts.navigation import ROLE_NAMES
from core import sheets
from core.db import db
from core.errors import ConflictError, DomainError, Fault, InvalidInputError

door = permissions.guard(
    Blueprint("accounts_console", __name__, url_prefix="/console"), permissions.ADMIN
)


@door.get("/users")
def list_users() -> str:
    """Show the staff, or the people of one role."""
    role = _role(request.args.get("role", ""))
    people = users.everyone(role=role)
    return render_template(
        "accounts/console/users.html", people=people, role=role, roles=list(RoleName),
        role_names=ROLE_NAMES, open_sessions=sessions.open_counts([user.id for user in people]),
    )  # fmt: skip


@door.route("/users/new", methods=["GET", "POST"])
@permissions.fresh
def invite() -> ResponseReturnValue:
    """Invite a colleague by mail, and show the link once."""
    form = InviteForm()
    if form.validate_on_submit():
        try:
            user = users.create(
                form.email.data, roles=set(map(RoleName, form.roles.data)),
                name=form.name.data or "", locale=form.locale.data or None,
            )  # fmt: skip
        except (InvalidInputError, ConflictError) as error:
            form.email.errors = [error.detail]
        else:
            link = mails.invitation(user)
            db.session.commit()
            return render_template("accounts/console/invited.html", user=user, link=link)
    page = render_template("accounts/console/invite.html", form=form)
    return page, 200 if request.method == "GET" else 422


@door.get("/users/<int:user_id>")
def show_user(user_id: int) -> str:
    """Show one person, with what the audit log says of them."""
    return _user_page(users.load(user_id), None)


@door.post("/users/<int:user_id>/roles")
@permissions.fresh
def set_roles(user_id: int) -> ResponseReturnValue:
    """Give a person other roles; their sessions end."""
    user = users.load(user_id)
    form = RolesForm()
    if not form.validate_on_submit():
        return _user_page(user, form), 422
    try:
        users.set_roles(user, set(map(RoleName, form.roles.data)))
    except DomainError as error:
        db.session.rollback()
        form.roles.errors = [error.detail]
        return _user_page(users.load(user_id), form), error.status
    db.session.commit()
    flash(_("The roles are changed, and %(name)s is signed out.", name=_name(user)))
    return _back(user)


@door.post("/users/<int:user_id>/suspend")
@permissions.fresh
def suspend(user_id: int) -> ResponseReturnValue:
    """Keep a person out."""
    user = users.load(user_id)
    if user.id == current_user.id:
        raise ConflictError(_("Ask another administrator to suspend you."))
    users.suspend(user)
    db.session.commit()
    flash(_("%(name)s is suspended and signed out.", name=_name(user)))
    return _back(user)


@door.post("/users/<int:user_id>/restore")
@permissions.fresh
def restore(user_id: int) -> ResponseReturnValue:
    """Let a suspended person in again."""
    user = users.load(user_id)
    users.restore(user)
    db.session.commit()
    flash(_("%(name)s may sign in again.", name=_name(user)))
    return _back(user)


@door.post("/users/<int:user_id>/end-sessions")
def end_sessions(user_id: int) -> ResponseReturnValue:
    """Sign a person out everywhere."""
    user = users.load(user_id)
    users.end_sessions(user)
    db.session.commit()
    flash(_("%(name)s is signed out everywhere.", name=_name(user)))
    return _back(user)


@door.get("/keys")
def list_keys() -> str:
    """Show the API keys."""
    return render_template("accounts/console/keys.html", keys=keys.every(), scope_names=SCOPE_NAMES)


@door.route("/keys/new", methods=["GET", "POST"])
@permissions.fresh
def create_key() -> ResponseReturnValue:
    """Make a key, and show it this once."""
    form = KeyForm()
    if form.validate_on_submit():
        try:
            secret = keys.create(form.name.data, frozenset(map(Scope, form.scopes.data)))
        except InvalidInputError as error:
            form.name.errors = [error.detail]
        else:
            db.session.commit()
            name = form.name.data.strip()
            return render_template("accounts/console/key-made.html", secret=secret, name=name)
    page = render_template("accounts/console/key-new.html", form=form, scope_names=SCOPE_NAMES)
    return page, 200 if request.method == "GET" else 422


@door.post("/keys/<int:key_id>/revoke")
@permissions.fresh
def revoke_key(key_id: int) -> ResponseReturnValue:
    """End a key at once."""
    keys.revoke(key_id)
    db.session.commit()
    flash(_("The key is revoked. Whoever still uses it is refused."))
    return redirect(url_for("accounts_console.list_keys"), code=303)


@door.get("/audit")
def show_audit() -> str:
    """Show what was done, newest first."""
    wanted = _filter()
    found = audit.page(wanted, before=_before(), limit=audit.PAGE + 1)
    shown = found[: audit.PAGE]
    return render_template(
        "accounts/console/audit.html", lines=shown, wanted=wanted, acts=audit.acts(),
        names=users.actor_names(line.actor for line in shown),
        next_before=shown[-1].id if len(found) > audit.PAGE else None,
        is_filtered=wanted != audit.Filter(), facts=_facts, act_words=wording.act,
        object_words=wording.object_kind,
    )  # fmt: skip


@door.post("/audit.csv")
def export_audit() -> Response:
    """Save the lines of the present filter as CSV; the export itself is a line."""
    wanted = _filter()
    heads = [
        _("Time"), _("Who"), _("Act"), _("Kind"), _("Id"), _("Details"), _("Request"),
    ]  # fmt: skip
    rows = [_cells(line) for line in audit.every(wanted)]
    audit.record("audit.export", "audit", "lines", {"lines": len(rows)})
    db.session.commit()
    return sheets.download("audit.csv", heads, rows)


def _role(text: str) -> RoleName | None:
    return RoleName(text) if text in set(RoleName) else None


def _user_page(user: User, form: RolesForm | None) -> str:
    return render_template(
        "accounts/console/user.html", user=user, form=form or RolesForm(data={
            "roles": sorted(users.roles_of(user)),
        }),
        lines=audit.page(audit.Filter(object_kind="user", object_id=str(user.id)), limit=20),
        open_sessions=sessions.open_counts([user.id]).get(user.id, 0), role_names=ROLE_NAMES,
        is_me=user.id == current_user.id, facts=_facts, act_words=wording.act,
    )  # fmt: skip


def _back(user: User) -> ResponseReturnValue:
    return redirect(url_for("accounts_console.show_user", user_id=user.id), code=303)


def _name(user: User) -> str:
    return user.name or user.email


def _filter() -> audit.Filter:
    said = {name: request.values.get(name, "").strip()[:100] for name in audit.Filter.__slots__}
    return audit.Filter(**said)


def _before() -> int | None:
    text = request.args.get("before", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        said = _("This is not a line of the audit log.")
        raise InvalidInputError(said, faults=[Fault("/before", said)])
    return int(text)


def _facts(line: AuditLine) -> str:
    return ", ".join(f"{name}: {_words(value)}" for name, value in line.details.items())


def _words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_words(inner)}" for name, inner in value.items()) or "–"
    if isinstance(value, list):
        return " ".join(map(_words, value)) or "–"
    if value is None:
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _cells(line: AuditLine) -> list[object]:
    return [
        line.occurred_at.isoformat(), line.actor, line.act, line.object_kind, line.object_id,
        json.dumps(line.details, ensure_ascii=False), line.request_id or "",
    ]  # fmt: skip
