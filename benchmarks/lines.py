"""The lines of the table: each measures one thing of ours and its limit, once a round.

A line returns rates (more is better) or, for pages and the lake, seconds.
"""

from __future__ import annotations

import csv
import itertools
import os
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import click
import duckdb
from flask import Flask

from accounts import keys, security, sessions, users
from accounts.models import RoleName, Scope
from ambassadors import enrolment, members, recruits
from benchmarks import place, traffic
from benchmarks.limits import Raw, Row
from campaigns import campaigns
from campaigns.models import BenefitKind, CampaignStatus
from campaigns.terms import AmbassadorEarns, FriendGets, Terms
from core.db import db
from integrations import facts
from referrals import code_batches, codes, jobs_codes, links
from reports import (
    catalogue,
    cohorts,
    engine,
    engine_duckdb,
    holdout_report,
    lake,
    prediction,
    prediction_segments,
)
from reports.models import Period
from rewards import intake

START = datetime(2025, 1, 1, tzinfo=UTC)
_AMBASSADORS = 200
_AT_ONCE = 500
_COLUMNS = (
    "source", "external_id", "occurred_at", "currency", "total", "discount", "tax", "shipping",
    "customer_external_id", "email", "country", "codes", "status", "refunded",
)  # fmt: skip


@dataclass(slots=True)
class Store:
    """What every line measures against: an installation with ambassadors, codes, purchases."""

    app: Flask
    folder: Path
    raw: Raw
    sizes: Any  # the command's flags
    rng: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311
    codes: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    ambassador_user: int = 0
    finance_user: int = 0

    def purchase(self, *, known: int = 20) -> dict[str, Any]:
        """Return the body of a purchase nobody told yet; one in `known` has no code."""
        number = next(self.numbers)
        at = START + timedelta(seconds=number * 997 % 31_000_000)
        code = [] if number % known == 0 else [self.rng.choice(self.codes)]
        return {
            "source": "bench", "external_id": f"B{number}", "occurred_at": at.isoformat(),
            "currency": "EUR", "total": 5000 + number % 7000, "discount": 500, "codes": code,
            "customer": {"email": f"friend{number * 7 // 10}@example.com", "country": "FR"},
            "lines": [{"sku": "A", "quantity": 1, "amount": 5000 + number % 7000}],
        }  # fmt: skip

    def rows(self, count: int) -> list[Row]:
        """Return so many purchases as rows for the bare table."""
        return [_row(self.purchase()) for _ in range(count)]


def _row(body: dict[str, Any]) -> Row:
    code = " ".join(body["codes"])
    who = body["customer"]
    return (body["source"], body["external_id"], body["occurred_at"], body["currency"],
            str(body["total"]), who["email"], who["country"], code)  # fmt: skip


def fact_of(body: dict[str, Any]) -> facts.Purchase:
    """Return the fact of a purchase's body."""
    return facts.Purchase(
        source=body["source"], external_id=body["external_id"],
        occurred_at=datetime.fromisoformat(body["occurred_at"]), currency=body["currency"],
        total=body["total"], discount=body["discount"], email=body["customer"]["email"],
        country=body["customer"]["country"], codes=tuple(body["codes"]),
    )  # fmt: skip


