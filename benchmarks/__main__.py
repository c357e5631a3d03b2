"""`make bench`: what we reach, as ratios beside a limit measured in the same round.

Machines drift, so only a ratio of one round means anything; the table gives the
least, the middle and the best of them.  `make bench BENCH="--help"` shows the sizes.
"""

from __future__ import annotations

import contextlib
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
from flask_migrate import upgrade
from rich.console import Console
from rich.table import Table

from app import create_app
from benchmarks import lines, place
from benchmarks.limits import Raw
from core.db import db


@click.command()
@click.option("--rounds", default=5, show_default=True, help="Interleaved rounds.")
@click.option("--seconds", default=3.0, show_default=True, help="Of each load on a server.")
@click.option("--codes", default=100_000, show_default=True, help="Codes in the store.")
@click.option("--stored", default=20_000, show_default=True, help="Purchases in the store.")
@click.option("--purchases", default=1_500, show_default=True, help="Recorded over HTTP a round.")
@click.option("--bulk", default=50_000, show_default=True, help="Codes made at once a round.")
@click.option("--imported", default=5_000, show_default=True, help="Purchases in a file.")
@click.option("--pages", default=25, show_default=True, help="Times each page is opened a round.")
@click.option("--only", default="", help="Only lines whose name holds this.")
@click.option("--database", default="", help="A PostgreSQL server; SQLite unless given.")
def bench(database: str, **sizes: Any) -> None:
    """Measure speed and print one table."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cercle-bench-")))
        url = stack.enter_context(place.postgresql(database)) if database else None
        stack.enter_context(place.environment(folder, url))
        app = create_app()
        stack.enter_context(app.app_context())
        upgrade()
        store = lines.Store(app, folder, Raw(folder), SimpleNamespace(**sizes))
        begun = time.monotonic()
        lines.prepare(store)
        stored, made = sizes["stored"], sizes["codes"]
        took = time.monotonic() - begun
        click.echo(f"{stored:,} purchases and {made:,} codes are there ({took:.0f} s).")
        ports = lines.Ports(*(stack.enter_context(one) for one in lines.served(store)))
        _measure(store, ports, "PostgreSQL" if database else "SQLite")
        db.session.remove()
        db.engine.dispose()


def _measure(store: lines.Store, ports: lines.Ports, where: str) -> None:
    wanted = [one for one in lines.every(store.sizes) if store.sizes.only in one.name]
    found: dict[str, list[lines.Measured]] = {one.name: [] for one in wanted}
    for number in range(store.sizes.rounds):
        for one in wanted:
            found[one.name].append(one.measure(store, ports))
            db.session.rollback()
        click.echo(f"round {number + 1} of {store.sizes.rounds}", err=True)
    table = Table(
        "what", "ours", "limit", "min", "median", "max", "aim", "beside",
        title=f"Cercle on {where}: {store.sizes.rounds} rounds",
    )  # fmt: skip
    for one in wanted:
        table.add_row(one.name, *_figures(found[one.name]), one.aim, one.limit)
    Console(width=140).print(table)


def _figures(measured: Sequence[lines.Measured]) -> tuple[str, ...]:
    """Return our and the limit's median, and the least, middle and best figure of the rounds."""
    ours = statistics.median(one for one, _ in measured)
    limits = [limit for _, limit in measured if limit is not None]
    if not limits:
        times = sorted(one for one, _ in measured)
        return "", "", *(f"{n:.3f} s" for n in (times[0], ours, times[-1]))
    ratios = sorted(one / limit for one, limit in measured if limit)
    shown = (ratios[0], statistics.median(ratios), ratios[-1])
    return f"{ours:,.0f}/s", f"{statistics.median(limits):,.0f}/s", *(f"{n:.2f}" for n in shown)


if __name__ == "__main__":
    bench()
