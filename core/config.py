"""Settings: one frozen object read once from the environment.

Every variable is listed here with its unit and default; all that is wrong is
reported together, so that an operator mends a deployment in one go.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from environs import Env, EnvValidationError, ValidationError, validate

from core import clock, spark

ROOT = Path(__file__).parents[1]
MODES = ("development", "demo", "test", "production")
ENGINES = ("duckdb", "spark")
_DEV_SECRET = "not-a-secret-for-development-only"  # noqa: S105  refused in production


class SettingsError(Exception):
    """The environment cannot run Cercle; the message lists every reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment says.  Secrets never appear in `repr`."""

    mode: str  # CERCLE_ENV: development, demo, test or production
    database_url: str
    secret_key: str
    base_url: str  # the address people reach, without a trailing slash
    redis_url: str | None
    instance: Path  # database, queue, lake and uploads of the embedded default
    api_per_minute: int  # calls that one API key may make in a minute
    proxies: int  # reverse proxies in front, whose X-Forwarded-For is trusted
    stripe_secret_key: str | None
    stripe_api_base: str | None
    stripe_webhook_secrets: tuple[str, ...]
    sendgrid_api_key: str | None
    sendgrid_api_base: str | None
    sendgrid_webhook_keys: tuple[str, ...]  # public keys that sign its events
    mail_from: str
    webhooks_to_loopback: bool  # our own webhooks may go to http://127.0.0.1; in tests only
    cache_seconds: float  # how long a process may remember codes and keys it has just read
    click_durable: bool
    report_engine: str  # duckdb or spark
    spark_master: str
    spark_lake: str | None  # the address under which Spark finds the lake, if not its folder
    lake: Path
    images: Path  # of share kits; shared by all machines
    now: datetime | None  # CERCLE_NOW: a fixed clock, not in production

    @property
    def is_production(self) -> bool:
        return self.mode == "production"

    @property
    def is_demo(self) -> bool:
        return self.mode == "demo"

    def __repr__(self) -> str:
        return f"Settings(mode={self.mode!r}, database={self.database_url.split(':')[0]!r})"


def load() -> Settings:
    """Read the settings from the process's environment and the file `.env`.

    Raises:
        SettingsError: One line for each variable that is missing or wrong.
    """
    env = Env(eager=False)
    env.read_env(str(ROOT / ".env"), recurse=False)
    values = _read(env)
    wrong: list[str] = []
    try:
        env.seal()
    except EnvValidationError as error:
        said: Any = error.error_messages  # a mapping: name to sentences
        wrong = [f"{name}: {' '.join(map(str, texts))}" for name, texts in said.items()]
    wrong += _refusals(values, told={line.partition(":")[0] for line in wrong})
    if values["report_engine"] == "spark":
        wrong += [f"REPORT_ENGINE: {line}" for line in spark.lacking()]
    if wrong:
        raise SettingsError("Settings to mend:\n" + "\n".join(f"  - {line}" for line in wrong))
    return Settings(**values)


def _read(env: Env) -> dict[str, Any]:
    instance = Path(env.str("CERCLE_INSTANCE", str(ROOT / "instance")) or "instance")
    return {
        "mode": env.str("CERCLE_ENV", "development", validate=validate.OneOf(MODES)),
        "database_url": driver(
            env.str(
                "DATABASE_URL", f"sqlite:///{instance / 'cercle.db'}", validate=_require_database
            )
        ),
        "secret_key": env.str("SECRET_KEY", _DEV_SECRET),
        "base_url": (env.str("BASE_URL", "http://127.0.0.1:5000") or "").rstrip("/"),
        "redis_url": env.str("REDIS_URL", None) or None,
        "instance": instance,
        "api_per_minute": env.int("API_PER_MINUTE", 6000, validate=validate.Range(min=1)),
        "proxies": env.int("PROXIES", 0, validate=validate.Range(min=0)),
        "stripe_secret_key": env.str("STRIPE_SECRET_KEY", None) or None,
        "stripe_api_base": env.str("STRIPE_API_BASE", None) or None,
        "stripe_webhook_secrets": tuple(env.list("STRIPE_WEBHOOK_SECRETS", [])),
        "sendgrid_api_key": env.str("SENDGRID_API_KEY", None) or None,
        "sendgrid_api_base": env.str("SENDGRID_API_BASE", None) or None,
        "sendgrid_webhook_keys": tuple(env.list("SENDGRID_WEBHOOK_KEYS", [])),
        "mail_from": env.str("MAIL_FROM", "hello@localhost"),
        "webhooks_to_loopback": env.bool("WEBHOOKS_TO_LOOPBACK", False),
        "cache_seconds": env.float("CACHE_SECONDS", 2.0, validate=validate.Range(min=0)),
        "click_durable": env.bool("CLICK_DURABLE", False),
        "report_engine": env.str("REPORT_ENGINE", "duckdb", validate=validate.OneOf(ENGINES)),
        "spark_master": env.str("SPARK_MASTER", "local[*]", validate=_require_master),
        "spark_lake": (env.str("SPARK_LAKE", None) or "").rstrip("/") or None,
        "lake": Path(env.str("LAKE", str(instance / "lake")) or "lake"),
        "images": Path(env.str("IMAGES", str(instance / "images")) or "images"),
        "now": _instant(env),
    }


def driver(url: str | None) -> str:
    """Name the driver we ship in a PostgreSQL address; a SQLite file is relative to the project."""
    file = (url or "").partition("sqlite:///")[2]
    if file and file != ":memory:":
        return f"sqlite:///{ROOT / file}"
    for scheme in ("postgres://", "postgresql://"):
        if url and url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    return url or ""


def _instant(env: Env) -> datetime | None:
    text = env.str("CERCLE_NOW", None, validate=_require_instant)
    try:
        return clock.parse_instant(text) if text else None
    except ValueError:
        return None  # `load` tells it with all else that is wrong


def _require_instant(text: str) -> None:
    try:
        clock.parse_instant(text or "2026-03-01T12:00:00Z")
    except ValueError:
        raise ValidationError("use 2026-03-01T12:00:00Z") from None


def _require_database(url: str) -> None:
    if not driver(url).startswith(("sqlite:///", "postgresql+psycopg://")):
        raise ValidationError("use sqlite:///FILE or postgresql://USER@HOST/DATABASE")


def _require_master(text: str) -> None:
    if not text.startswith(("local", "spark://", "yarn", "k8s://")):
        raise ValidationError("use local[*], spark://HOST:7077, yarn or k8s://HOST")


def _refusals(values: dict[str, Any], *, told: Set[str]) -> list[str]:
    """Return what this mode does not accept, a line each.

    Args:
        values: As read; None where it could not be.
        told: The variables of which we know already that they are wrong.
    """
    inside = "WEBHOOKS_TO_LOOPBACK: only tests may send webhooks to this machine"
    if values["webhooks_to_loopback"] and values["mode"] != "test":
        told = {*told, "WEBHOOKS_TO_LOOPBACK"}
        return [inside, *_refusals(values | {"webhooks_to_loopback": False}, told=told)]
    if values["mode"] != "production":
        return []
    secret, address = values["secret_key"] or "", values["base_url"]
    refused = {
        "SECRET_KEY: set at least 32 random characters": secret == _DEV_SECRET or len(secret) < 32,
        "BASE_URL: set the https address that people reach": not address.startswith("https://"),
        "CERCLE_NOW: a fixed clock is for tests and demos": values["now"] is not None,
    }
    return [line for line, is_so in refused.items() if is_so and line.partition(":")[0] not in told]


def flask_config(settings: Settings) -> dict[str, Any]:
    """Return Flask's own configuration for these settings."""
    is_https = settings.base_url.startswith("https://")
    return {
        "SECRET_KEY": settings.secret_key,
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": {"hide_parameters": True},  # errors name no customer
        "TESTING": settings.mode == "test",
        "MAX_CONTENT_LENGTH": 8 * 1024 * 1024,  # doors that take files or webhooks set their own
        "MAX_FORM_MEMORY_SIZE": 2 * 1024 * 1024,
        "TRUSTED_HOSTS": _trusted_hosts(settings),
        "SESSION_COOKIE_NAME": "__Host-cercle" if is_https else "cercle",
        "SESSION_COOKIE_SECURE": is_https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "WTF_CSRF_TIME_LIMIT": None,  # as long as the session lives
        "BOOTSTRAP_SERVE_LOCAL": True,
        "BABEL_TRANSLATION_DIRECTORIES": str(ROOT / "translations"),
    }


def _trusted_hosts(settings: Settings) -> list[str] | None:
    """Return the hosts that production answers to: its own, and the machine's for health checks."""
    if not settings.is_production:
        return None
    return [urlsplit(settings.base_url).hostname or "", "localhost", "127.0.0.1"]
