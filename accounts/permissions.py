"""Who may pass each door: one policy a route, one function that decides.

A blueprint declares its policy with `guard`; a single view may declare its
own with `allow`.  A route without a policy is refused to everybody, so a
forgotten declaration is a closed door, and `tests/test_house.py` names it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, cast
from urllib.parse import urlsplit

from flask import Blueprint, Flask, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import identities, security
from accounts.identities import Identity
from accounts.models import RoleName, Scope
from core.errors import DomainError
from core.web import wants_json

View = TypeVar("View", bound=Callable[..., object])


class NotSignedInError(DomainError):
    """The door is not open to strangers."""

    status = 401
    code = "unauthorized"


class ForbiddenError(DomainError):
    """We know who this is, and the door is for others."""

    status = 403
    code = "forbidden"


@dataclass(frozen=True, slots=True)
class Policy:
    """Who may pass: anyone, people with one of the roles, keys with one of the scopes."""

    roles: frozenset[RoleName] = frozenset()
    scopes: frozenset[Scope] = frozenset()
    is_public: bool = False


PUBLIC = Policy(is_public=True)
SIGNED_IN = Policy(roles=frozenset(RoleName))
STAFF = Policy(roles=frozenset({RoleName.MARKETER, RoleName.FINANCE, RoleName.ADMIN}))
MARKETER = Policy(roles=frozenset({RoleName.MARKETER, RoleName.ADMIN}))
FINANCE = Policy(roles=frozenset({RoleName.FINANCE, RoleName.ADMIN}))
ADMIN = Policy(roles=frozenset({RoleName.ADMIN}))
AMBASSADOR = Policy(roles=frozenset({RoleName.AMBASSADOR}))


def key_with(*scopes: Scope) -> Policy:
    """Return the policy of an API call: a key with one of these scopes."""
    return Policy(scopes=frozenset(scopes))


def authorize(identity: Identity, policy: Policy) -> bool:
    """Tell whether an identity passes a policy.  Pages and API ask here, nobody else decides."""
    if policy.is_public:
        return True
    return bool(identity.roles & policy.roles or identity.scopes & policy.scopes)


def guard(blueprint: Blueprint, policy: Policy) -> Blueprint:
    """Declare who may pass every route of a blueprint, unless a view says otherwise."""
    blueprint.policy = policy  # type: ignore[attr-defined]
    return blueprint


def allow(policy: Policy) -> Callable[[View], View]:
    """Declare who may pass one view."""

    def declare(view: View) -> View:
        view.policy = policy  # type: ignore[attr-defined]
        return view

    return declare


def fresh(view: View) -> View:
    """Let only those pass who signed in a moment ago; others confirm their password first."""

    @functools.wraps(view)
    def checked(*args: object, **values: object) -> object:
        return view(*args, **values) if security.is_fresh() else ask_to_confirm()

    return cast(View, checked)


def ask_to_confirm() -> ResponseReturnValue:
    """Send a signed-in person to the page that asks for their password once more."""
    back = request.full_path.rstrip("?") if request.method == "GET" else _page_before()
    return redirect(url_for("security.verify", next=back), code=303)


def _page_before() -> str:
    """Return the page of ours that held the form, for a POST cannot be repeated by a redirect."""
    before = urlsplit(request.referrer or "")
    return before.path if before.netloc == request.host else "/"


def policy_of(app: Flask, endpoint: str) -> Policy | None:
    """Return the declared policy of an endpoint, or None."""
    own = getattr(app.view_functions.get(endpoint), "policy", None)
    if own is None and "." in endpoint:
        own = getattr(app.blueprints.get(endpoint.rpartition(".")[0]), "policy", None)
    return own if isinstance(own, Policy) else None


def init_app(app: Flask) -> None:
    """Check every request against its route's policy before the view runs."""
    app.before_request(_check)


def open_static(app: Flask) -> None:
    """Declare that anyone may fetch the static files, ours and Bootstrap's."""
    allow(PUBLIC)(app.view_functions["static"])
    app.blueprints["bootstrap"].policy = PUBLIC  # type: ignore[attr-defined]


def _check() -> ResponseReturnValue | None:
    if request.endpoint is None:  # no such route: Flask answers 404 or 405 by itself
        return None
    policy = policy_of(current_app, request.endpoint)
    if policy is None:
        raise ForbiddenError(_("This address is closed."))
    if policy.is_public:
        return None
    identity = identities.current()
    if authorize(identity, policy):
        return None
    return _refuse(identity, policy)


def _refuse(identity: Identity, policy: Policy) -> ResponseReturnValue:
    if identity.is_known:
        raise ForbiddenError(_("You are signed in, but this is not open to your role or key."))
    if policy.scopes or wants_json():
        raise NotSignedInError(_("Send a valid key: `Authorization: Bearer KEY`."))
    return redirect(url_for("security.login", next=request.full_path.rstrip("?")))
