"""Saved views: a name for the address of a report page, for oneself or for all staff."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import RoleName
from core.db import db
from reports.models_kept import SavedView
from tests.factories import make_user, sign_in

PAGE = "/console/reports/cac"
VIEWS = "/console/reports/views"
GOOD = {"name": "Spring by channel", "path": PAGE, "query": "from=2026-01&to=2026-03&lang=fr"}


@pytest.fixture
def signed(client: FlaskClient) -> FlaskClient:
    sign_in(client, make_user(RoleName.FINANCE))
    return client


def _one() -> tuple[int, str, str, bool]:
    (view,) = db.session.scalars(sa.select(SavedView))
    found = (view.id, view.name, view.query, view.is_shared)
    db.session.rollback()
    return found


def test_a_view_is_kept_renamed_and_deleted(signed: FlaskClient) -> None:
    answer = signed.post(VIEWS, data=GOOD)
    assert answer.location == f"{PAGE}?from=2026-01&to=2026-03"
    number, name, query, shared = _one()
    assert (name, query, shared) == ("Spring by channel", "from=2026-01&to=2026-03", False)
    signed.post(VIEWS, data=GOOD | {"path": "/console/reports/ltv"})  # the name is taken
    _one()
    for page in ("cac", "acquisition", "codes", "cohorts", "ltv", "direction"):
        assert "Spring by channel" in signed.get(f"/console/reports/{page}").text
    assert signed.post(f"{VIEWS}/{number}/rename", data={"name": "Q1"}).status_code == 303
    assert _one()[1] == "Q1"
    assert signed.post(f"{VIEWS}/{number}/rename", data={"name": " "}).status_code == 422
    assert signed.post(f"{VIEWS}/{number}/delete").status_code == 303
    assert signed.post(f"{VIEWS}/{number}/delete").status_code == 404


@pytest.mark.parametrize(
    "path", ["https://evil.example/", "//evil.example", "/console/users", "/console/reports/a/b",
             "/console/reports/cac\n", ""]
)  # fmt: skip
def test_a_view_never_leads_elsewhere(signed: FlaskClient, path: str) -> None:
    answer = signed.post(VIEWS, data=GOOD | {"path": path})
    assert answer.location == PAGE
    assert db.session.scalars(sa.select(SavedView)).all() == []


def test_a_view_is_its_owners_unless_shared(app: Flask, signed: FlaskClient) -> None:
    signed.post(VIEWS, data=GOOD)
    signed.post(VIEWS, data=GOOD | {"name": "For us", "shared": "1"})
    ids = {view.name: view.id for view in db.session.scalars(sa.select(SavedView))}
    other = app.test_client()
    sign_in(other, make_user(RoleName.MARKETER))
    page = other.get(f"{PAGE}?lang=en").text
    assert "For us" in page
    assert "Spring by channel" not in page
    assert other.post(f"{VIEWS}/{ids['Spring by channel']}/delete").status_code == 404
    assert other.post(f"{VIEWS}/{ids['For us']}/delete").status_code == 409
    admin = app.test_client()
    sign_in(admin, make_user(RoleName.ADMIN))
    assert admin.post(f"{VIEWS}/{ids['For us']}/delete").status_code == 303
