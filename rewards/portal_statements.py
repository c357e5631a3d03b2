"""The ambassadors' door of statements: my money month by month, to read, print and take along."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from accounts import permissions
from core import sheets
from rewards import statements
from rewards import wording_statements as words
from rewards.portal import me

door = permissions.guard(
    Blueprint("portal_statements", __name__, url_prefix="/portal/statements"),
    permissions.AMBASSADOR,
)


@door.get("")
def everything() -> ResponseReturnValue:
    """List the months of my statements."""
    return render_template(
        "rewards/portal_statements/list.html", months=statements.months(me().id)
    )  # fmt: skip


@door.get("/now")
def now() -> ResponseReturnValue:
    """Lead to the statement that closes with what I have now."""
    found = statements.months(me().id)
    if not found:
        return redirect(url_for(".everything"))
    currency = request.args.get("currency", "")[:3]
    return redirect(url_for(".one", month=found[0], _anchor=f"in-{currency}"))


@door.get("/<month>")
def one(month: str) -> ResponseReturnValue:
    """Show my statement of a month."""
    ambassador = me()
    found = statements.of_month(ambassador.id, month)
    return render_template(
        "rewards/portal_statements/one.html",
        me=ambassador, month=month, found=found, words=words,
        before=statements.before(ambassador.id, month),
    )  # fmt: skip


@door.get(f"/<month>/statement.{sheets.ENDING}")
def file(month: str, ending: str) -> ResponseReturnValue:
    """Send my statement of a month as a file."""
    rows = list(words.file_rows(statements.of_month(me().id, month)))
    return sheets.download(f"statement-{month}.{ending}", words.FILE_HEADS, rows)
