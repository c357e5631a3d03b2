"""What an operator should know of this installation: each check says what to do."""

from __future__ import annotations

import os
import shutil
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum

import sqlalchemy.exc

from core import clock, migrations, outbox, spark
from core import db as database
from core.config import Settings
from core.db import db

_LATE = 900  # seconds a due message may wait before the worker seems to be down
_ROOM = 200 * 1024 * 1024  # bytes of free disk under which we warn
_SKEW = 60  # seconds our clock may differ from a provider's
_TIME_LIMIT = 10  # seconds for one provider


class Verdict(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at, and what to do about it."""

    name: str
    verdict: Verdict
    says: str


def examine(settings: Settings) -> Iterator[Check]:
    """Look at everything, one after the other; nothing is changed."""
    yield from _settings(settings)
    yield from _secrets(settings)
    yield _clock(settings)
    yield _folder(settings)
    yield from _sqlite(settings)
    yield from _database()
    yield _reports(settings)
    for name, host in _providers(settings):
        yield reach(name, host, _ask)


def reach(name: str, host: str, ask: Callable[[str], datetime | None]) -> Check:
    """Tell whether a provider answers, and whether our clock agrees with its own.

    Args:
        name: The provider.
        host: Its address.
        ask: Calls the address and returns the date of the answer.
    """
    try:
        told = ask(host)
    except OSError as error:
        return Check(name, Verdict.FAIL, f"{host} does not answer ({error}): check the network.")
    if told and abs((datetime.now(UTC) - told).total_seconds()) > _SKEW:
        return Check(name, Verdict.FAIL, "Our clock is off: webhooks will be refused; set up NTP.")
    return Check(name, Verdict.OK, f"{host} answers, and our clocks agree.")


def _settings(settings: Settings) -> Iterator[Check]:
    says = f"CERCLE_ENV={settings.mode}, BASE_URL={settings.base_url}"
    yield Check("settings", Verdict.OK, says)
    if not settings.is_production:
        yield Check(
            "mode", Verdict.WARN,
            "Not production: e-mail may stay here and Stripe's test mode counts. "
            "Set CERCLE_ENV=production for real use.",
        )  # fmt: skip


def _secrets(settings: Settings) -> Iterator[Check]:
    if settings.secret_key.startswith("not-a-secret") or len(settings.secret_key) < 32:
        yield Check("SECRET_KEY", Verdict.WARN, "Set at least 32 random characters.")
    else:
        yield Check("SECRET_KEY", Verdict.OK, "Set.")
    if any(settings.stripe_webhook_secrets):
        yield Check("Stripe webhooks", Verdict.OK, "Switched on.")
    else:
        yield Check(
            "Stripe webhooks",
            Verdict.WARN,
            "Switched off: set STRIPE_WEBHOOK_SECRETS to take them.",
        )
    if settings.sendgrid_api_key:
        yield Check("e-mail", Verdict.OK, f"Through SendGrid, from {settings.mail_from}.")
    else:
        says = (
            "Switched off, messages wait: set SENDGRID_API_KEY and MAIL_FROM."
            if settings.is_production
            else "Kept in the mailbox at /console/mailbox: set SENDGRID_API_KEY to send."
        )
        yield Check("e-mail", Verdict.WARN, says)


def _clock(settings: Settings) -> Check:
    if settings.now:
        return Check("clock", Verdict.WARN, f"Stopped at {settings.now:%c} by CERCLE_NOW.")
    return Check("clock", Verdict.OK, f"{clock.now():%Y-%m-%d %H:%M:%S} UTC.")


def _folder(settings: Settings) -> Check:
    if not os.access(settings.instance, os.W_OK):
        return Check("folder", Verdict.FAIL, f"{settings.instance} cannot be written: give rights.")
    if shutil.disk_usage(settings.instance).free < _ROOM:
        return Check("folder", Verdict.FAIL, f"The disk of {settings.instance} is nearly full.")
    return Check("folder", Verdict.OK, f"{settings.instance} can be written.")


def _sqlite(settings: Settings) -> Iterator[Check]:
    if not database.is_sqlite():
        return
    version = sqlite3.sqlite_version
    if not database.has_wal_bug(sqlite3.sqlite_version_info):
        yield Check("SQLite", Verdict.OK, f"Version {version}.")
        return
    kept = "production uses journal_mode=TRUNCATE here" if settings.is_production else "fine to try"
    yield Check(
        "SQLite", Verdict.WARN,
        f"Version {version} can, rarely, lose a commit with WAL ({kept}): "
        "use 3.51.3, 3.50.7, 3.44.6 or later, or PostgreSQL.",
    )  # fmt: skip


def _database() -> Iterator[Check]:
    try:
        at, head = migrations.at(), migrations.head()
    except sqlalchemy.exc.SQLAlchemyError as error:
        db.session.rollback()
        yield Check("database", Verdict.FAIL, f"No answer ({type(error).__name__}): DATABASE_URL?")
        return
    yield Check("database", Verdict.OK, f"{db.engine.dialect.name} answers.")
    if at != head:
        says = f"At {at or 'nothing'}, the program is at {head}: run `flask db upgrade`."
        yield Check("migrations", Verdict.FAIL, says)
        return
    yield Check("migrations", Verdict.OK, f"At {head}.")
    age, failed = outbox.oldest_age(), outbox.counts()["failed"]
    if age > _LATE:
        says = f"A message has waited {age // 60} minutes: is `flask worker` running?"
        yield Check("outbox", Verdict.WARN, says)
    if failed:
        says = f"{failed} messages failed: `flask outbox list --state failed`, then `retry`."
        yield Check("outbox", Verdict.WARN, says)
    if age <= _LATE and not failed:
        yield Check("outbox", Verdict.OK, "Nothing is late.")


def _reports(settings: Settings) -> Check:
    if settings.report_engine == "duckdb":
        return Check("reports", Verdict.OK, "DuckDB, in this process.")
    if missing := spark.lacking(look_closer=True):
        return Check("reports", Verdict.FAIL, " ".join(missing))
    where = settings.spark_lake or settings.lake
    return Check("reports", Verdict.OK, f"Spark at {settings.spark_master}, reading {where}.")


def _providers(settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.stripe_secret_key:
        yield "Stripe", settings.stripe_api_base or "https://api.stripe.com"
    if settings.sendgrid_api_key:
        yield "SendGrid", settings.sendgrid_api_base or "https://api.sendgrid.com"


def _ask(host: str) -> datetime | None:
    request = urllib.request.Request(host, method="HEAD")  # noqa: S310  an operator's setting
    try:
        with urllib.request.urlopen(request, timeout=_TIME_LIMIT) as answer:  # noqa: S310
            date = answer.headers["Date"]
    except urllib.error.HTTPError as refused:  # 401 or 404: it is there
        date = refused.headers["Date"]
        refused.close()
    return parsedate_to_datetime(date) if date else None