def prepare(store: Store) -> None:
    """Fill an empty installation: ambassadors, codes, a key, purchases, people who sign in."""
    reward = AmbassadorEarns(rate=1000)
    terms = Terms(
        name="Bench", reward=reward, benefits=(FriendGets(kind=BenefitKind.PERCENT, percent=1500),)
    )
    campaign = campaigns.create("bench", terms, status=CampaignStatus.RUNNING)
    people = [members.Person(name=f"P {n}", external_id=f"P{n}") for n in range(_AMBASSADORS)]
    found = recruits.record([recruits.Recruit(person=person) for person in people])
    ids = [one.ambassador_id for one in found if one.ambassador_id]
    for number, ambassador_id in enumerate(ids):
        links.create(campaign_id=campaign.id, ambassador_id=ambassador_id, slug=f"bench-{number}")
    db.session.commit()
    share = max(1, store.sizes.codes // _AMBASSADORS)
    for ambassador_id in ids:
        made = codes.generate(share, campaign_id=campaign.id, ambassador_id=ambassador_id)
        store.codes += made
        db.session.commit()
    secret = keys.create("bench", frozenset(Scope))
    store.headers = {"Authorization": f"Bearer {secret}"}
    finance = users.create("finance@example.com", roles={RoleName.FINANCE, RoleName.MARKETER})
    owner = users.link_ambassador_user("owner@example.com")
    enrolment.get(ids[0]).user_id = owner.id
    store.finance_user, store.ambassador_user = finance.id, owner.id
    db.session.commit()
    for _ in range(0, store.sizes.stored, _AT_ONCE):
        intake.take_purchases([fact_of(store.purchase()) for _ in range(_AT_ONCE)])
        db.session.commit()
    lake.refresh(Path(os.environ["LAKE"]))


Measured = tuple[float, float | None]  # ours, and the limit beside it


@dataclass(slots=True)
class Ports:
    """Where the servers listen."""

    ours: int
    durable: int
    hello: int


def validate(store: Store, ports: Ports, *, hot: int | None) -> Measured:
    """Check codes, drawn evenly from all of them or from so many hot ones."""
    chosen = store.codes if hot is None else store.codes[:hot]
    bodies = [{"code": store.rng.choice(chosen), "currency": "EUR", "subtotal": 5000}
              for _ in range(20_000 if hot is None else 5_000)]  # fmt: skip
    requests = [traffic.post("/api/v1/codes/validate", body, store.headers) for body in bodies]
    return (
        traffic.rate(ports.ours, requests, seconds=store.sizes.seconds),
        traffic.rate(ports.hello, [traffic.get("/")], seconds=store.sizes.seconds),
    )


def record(store: Store, ports: Ports) -> Measured:
    """Record single purchases over HTTP beside single durable inserts, eight clients each."""
    count = store.sizes.purchases
    bodies = [store.purchase() for _ in range(count)]
    requests = [traffic.post("/api/v1/purchases", body, store.headers) for body in bodies]
    limit = store.raw.singles(store.rows(count), clients=8)
    return traffic.once(ports.ours, requests, clients=8), limit


def record_batches(store: Store, ports: Ports) -> Measured:
    """Record purchases in batches of 100 beside inserts of 100 rows."""
    count = max(8, store.sizes.purchases // 50)
    bodies = [{"purchases": [store.purchase() for _ in range(100)]} for _ in range(count)]
    requests = [traffic.post("/api/v1/purchases/batch", body, store.headers) for body in bodies]
    limit = store.raw.batches(store.rows(count * 100), size=100, clients=4)
    return 100 * traffic.once(ports.ours, requests, clients=4), limit


def click_buffered(store: Store, ports: Ports) -> Measured:
    """Follow links beside hello."""
    return (
        traffic.rate(ports.ours, _clicks(), seconds=store.sizes.seconds),
        traffic.rate(ports.hello, [traffic.get("/")], seconds=store.sizes.seconds),
    )


def click_durable(store: Store, ports: Ports) -> Measured:
    """Follow links that are written before the redirect, beside durable inserts."""
    limit = store.raw.singles(store.rows(store.sizes.purchases), clients=8)
    return traffic.rate(ports.durable, _clicks(), seconds=store.sizes.seconds, clients=8), limit


def _clicks() -> list[bytes]:
    headers = {"User-Agent": "Mozilla/5.0", "Accept": "text/html", "Sec-Fetch-Mode": "navigate"}
    return [traffic.get(f"/r/bench-{n}?consent=1", headers) for n in range(_AMBASSADORS)]


def many_codes(store: Store, ports: Ports, *, table: str) -> Measured:
    """Make codes in bulk beside inserting as many sorted rows into a table."""
    count = store.sizes.bulk
    job_id = code_batches.create("bench", count, codes.DEFAULT_PATTERN, created_by="bench").id
    db.session.commit()
    begun = time.perf_counter()
    jobs_codes.run_job(job_id)
    ours = count / (time.perf_counter() - begun)
    now, drawn = START.isoformat(" "), codes.draw(codes.Pattern(codes.DEFAULT_PATTERN), count)
    rows = [(text.replace("-", ""), text, 1, "active", now, 0, None, now) for text in sorted(drawn)]
    return ours, store.raw.codes(rows, table=table)


def import_file(store: Store, ports: Ports) -> Measured:
    """Import a CSV of purchases with credit and ledger beside reading it into one table."""
    path = store.folder / f"orders-{next(store.numbers)}.csv"
    _write_orders(store, path, store.sizes.imported)
    begun = time.perf_counter()
    done = store.app.test_cli_runner().invoke(args=["import", "purchases", str(path)])
    took = time.perf_counter() - begun
    if done.exit_code:
        raise click.ClickException(done.output)
    limit = store.raw.file(path)
    path.unlink()
    return store.sizes.imported / took, limit


def _write_orders(store: Store, path: Path, count: int) -> None:
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(_COLUMNS)
        for body in (store.purchase() for _ in range(count)):
            source, number, at, currency, total, email, country, code = _row(body)
            out.writerow([source, number, at, currency, f"{int(total) / 100:.2f}", "5.00", "0.00",
                          "0.00", "", email, country, code, "paid", "0.00"])  # fmt: skip


def report(store: Store, ports: Ports, *, name: str) -> Measured:
    """Make a report beside the same SQL in bare DuckDB, on the same files; reports a second."""
    asked = {"from": "2025-01", "to": "2025-12", "currency": "EUR"}
    lake.refresh(Path(os.environ["LAKE"]))
    engine._answers.clear()
    begun = time.perf_counter()
    catalogue.make(name, asked)
    ours = 1 / (time.perf_counter() - begun)
    db.session.rollback()
    return ours, _bare(name, Period("2025-01", "2025-12"))


def _bare(name: str, period: Period) -> float:
    folder = Path(os.environ["LAKE"])
    manifest = lake.read(folder)
    if manifest is None:
        raise click.ClickException("the lake is not there")
    name = cohorts.NAME if name == cohorts.LTV else name
    given = {"from": period.first, "to": period.last, "currency": "EUR"}
    wanted = {key: value for key, value in given.items() if f"${key}" in engine.definition(name)}
    begun = time.perf_counter()
    with duckdb.connect() as bare:
        asked = engine.question(engine.Copy(folder, manifest), name, period, wanted)
        engine_duckdb.open_views(bare, asked)
        bare.execute(asked.sql, wanted).fetchall()
    return 1 / (time.perf_counter() - begun)


def refresh(store: Store, ports: Ports) -> Measured:
    """Bring the lake up to date after 1,000 new purchases; seconds."""
    for _ in range(0, 1000, _AT_ONCE):
        intake.take_purchases([fact_of(store.purchase()) for _ in range(_AT_ONCE)])
        db.session.commit()
    begun = time.perf_counter()
    lake.refresh(Path(os.environ["LAKE"]))
    return time.perf_counter() - begun, None


def page(store: Store, ports: Ports, *, path: str) -> Measured:
    """Open a page in this process again and again; the 95th percentile in seconds."""
    user_id = store.ambassador_user if path.startswith("/portal") else store.finance_user
    browser = store.app.test_client()
    user = users.load(user_id)
    with browser.session_transaction() as cookie:
        cookie[security.TOKEN] = sessions.begin(user.id)
        cookie["_user_id"] = user.fs_uniquifier
    db.session.commit()
    times = []
    for _ in range(store.sizes.pages):
        begun = time.perf_counter()
        with store.app.app_context():  # as on a server: nothing is left of the last request
            answer = browser.get(path)
        times.append(time.perf_counter() - begun)
        if answer.status_code != 200:
            raise click.ClickException(f"{path} answered {answer.status_code}")
    return statistics.quantiles(times, n=20)[-1], None


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table."""

    name: str
    limit: str  # what stands beside it
    aim: str
    measure: Callable[[Store, Ports], Measured]


# a fit, or more than one question: nothing bare to hold them against
_NOT_ONE_QUESTION = {prediction.NAME, prediction_segments.NAME, holdout_report.NAME}


def every(sizes: Any) -> Sequence[Line]:
    """Return the lines of the table."""
    return (
        Line(f"validate, uniform over {sizes.codes:,} codes", "hello", "0.70",
             partial(validate, hot=None)),
        Line("validate, 1,000 hot codes", "hello", "0.85 / 0.80",
             partial(validate, hot=1000)),
        Line("record one purchase over HTTP", "raw durable inserts", "0.50", record),
        Line("record in batches of 100", "raw inserts of 100 rows", "0.35", record_batches),
        Line("click, buffered", "hello", "0.50", click_buffered),
        Line("click, durable", "raw durable inserts", "0.50", click_durable),
        Line(f"make {sizes.bulk:,} codes", "a table with its key only", "0.70",
             partial(many_codes, table="raw_code")),
        Line(f"make {sizes.bulk:,} codes, all promises", "the same table, bare driver", "",
             partial(many_codes, table="code")),
        Line(f"import {sizes.imported:,} purchases", "the file into one table", "0.25",
             import_file),
        *(
            Line(f"report {name}", "the same SQL, bare", "0.77",
                 partial(report, name=name))
            for name in catalogue.REPORTS
            if name not in _NOT_ONE_QUESTION
        ),
        Line("lake after 1,000 purchases", "", "1 s", refresh),
        *(
            Line(f"page {path}, p95", "", "0.15 s", partial(page, path=path))
            for path in ("/portal/", "/console", "/console/reports/cac")
        ),
    )  # fmt: skip


def served(store: Store) -> Any:
    """Return the servers, to be entered: ours, ours with durable clicks, hello."""
    return (
        place.server("app:create_app", "/healthz"),
        place.server("app:create_app", "/healthz", CLICK_DURABLE="1"),
        place.server("benchmarks.hello:app", "/"),
    )
