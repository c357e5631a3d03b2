"""Languages: French and English, chosen by the person, then their browser.

`lang` in the query string sets a cookie (works without JavaScript); a
signed-in person's own language is asked from `prefers`, which a room above
sets.  Figures, money and dates are formatted here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from babel.dates import format_date, format_datetime, format_skeleton
from babel.numbers import format_currency, format_decimal
from flask import Flask, Response, g, has_request_context, request
from flask_babel import Babel, get_locale

from core import clock, translations
from core.money import exponent, to_major

LANGUAGES = ("en", "fr")
COOKIE = "lang"
MINUS = "\u2212"  # as wide as a figure; a hyphen is not

babel = Babel()
_prefers: Callable[[], str | None] = lambda: None  # noqa: E731  replaced by `init_app`
_timezone: Callable[[], str] = lambda: "UTC"  # noqa: E731


def init_app(app: Flask, *, prefers: Callable[[], str | None], timezone: Callable[[], str]) -> None:
    """Install language choice and the formatting filters.

    Args:
        app: The application.
        prefers: Returns the signed-in person's language, if any.
        timezone: Returns the program's IANA time zone, for dates on pages.
    """
    global _prefers, _timezone
    _prefers, _timezone = prefers, timezone
    translations.compile_stale(Path(app.config["BABEL_TRANSLATION_DIRECTORIES"]))
    babel.init_app(app, locale_selector=choose, default_locale="en")
    app.after_request(_remember)
    app.jinja_env.globals.update(lang=language, languages=LANGUAGES)
    app.jinja_env.filters.update(
        money=money, amount=amount, day=day, month=month, moment=moment, number=number,
        percent=percent, figure=figure,
    )  # fmt: skip


def choose() -> str:
    """Return the language of this request."""
    if not has_request_context():
        return "en"
    asked = request.args.get("lang")
    if asked in LANGUAGES:
        g.remember_language = asked
        return str(asked)
    known = request.cookies.get(COOKIE) or _prefers()
    if known in LANGUAGES:
        return str(known)
    return request.accept_languages.best_match(LANGUAGES) or "en"


def language() -> str:
    """Return `en` or `fr`."""
    locale = get_locale()
    return locale.language if locale else "en"


def _remember(answer: Response) -> Response:
    if "remember_language" in g:
        answer.set_cookie(
            COOKIE, g.remember_language, max_age=31536000, samesite="Lax", httponly=True,
            secure=request.is_secure,
        )  # fmt: skip
    return answer


def money(minor: int | None, currency: str) -> str:
    """Return an amount with its currency code: `CHF 64.35`, `64,35 CHF`."""
    if minor is None:
        return "–"
    pattern = "#,##0.00\u00a0¤¤" if language() == "fr" else "¤¤\u00a0#,##0.00"
    text = format_currency(to_major(minor, currency), currency, pattern, locale=_number_locale())
    return text.replace("-", MINUS)


def amount(minor: int | None, currency: str) -> str:
    """Return an amount without its currency, for columns that name it once."""
    if minor is None:
        return "–"
    places = exponent(currency)
    pattern = "#,##0" + ("." + "0" * places if places else "")
    text = format_decimal(to_major(minor, currency), pattern, locale=_number_locale())
    return text.replace("-", MINUS)


def number(value: int | float | Decimal | None) -> str:
    """Return a count."""
    if value is None:
        return "–"
    return format_decimal(value, locale=_number_locale()).replace("-", MINUS)


def figure(value: Decimal) -> str:
    """Return a decimal with all its places: `1.0823`, `1,0823`."""
    return format_decimal(value, "#,##0." + "#" * 20, locale=_number_locale())


def percent(ratio: float | Decimal | None, places: int = 1) -> str:
    """Return a ratio as a percentage: 0.286 gives `28.6 %`, `28,6 %`."""
    if ratio is None:
        return "–"
    pattern = "#,##0" + ("." + "0" * places if places else "")
    text = format_decimal(Decimal(str(ratio)) * 100, pattern, locale=_number_locale())
    return f"{text}\u202f%".replace("-", MINUS)


def day(value: date | datetime | None) -> str:
    """Return a calendar day in words, in the program's time zone."""
    if value is None:
        return "–"
    if isinstance(value, datetime):
        value = clock.local_day(value, _timezone())
    return format_date(value, f"{_day_sign(value)} MMMM y", locale=_number_locale())


def month(value: str | None) -> str:
    """Return a month `2026-05` in words: `May 2026`, `mai 2026`."""
    if not value:
        return "–"
    first = date.fromisoformat(f"{value}-01")
    return format_skeleton("yMMM", first, locale=_number_locale())


def short_day(value: datetime) -> str:
    """Return the day of an instant without its year, in the program's time zone: `2 Mar`."""
    return format_skeleton("MMMd", clock.local_day(value, _timezone()), locale=_number_locale())


def moment(value: datetime | None) -> str:
    """Return an instant as day and time in the program's time zone."""
    if value is None:
        return "–"
    zone = clock.zone(_timezone())
    hour = "HH\u202f'h'\u202fmm" if language() == "fr" else "HH:mm"
    pattern = f"{_day_sign(value.astimezone(zone))} MMM y, {hour}"
    return format_datetime(value, pattern, tzinfo=zone, locale=_number_locale())


def _day_sign(value: date) -> str:
    """Return CLDR's sign for a day of the month; French counts its first one, `1er`."""
    return "d'er'" if language() == "fr" and value.day == 1 else "d"


def _number_locale() -> str:
    return "fr" if language() == "fr" else "en_GB"


def words(**texts: Any) -> str:
    """Return the text of the current language from `en=..., fr=...`, for stored content."""
    return str(texts.get(language()) or texts.get("en") or "")
