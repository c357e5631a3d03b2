"""Spark reads the same lake by the same definitions, and gives the same rows as DuckDB.

One JVM serves the whole module: its tests follow each other, so one worker has them.
"""

from __future__ import annotations

import dataclasses
import math
import shutil
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask import Flask

from ambassadors import program
from campaigns import spend
from campaigns.models import SpendKind
from core import clock, spark
from core.db import db
from core.errors import UnavailableError
from referrals import clicks, links, survey
from referrals.models import ClickKind
from reports import closing, engine, lake, purchases
from reports.engine_spark import Spark
from reports.models import Period
from rewards import intake
from tests.conftest import NOW, MakeApp, _empty
from tests.factories import (
    make_ambassador,
    make_campaign,
    make_code,
    must,
    purchase_fact,
    refund_fact,
)

LACKING = spark.lacking(look_closer=True)
pytestmark = pytest.mark.skipif(bool(LACKING), reason=" ".join(LACKING))
QUICKLY = """\
spark.sql.shuffle.partitions 2
spark.sql.codegen.wholeStage false
spark.driver.extraJavaOptions -XX:TieredStopAtLevel=1
"""  # for a JVM that lives two minutes and sees few rows
SPAN = Period("2025-10", "2026-03")  # nothing happens in March
GBP = {"currency": "GBP"}
NO_FILTER = {
    **dataclasses.asdict(purchases.Filter()), **GBP, "ambassadors": None, "before_at": None,
    "before_id": None, "limit": purchases.MOST,
}  # fmt: skip
FILTERS: list[dict[str, Any]] = [
    {}, {"code": "ZOE10"}, {"customers": "new"}, {"channel": "community"},
    {"channel": "unattributed"}, {"with_code": True}, {"refunded": True}, {"commission": True},
    {"survey": "community"}, {"survey": "other"}, {"survey": "nothing"}, {"country": "FR"},
    {"campaign": "spring"}, {"ambassadors": "1,77"}, {"customer": 1}, {"cohort": "2025-10"},
    {"cohort": "2025-10", "segment": "other"},
]  # fmt: skip
# What each definition is asked; one that is not here fails its test.
ASKED: dict[str, list[dict[str, Any]]] = {
    "acquisition": [GBP, {"currency": "CHF"}],
    "acquisition_by": [
        GBP | {"by": by} for by in ("month", "country", "campaign", "ambassador", "channel")
    ],
    "answers": [{}],
    "cac": [GBP],
    "cac_by": [GBP | {"by": by} for by in ("country", "campaign", "ambassador")],
    "campaigns": [GBP | {"campaign": None}, GBP | {"campaign": "spring"}],
    "codes": [GBP],
    "codes_customers": [GBP],
    "cohorts": [GBP],
    "currencies": [{}],
    "funnel": [
        GBP | {"campaign": "spring", "code": None}, GBP | {"campaign": None, "code": "ZOE10"},
    ],
    "lift": [GBP],
    "members": [GBP],
    "members_firsts": [GBP],
    "members_subscriptions": [GBP],
    "prediction": [
        GBP | {"one_in": one_in, "until": "2026-04-01", "segment": segment}
        for one_in, segment in ((1, None), (3, None), (1, "community"), (1, "other"))
    ],
    "purchases": [
        *(NO_FILTER | chosen for chosen in FILTERS),
        NO_FILTER | {"before_at": "2026-01-20T12:00:00.000007", "before_id": 40, "limit": 7},
    ],
    "purchases_totals": [NO_FILTER | chosen for chosen in FILTERS],
    "segments": [GBP],
}  # fmt: skip
SAID = (
    None, "", "  ", "Ami", "\xa0AMI\u202f", "un ami ", "Instagram", "l'affiche \\ du \"coin\"",
    "ΦΊΛΟΣ", "İzmir", "Straße", "L’AFFICHE",
)  # fmt: skip


