"""Every door asks who comes: the whole URL map is walked as everybody.

What a route's policy says must be what the route does, and the floor below
(no page of the console for an ambassador, nothing of the API for a stranger)
holds whatever a policy says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.routing.converters import AnyConverter, NumberConverter
from werkzeug.test import TestResponse

from accounts import identities, keys, permissions, users
from accounts.identities import Identity
from accounts.models import RoleName, Scope, User
from core import clock
from core.db import db
from referrals.models import Link
from rewards import intake
from tests.factories import (
    make_ambassador,
    make_code,
    make_key,
    make_user,
    must,
    purchase_fact,
    sign_in,
)

OPEN_API = {"/api/v1/openapi.json", "/api/docs"}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Visitor:
    """Somebody at the door: what they carry, and who the authorization takes them for."""

    name: str
    identity: Identity
    user: User | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def knock(self, app: Flask, method: str, path: str) -> TestResponse:
        """Make a request in a browser of its own, for some requests sign out."""
        client: FlaskClient = app.test_client()
        if self.user is not None:
            sign_in(client, self.user)
        return client.open(path, method=method, headers=self.headers, buffered=True)


# Who may pass does not depend on the database, so one is enough.
on_one_database = pytest.mark.parametrize("app", ["sqlite"], indirect=True)


def visitors() -> list[Visitor]:
    """Return everybody: a stranger, each role, somebody suspended, each scope, a dead key."""
    found = [
        Visitor("anonymous", identities.ANONYMOUS),
        Visitor("another cookie", identities.ANONYMOUS, headers={"Cookie": "cercle=eyJhIjoxfQ.x"}),
        Visitor("nonsense key", identities.ANONYMOUS, headers={"Authorization": "Bearer ck_no"}),
    ]
    for role in RoleName:
        user = make_user(role)
        known = Identity(f"user:{user.id}", user_id=user.id, roles=frozenset({role}))
        found.append(Visitor(role.value, known, user))
    suspended = make_user("admin")
    make_user("admin")
    users.suspend(suspended)
    found.append(Visitor("suspended", identities.ANONYMOUS, suspended))
    for scope in Scope:
        known = Identity("key", key_id=1, scopes=frozenset({scope}))
        found.append(Visitor(f"key {scope}", known, headers=make_key(scope)))
    revoked = make_key(*Scope)
    keys.revoke(must(keys.find(revoked["Authorization"].removeprefix("Bearer "))).id)
    found.append(Visitor("revoked key", identities.ANONYMOUS, headers=revoked))
    db.session.commit()
    return found


def doors(app: Flask) -> Iterator[tuple[str, str, str]]:
    """Return the method, a sample path and the endpoint of every route."""
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        path = adapter.build(rule.endpoint, _sample(rule), force_external=False)
        for method in METHODS:
            if method in (rule.methods or ()):
                yield method, path.partition("?")[0], rule.endpoint


def _sample(rule: Rule) -> dict[str, object]:
    """Return arguments that fit the route, and that nothing answers to."""
    return {name: _argument(converter) for name, converter in rule._converters.items()}


def _argument(converter: object) -> object:
    if isinstance(converter, AnyConverter):
        return min(converter.items)
    return 999_999 if isinstance(converter, NumberConverter) else "nothing-there"


def is_refused(answer: TestResponse) -> bool:
    return answer.status_code in {401, 403} or "/sign-in" in (answer.location or "")


@on_one_database
def test_every_route_has_a_policy(app: Flask) -> None:
    without = {
        endpoint for _m, _p, endpoint in doors(app)
        if permissions.policy_of(app, endpoint) is None
    }  # fmt: skip
    assert not without


@on_one_database
def test_a_route_without_a_policy_is_closed_to_everybody(app: Flask) -> None:
    assert permissions.policy_of(app, "nowhere.at_all") is None
    with app.test_request_context("/console"):
        request.url_rule = Rule("/console", endpoint="nowhere.at_all")
        with pytest.raises(permissions.ForbiddenError):
            permissions._check()


@on_one_database
def test_every_route_answers_everybody_as_its_policy_says(app: Flask) -> None:
    wrong: list[str] = []
    for visitor in visitors():
        for method, path, endpoint in doors(app):
            policy = permissions.policy_of(app, endpoint)
            may = policy is not None and permissions.authorize(visitor.identity, policy)
            answer = visitor.knock(app, method, path)
            told = f"{visitor.name}: {method} {path} gave {answer.status_code}"
            if answer.status_code >= 500 and answer.status_code != 503:
                wrong.append(told)
            elif may and is_refused(answer) and not _asks_for_more(path, policy):
                wrong.append(f"{told}, but may pass")
            elif not may and not is_refused(answer):
                wrong.append(f"{told}, but may not pass")
            elif not may and visitor.identity.is_known and answer.status_code != 403:
                wrong.append(f"{told} instead of 403")
    assert not wrong, "\n".join(wrong)


def _asks_for_more(path: str, policy: permissions.Policy | None) -> bool:
    """Tell whether a public door leads to sign-in or refuses for reasons of its own."""
    is_public = policy is not None and policy.is_public
    return is_public and (path.startswith("/webhooks/") or path in {"/", "/sign-out"})


FLOOR: dict[str, Callable[[Identity], bool]] = {
    "/console/users": lambda who: RoleName.ADMIN in who.roles,
    "/console/keys": lambda who: RoleName.ADMIN in who.roles,
    "/console/audit": lambda who: RoleName.ADMIN in who.roles,
    "/console": lambda who: bool(who.roles - {RoleName.AMBASSADOR}),
    "/portal": lambda who: bool(who.roles),
    "/account": lambda who: bool(who.roles),
    "/api/v1": lambda who: who.is_known,
}


@on_one_database
def test_no_policy_opens_more_than_the_floor_allows(app: Flask) -> None:
    open_doors = []
    for visitor in visitors():
        for method, path, endpoint in doors(app):
            prefix = next((start for start in FLOOR if path.startswith(start)), None)
            if prefix is None or path in OPEN_API or FLOOR[prefix](visitor.identity):
                continue
            policy = permissions.policy_of(app, endpoint)
            if policy is None or permissions.authorize(visitor.identity, policy):
                open_doors.append(f"{visitor.name}: {method} {path}")
    assert not open_doors, "\n".join(open_doors)


@on_one_database
def test_no_form_is_taken_without_the_token_of_its_session(app: Flask) -> None:
    users_of = [make_user(role) for role in (RoleName.ADMIN, RoleName.AMBASSADOR)]
    db.session.commit()
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        taken = [
            f"{method} {path} gave {answer.status_code}"
            for user in users_of
            for method, path, endpoint in doors(app)
            if method != "GET" and _needs_token(app, endpoint, user)
            and (answer := Visitor("x", identities.ANONYMOUS, user).knock(app, method, path))
            .status_code != 400
        ]  # fmt: skip
    finally:
        app.config["WTF_CSRF_ENABLED"] = False
    assert not taken, "\n".join(taken)


def _needs_token(app: Flask, endpoint: str, user: User) -> bool:
    """Tell whether a route is for people, and for this one: a key or a signature is no cookie."""
    policy = permissions.policy_of(app, endpoint)
    assert policy is not None
    known = Identity("person", user_id=user.id, roles=frozenset({user_role(user)}))
    return not endpoint.startswith(
        ("webhooks.", "unsubscribe.", "heard.")
    ) and permissions.authorize(known, policy)


def user_role(user: User) -> RoleName:
    (role,) = users.roles_of(user)
    return role


@on_one_database
def test_somebody_elses_things_answer_as_those_that_do_not_exist(
    app: Flask, client: FlaskClient
) -> None:
    mine, theirs = (_ambassador_with_things(name) for name in ("mine", "theirs"))
    sign_in(client, mine)
    assert client.get("/portal/qr/mine.svg").status_code == 200
    other, none = client.get("/portal/qr/theirs.svg"), client.get("/portal/qr/nobody.svg")
    assert other.status_code == none.status_code == 404
    request_ids = [one.headers["X-Request-Id"] for one in (other, none)]
    pages = [one.get_data(as_text=True) for one in (other, none)]
    assert _plain(pages[0], request_ids[0]) == _plain(pages[1], request_ids[1])
    for _method, path, endpoint in doors(app):
        if endpoint.startswith("rewards_portal.") and "nothing-there" not in path:
            page = client.get(path).get_data(as_text=True)
            assert "THEIRS" not in page, path
            assert "order-theirs" not in page, path
    home = client.get("/portal/").get_data(as_text=True)
    assert "MINE" in home
    assert theirs.id != mine.id


def _plain(page: str, request_id: str) -> str:
    """Return a page without what differs from request to request."""
    return re.sub(r'nonce="[^"]+"|nobody|theirs', "", page.replace(request_id, ""))


def _ambassador_with_things(name: str) -> User:
    """Return an ambassador with a code, a link and a purchase that carry their name."""
    user = make_user(RoleName.AMBASSADOR)
    owner = make_ambassador(user_id=user.id)
    code = make_code(name.upper() + "10", ambassador_id=owner.id)
    db.session.add(
        Link(slug=name, campaign_id=code.campaign_id, ambassador_id=owner.id,
             destination="https://shop.example/", created_at=clock.now())
    )  # fmt: skip
    fact = purchase_fact(external_id=f"order-{name}", codes=(code.text,))
    (outcome,) = intake.take_purchases([fact])
    assert outcome.problem is None
    db.session.commit()
    return user
