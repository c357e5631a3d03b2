"""What Maison Givre spent, by channel and month: advertising, people, tools, boxes, events."""

from __future__ import annotations

import random
from datetime import date, timedelta

from campaigns import spend
from campaigns.models import SpendKind
from demo import brand
from demo.calendar import Calendar

_SEED = 7
_BOXES = {0: 22, 1: 0, 2: 0, 3: 14, 6: 20, 9: 16}  # boxes sent in that month of the program
_EVENTS = {0: 38_000, 4: 29_000, 7: 45_000, 8: 45_000, 11: 42_000}  # tastings and workshops


def lines(calendar: Calendar) -> list[spend.Line]:
    """Return every line of spend, in the order of its days."""
    rng = random.Random(_SEED)  # noqa: S311  a story, not a secret
    found: list[spend.Line] = []
    months = [month for month in calendar.months() if month >= calendar.launch]
    for number, month in enumerate(months):
        found += _advertising(month, rng) + _community(month, number, rng)
    kept = [line for line in found if line.on < calendar.today]
    return sorted(kept, key=lambda line: (line.on, line.key))


def _advertising(month: date, rng: random.Random) -> list[spend.Line]:
    level = brand.SEASON[month.month - 1]
    weeks = [month + timedelta(days=7 * n) for n in range(4)]
    social = [(week, rng.randrange(50_000, 64_000)) for week in weeks]
    search = [(week, rng.randrange(27_000, 36_000)) for week in weeks]
    media = SpendKind.MEDIA
    return [
        *(_line("paid_social", media, day, int(n * (0.5 + level)), "Meta") for day, n in social),
        *(_line("paid_search", media, day, int(n * (0.6 + level)), "Google") for day, n in search),
        _line("paid_social", SpendKind.PEOPLE, month + timedelta(days=24), 69_600, "12 h x 58.00"),
        _line("paid_search", SpendKind.TOOLS, month + timedelta(days=1), 9_900, "Feed tool"),
    ]


def _community(month: date, number: int, rng: random.Random) -> list[spend.Line]:
    hours = rng.randrange(9, 15)
    found = [
        _line("community", SpendKind.TOOLS, month + timedelta(days=1), 7_900, "Hosting and mail"),
        _line("community", SpendKind.PEOPLE, month + timedelta(days=24), hours * 5_800,
              f"{hours} h x 58.00"),
        _line("community", SpendKind.PERKS, month + timedelta(days=17),
              rng.randrange(4_000, 11_000), "Thank-you pots"),
    ]  # fmt: skip
    if boxes := _BOXES.get(number):
        note = f"{boxes} discovery boxes x 22.00"
        found.append(
            _line("community", SpendKind.BOXES, month + timedelta(days=9), boxes * 2_200, note)
        )
    if event := _EVENTS.get(number):
        found.append(
            _line("community", SpendKind.EVENTS, month + timedelta(days=19), event, "Tasting")
        )
    return found


def _line(channel: str, kind: SpendKind, on: date, amount: int, note: str) -> spend.Line:
    return spend.line(
        channel=channel, on=on, amount=amount, currency=brand.CURRENCY, kind=kind,
        key=f"demo:{channel}:{kind}:{on}", note=note,
    )  # fmt: skip