class Both(NamedTuple):
    """One lake, as each engine is asked for it."""

    app: Flask
    duckdb: engine.Copy
    spark: engine.Copy


@pytest.fixture(scope="module")
def both(make_app: MakeApp, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """Half a year of a shop, with something for every definition."""
    conf = tmp_path_factory.mktemp("spark")
    (conf / "spark-defaults.conf").write_text(QUICKLY)
    app = make_app("sqlite")
    with (
        pytest.MonkeyPatch.context() as patch, clock.frozen(NOW + timedelta(days=40)),
        app.app_context(),
    ):  # fmt: skip
        patch.setenv("SPARK_CONF_DIR", str(conf))
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        _sell()
        copy = engine.fresh()
        yield Both(app, copy, dataclasses.replace(copy, engine=_spark(copy.folder)))
        db.session.remove()
        _empty(app)


def _spark(folder: Path) -> Spark:
    return Spark("local[2]", f"file://{folder}")


def _sell() -> None:
    program.set_rules({"currency": "GBP", "timezone": "Europe/London"})
    spring, autumn = (
        make_campaign(slug=slug, currency="GBP", rule={"hold_days": 0})
        for slug in ("spring", "autumn")
    )
    owners = [
        make_ambassador(enrolled_at=clock.parse_instant("2020-01-01T00:00:00Z")) for _ in "ab"
    ]
    for text, campaign, owner in zip(("ZOE10", "TOM"), (spring, autumn), owners, strict=True):
        make_code(text, campaign_id=campaign.id, ambassador_id=owner.id)
    survey.give_channel('l\'affiche \\ du "coin"', "press")
    survey.give_channel("L’AFFICHE", "community")
    db.session.commit()
    told = [_order(n) for n in range(160)]
    problems = {outcome.problem for outcome in intake.take_purchases(told)}
    assert problems == {None}
    db.session.commit()
    intake.take_refunds([refund_fact(fact, fact.total // 3) for fact in told[::9]])
    _click(spring.id, owners[0].id)
    spend.record([
        spend.line(channel=channel, on=date(2025, 10 + n, 3), amount=9_999 * (n + 1),
                   currency=currency, kind=kind, key=f"{channel}-{kind}-{n}")
        for n in range(3)
        for channel, currency in (("community", "GBP"), ("press", "GBP"), ("meta", "SEK"))
        for kind in SpendKind
    ])  # fmt: skip
    db.session.commit()


def _order(n: int) -> Any:
    """Return an order; every customer buys about four times, every thirteenth is nameless."""
    return purchase_fact(
        external_id=f"o{n}", email=f"c{n % 37}@example.com" if n % 13 else None,
        occurred_at=clock.parse_instant("2025-10-02T22:45:00Z")
        + timedelta(hours=21 * n, microseconds=n),
        currency="CHF" if n % 28 == 5 else "GBP", total=1_000 + 137 * n % 9_000,
        discount=n % 5 * 100, country=("FR", "GB", None)[n % 3],
        codes=("ZOE10",) if n % 4 == 0 else ("TOM",) if n % 7 == 0 else (),
        heard_from=SAID[n % len(SAID)], subscription=f"s{n % 5}" if n % 2 else None,
    )  # fmt: skip


def _click(campaign_id: int, ambassador_id: int) -> None:
    link = links.create(campaign_id=campaign_id, ambassador_id=ambassador_id, slug="zoe")
    at = clock.parse_instant("2025-12-31T23:59:59.999999Z")
    clicks.record([
        clicks.Visit(token=f"t{n}", link_id=link.id, clicked_at=at, kind=kind, has_consent=True,
                     is_paid_traffic=False, ip_hash=None, referrer_host=None, month="2025-12")
        for n, kind in enumerate(ClickKind)
    ])  # fmt: skip


def _rows(copy: engine.Copy, name: str, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    return engine.run(copy, name, SPAN, asked)


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9)
    return type(one) is type(other) and one == other


@pytest.mark.parametrize("name", sorted(path.stem for path in engine.FOLDER.glob("*.sql")))
def test_each_definition_gives_the_same_rows_on_both_engines(both: Both, name: str) -> None:
    for asked in ASKED[name]:
        one, other = _rows(both.duckdb, name, asked), _rows(both.spark, name, asked)
        assert one, f"{asked} has no row to compare"
        assert any(value for row in one for value in row.values()), asked
        assert len(one) == len(other), asked
        for mine, its in zip(one, other, strict=True):
            assert list(mine) == list(its)
            differing = [key for key in mine if not _is_same(mine[key], its[key])]
            assert not differing, (asked, differing, mine, its)


@pytest.mark.parametrize("name", ["members", "members_firsts", "members_subscriptions", "lift"])
def test_columns_are_the_same_arrays_on_both_engines(both: Both, name: str) -> None:
    one, other = (engine.arrays(copy, name, SPAN, GBP) for copy in (both.duckdb, both.spark))
    assert list(one) == list(other)
    for column, values in one.items():
        assert values.dtype == other[column].dtype, column
        assert values.tolist() == other[column].tolist()


def test_a_file_gets_the_same_purchases_block_by_block(both: Both) -> None:
    blocks = list(engine.stream(both.spark, "purchases", SPAN, NO_FILTER, block=60))
    assert [len(block) for block in blocks[:-1]] == [60] * (len(blocks) - 1)
    assert [row for block in blocks for row in block] == _rows(both.duckdb, "purchases", NO_FILTER)


def test_a_reader_sees_the_old_copy_or_the_new_one(both: Both) -> None:
    at = clock.parse_instant("2025-11-05T12:00:00Z")
    intake.take_purchases([purchase_fact(occurred_at=at, currency="GBP", total=77_000_000)])
    db.session.commit()
    fresh = dataclasses.replace(engine.fresh(), engine=both.spark.engine)
    for name, count in (("purchases_totals", "purchases"), ("segments", "customers")):
        asked = ASKED[name][0]
        old, new = (
            sum(row[count] for row in _rows(copy, name, asked)) for copy in (both.spark, fresh)
        )
        assert new == old + 1


def test_a_closed_month_reads_the_same_on_the_other_engine(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    closing.close("2025-12", by="test")
    db.session.commit()
    settings = both.app.extensions["settings"]
    chosen = dataclasses.replace(settings, report_engine="spark", spark_master="local[2]")
    monkeypatch.setitem(both.app.extensions, "settings", chosen)
    assert isinstance(engine.fresh().engine, Spark)
    assert closing.moved("2025-12") == []


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


@pytest.mark.parametrize("harm", [Path.unlink, _cut])
def test_a_lake_that_lost_a_file_is_made_again(
    both: Both, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    folder = shutil.copytree(both.spark.folder, tmp_path / "lake")
    manifest = must(lake.read(folder))
    harm(folder / manifest.facts["purchases"]["2026-01"].path)
    copy = dataclasses.replace(both.spark, folder=folder, manifest=manifest, engine=_spark(folder))
    (found,) = _rows(copy, "purchases_totals", NO_FILTER)
    assert (
        found["purchases"]
        == sum(file.rows for month, file in must(lake.read(folder)).facts["purchases"].items())
        - _rows(both.duckdb, "purchases_totals", NO_FILTER | {"currency": "CHF"})[0]["purchases"]
    )
    assert must(lake.read(folder)).stamp != manifest.stamp


def test_a_wrong_address_of_the_lake_is_told_and_harms_nothing(both: Both) -> None:
    lost = dataclasses.replace(both.spark, engine=_spark(Path("/nowhere")))
    with pytest.raises(UnavailableError):
        _rows(lost, "segments", GBP)
    assert both.spark.folder.joinpath("manifest.json").exists()
