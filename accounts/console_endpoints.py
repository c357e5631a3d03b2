"""The administrator's door to outgoing webhooks: which programs are told what happens."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import endpoints, permissions
from accounts.forms_endpoints import EVENT_NAMES, EndpointForm
from accounts.models_endpoints import Endpoint
from core import forms
from core.db import db
from core.errors import DomainError

door = permissions.guard(
    Blueprint("endpoints", __name__, url_prefix="/console/endpoints"), permissions.ADMIN
)


@door.get("")
def list_endpoints() -> str:
    """Show the addresses that are told what happens."""
    return render_template(
        "accounts/console_endpoints/list.html", endpoints=endpoints.every(), names=EVENT_NAMES
    )


@door.route("/new", methods=["GET", "POST"])
@permissions.fresh
def create() -> ResponseReturnValue:
    """Add an address, and show its secret this once."""
    form = EndpointForm()
    if form.validate_on_submit():
        try:
            endpoint, secret = endpoints.create(form.url.data, form.events.data)
        except DomainError as error:
            db.session.rollback()
            forms.show(form, error)
        else:
            db.session.commit()
            return _secret(endpoint, secret)
    page = render_template("accounts/console_endpoints/form.html", form=form, endpoint=None)
    return page, 200 if request.method == "GET" else 422


@door.get("/<int:endpoint_id>")
def show(endpoint_id: int) -> str:
    """Show an address with what it was told."""
    endpoint = endpoints.load(endpoint_id)
    return render_template(
        "accounts/console_endpoints/one.html", endpoint=endpoint, names=EVENT_NAMES,
        log=endpoints.log(endpoint_id), overlap=endpoints.secrets_of(endpoint)[1:],
    )  # fmt: skip


@door.route("/<int:endpoint_id>/edit", methods=["GET", "POST"])
@permissions.fresh
def change(endpoint_id: int) -> ResponseReturnValue:
    """Change the address or its events."""
    endpoint = endpoints.load(endpoint_id)
    form = EndpointForm(obj=endpoint)
    if form.validate_on_submit():
        try:
            endpoints.change(endpoint, form.url.data, form.events.data)
        except DomainError as error:
            db.session.rollback()
            forms.show(form, error)
        else:
            db.session.commit()
            flash(_("The address is changed."))
            return _back(endpoint_id)
    page = render_template("accounts/console_endpoints/form.html", form=form, endpoint=endpoint)
    return page, 200 if request.method == "GET" else 422


@door.post("/<int:endpoint_id>/rotate")
@permissions.fresh
def rotate(endpoint_id: int) -> ResponseReturnValue:
    """Make a new secret, and show it this once."""
    endpoint = endpoints.load(endpoint_id)
    secret = endpoints.rotate(endpoint)
    db.session.commit()
    return _secret(endpoint, secret)


@door.post("/<int:endpoint_id>/pause")
def pause(endpoint_id: int) -> ResponseReturnValue:
    """Let what happens wait."""
    endpoints.pause(endpoints.load(endpoint_id))
    db.session.commit()
    flash(_("Nothing is sent to this address until you resume it. What happens meanwhile waits."))
    return _back(endpoint_id)


@door.post("/<int:endpoint_id>/resume")
def resume(endpoint_id: int) -> ResponseReturnValue:
    """Send again."""
    endpoints.resume(endpoints.load(endpoint_id))
    db.session.commit()
    flash(_("What waits is on its way to this address."))
    return _back(endpoint_id)


@door.post("/<int:endpoint_id>/test")
def send_test(endpoint_id: int) -> ResponseReturnValue:
    """Send a message that says nothing."""
    endpoints.send_test(endpoints.load(endpoint_id))
    db.session.commit()
    flash(_("A test is on its way; reload this page in a few seconds."))
    return _back(endpoint_id)


@door.post("/<int:endpoint_id>/messages/<int:message_id>")
def send_again(endpoint_id: int, message_id: int) -> ResponseReturnValue:
    """Send one message again."""
    endpoints.send_again(endpoints.load(endpoint_id), message_id)
    db.session.commit()
    flash(_("The message is on its way again."))
    return _back(endpoint_id)


@door.post("/<int:endpoint_id>/delete")
@permissions.fresh
def delete(endpoint_id: int) -> ResponseReturnValue:
    """Forget an address."""
    endpoints.delete(endpoints.load(endpoint_id))
    db.session.commit()
    flash(_("The address is deleted, with what it was told."))
    return redirect(url_for("endpoints.list_endpoints"), code=303)


def _secret(endpoint: Endpoint, secret: str) -> str:
    return render_template(
        "accounts/console_endpoints/secret.html", endpoint=endpoint, secret=secret
    )


def _back(endpoint_id: int) -> ResponseReturnValue:
    return redirect(url_for("endpoints.show", endpoint_id=endpoint_id), code=303)
