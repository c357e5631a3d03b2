"""Saved views: the present address of a report page under a name, for oneself or for all staff.

Only an address of our own report pages is kept, taken apart and put together again, so a
view never leads elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit, identities
from accounts.models import RoleName
from core import clock
from core.db import db, upsert_dialect
from core.errors import ConflictError, InvalidInputError, NotFoundError
from reports.models_kept import SavedView

LONGEST_NAME = 80
LONGEST_QUERY = 2000
MOST = 100  # views of one person
_PATH = re.compile(r"/console/reports/[a-z]{2,30}")
_NOT_KEPT = frozenset({"lang", "after", "csrf_token"})


@dataclass(frozen=True, slots=True)
class View:
    """A view as somebody sees it."""

    id: int
    name: str
    url: str
    is_shared: bool
    may_change: bool


def listed() -> list[View]:
    """Return the caller's views and those of all staff, by name."""
    user_id = identities.current().user_id
    query = (
        sa.select(SavedView)
        .where(sa.or_(SavedView.user_id == user_id, SavedView.is_shared.is_(True)))
        .order_by(sa.func.lower(SavedView.name), SavedView.id)
    )
    return [
        View(one.id, one.name, address(one.path, one.query), one.is_shared, _may_change(one))
        for one in db.session.scalars(query)
    ]


def save(name: str, *, path: str, query: str, is_shared: bool) -> None:
    """Keep an address of a report page for the caller.

    Raises:
        InvalidInputError: No name, or no address of a report page.
        ConflictError: The caller has a view of this name.
    """
    words, kept = _named(name), _kept(query)
    checked(path, query)
    user_id = identities.current().user_id
    mine = sa.select(sa.func.count()).where(SavedView.user_id == user_id)
    if db.session.scalars(mine).one() >= MOST:
        raise InvalidInputError(_("You have %(n)s views; delete one first.", n=MOST))
    row = {
        "user_id": user_id, "name": words, "path": path, "query": kept,
        "is_shared": is_shared, "created_at": clock.now(),
    }  # fmt: skip
    new = upsert_dialect().insert(SavedView).values(row)
    found = db.session.scalar(new.on_conflict_do_nothing().returning(SavedView.id))
    if found is None:
        raise ConflictError(_("You have a view of this name; choose another."))
    audit.record("view.save", "view", found, {"name": words, "shared": is_shared})


def rename(view_id: int, name: str) -> str:
    """Give a view another name; return its address.

    Raises:
        InvalidInputError: No name.
        NotFoundError: There is no such view for the caller.
        ConflictError: It is somebody else's, or its owner has a view of this name.
    """
    view, words = _own(view_id), _named(name)
    taken = sa.select(SavedView.id).where(
        SavedView.user_id == view.user_id, SavedView.name == words, SavedView.id != view.id
    )
    if db.session.scalar(taken) is not None:
        raise ConflictError(_("You have a view of this name; choose another."))
    view.name = words
    db.session.flush()
    audit.record("view.rename", "view", view.id, {"name": words})
    return address(view.path, view.query)


def delete(view_id: int) -> str:
    """Delete a view; return the address it had.

    Raises:
        NotFoundError: There is no such view for the caller.
        ConflictError: It is somebody else's.
    """
    view = _own(view_id)
    url = address(view.path, view.query)
    audit.record("view.delete", "view", view.id, {"name": view.name})
    db.session.delete(view)
    db.session.flush()
    return url


def address(path: str, query: str) -> str:
    """Return the address of a view."""
    return f"{path}?{query}" if query else path


def checked(path: str, query: str) -> str:
    """Return an address of a report page as it would be kept.

    Raises:
        InvalidInputError: It is none, or too long.
    """
    if not _PATH.fullmatch(path):
        raise InvalidInputError(_("Only a page of the reports can be saved."))
    return address(path, _kept(query))


def _own(view_id: int) -> SavedView:
    view = db.session.get(SavedView, view_id) if 0 < view_id < 2**63 else None
    caller = identities.current()
    if view is None or not (view.is_shared or view.user_id == caller.user_id):
        raise NotFoundError(_("There is no such view."))
    if not _may_change(view):
        raise ConflictError(_("This view belongs to somebody else."))
    return view


def _may_change(view: SavedView) -> bool:
    caller = identities.current()
    return view.user_id == caller.user_id or RoleName.ADMIN in caller.roles


def _named(name: str) -> str:
    words = " ".join(name.replace("\0", " ").split())
    if not 0 < len(words) <= LONGEST_NAME:
        raise InvalidInputError(_("Give a name of at most %(n)s characters.", n=LONGEST_NAME))
    return words


def _kept(query: str) -> str:
    try:
        pairs = parse_qsl(query, max_num_fields=30)
    except ValueError:
        pairs = []
    kept = urlencode([(name, value) for name, value in pairs if name not in _NOT_KEPT])
    if len(kept) > LONGEST_QUERY:
        raise InvalidInputError(_("This address is too long to be saved."))
    return kept
