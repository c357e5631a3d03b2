"""The columnar copy follows the database, month by month, and survives a kill."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import shutil
from collections import OrderedDict
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import duckdb
import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ambassadors import program
from core import clock
from core.changes import FactChange
from core.db import db
from core.errors import UnavailableError
from integrations import facts
from referrals.models import Code, Purchase, PurchaseStatus
from reports import acquisition, cac, checks, codes, engine, exports, lake, purchases
from reports.models import period
from rewards import intake
from tests.conftest import NOW, MakeApp, _empty
from tests.factories import (
    make_ambassador,
    make_campaign,
    make_code,
    make_member,
    purchase_fact,
    refund_fact,
)
from tests.reports.conftest import buy


def _folder(app: Flask) -> Path:
    folder: Path = app.extensions["settings"].lake
    return folder


def _refresh(app: Flask, **options: Any) -> lake.Manifest:
    return lake.refresh(_folder(app), **options)


def _marks() -> int:
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).select_from(FactChange)) or 0


def test_only_the_months_that_changed_are_written_again(london: Flask) -> None:
    buy("2026-01-10T12:00+00:00", 1000)
    buy("2026-02-10T12:00+00:00", 2000)
    before = _refresh(london).facts["purchases"]
    assert sorted(before) == ["2026-01", "2026-02"]
    buy("2026-02-11T12:00+00:00", 3000)
    after = _refresh(london).facts["purchases"]
    assert after["2026-01"] == before["2026-01"]
    assert after["2026-02"].path != before["2026-02"].path
    assert after["2026-02"].rows == 2
    assert _marks() == 0


def test_nothing_is_written_when_nothing_changed(london: Flask) -> None:
    buy("2026-01-10T12:00+00:00", 1000)
    first = _refresh(london)
    assert _refresh(london).stamp == first.stamp


def test_a_month_that_became_empty_leaves_the_copy(london: Flask) -> None:
    fact = buy("2026-01-10T12:00+00:00", 1000)
    assert "2026-01" in _refresh(london).facts["purchases"]
    _cancel(fact)
    assert _refresh(london).facts["purchases"] == {}


def _cancel(fact: facts.Purchase) -> None:
    (outcome,) = intake.take_purchases(
        [dataclasses.replace(fact, status="cancelled")], on_other_facts="keep"
    )
    assert outcome.problem is None
    db.session.commit()


def test_a_month_is_that_of_the_programs_clock(london: Flask) -> None:
    buy("2026-03-31T23:30+01:00", 1)  # still March in London, in summer time
    buy("2026-04-01T00:30+01:00", 20)  # April in London, March in UTC
    buy("2026-01-01T00:00+00:00", 300)
    buy("2025-12-31T23:59:59.999999+00:00", 4000)
    rows = acquisition.report(period("2025-12", "2026-04"), "GBP").rows
    assert [row.gross for row in rows] == [4000, 300, 0, 1, 20]


def test_another_time_zone_moves_the_months(london: Flask) -> None:
    buy("2026-01-31T23:30+00:00", 100)
    assert list(_refresh(london).facts["purchases"]) == ["2026-01"]
    program.set_rules({"timezone": "Europe/Paris"})
    db.session.commit()
    assert list(_refresh(london).facts["purchases"]) == ["2026-02"]


def test_a_copy_of_another_database_is_not_used(london: Flask) -> None:
    buy("2026-01-10T12:00+00:00", 1000)
    mine = _refresh(london)
    foreign = lake.read(_folder(london))
    assert foreign is not None
    text = (_folder(london) / "manifest.json").read_text().replace(mine.lake_id, "f" * 16)
    (_folder(london) / "manifest.json").write_text(text)
    again = _refresh(london)
    assert again.lake_id == mine.lake_id
    assert again.stamp != mine.stamp
    assert again.facts["purchases"]["2026-01"].rows == 1


def test_a_damaged_manifest_is_made_anew(london: Flask) -> None:
    buy("2026-01-10T12:00+00:00", 1000)
    _refresh(london)
    (_folder(london) / "manifest.json").write_text('{"layout": 1')
    assert _refresh(london).facts["purchases"]["2026-01"].rows == 1


STEPS = ("_snapshot", "_written", "_to_parquet", "_remove_orphans", "_swap", "_remove_marks")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_any_step_loses_nothing(
    london: Flask, monkeypatch: pytest.MonkeyPatch, step: str, when: str
) -> None:
    buy("2026-01-10T12:00+00:00", 1000)
    _refresh(london)
    buy("2026-01-11T12:00+00:00", 500)
    whole = getattr(lake, step)

    class Killed(BaseException):
        pass

    def stop(*args: Any, **options: Any) -> Any:
        if when == "after":
            whole(*args, **options)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(lake, step, stop)
        with pytest.raises(Killed):
            _refresh(london)
    left = lake.read(_folder(london))
    assert left is not None
    copy = engine.Copy(_folder(london), left)
    seen = engine.run(copy, "acquisition", period("2026-01", "2026-01"), {"currency": "GBP"})
    assert seen[0]["gross"] in {1000, 1500}  # the old copy or the new one
    assert acquisition.report(period("2026-01", "2026-01"), "GBP").totals.gross == 1500
    assert _marks() == 0


def test_what_is_written_during_a_refresh_comes_with_the_next(
    london: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    buy("2026-01-10T12:00+00:00", 1000)
    swap = lake._swap

    def slow(folder: Path, manifest: lake.Manifest) -> None:
        buy("2026-01-11T12:00+00:00", 500)
        swap(folder, manifest)

    with monkeypatch.context() as patch:
        patch.setattr(lake, "_swap", slow)
        assert _refresh(london).facts["purchases"]["2026-01"].rows == 1
    assert _refresh(london).facts["purchases"]["2026-01"].rows == 2


def test_a_reader_of_the_old_manifest_finds_its_files_for_a_while(london: Flask) -> None:
    buy("2026-01-10T12:00+00:00", 1000)
    old = engine.Copy(_folder(london), _refresh(london))
    buy("2026-01-11T12:00+00:00", 500)
    _refresh(london)
    seen = engine.run(old, "acquisition", period("2026-01", "2026-01"), {"currency": "GBP"})
    assert seen[0]["gross"] == 1000
    with clock.frozen(NOW + timedelta(minutes=11)):
        buy("2026-01-12T12:00+00:00", 500)
        _refresh(london)
    path = _folder(london) / old.manifest.facts["purchases"]["2026-01"].path
    assert not path.exists()


def test_a_reader_whose_files_are_gone_takes_the_next_manifest(london: Flask) -> None:
    buy("2026-01-10T12:00+00:00", 1000)
    old = engine.Copy(_folder(london), _refresh(london))
    (old.folder / old.manifest.facts["purchases"]["2026-01"].path).unlink()
    program.set_rules({"timezone": "Europe/Dublin"})  # the copy starts anew
    db.session.commit()
    seen = engine.run(old, "acquisition", period("2026-01", "2026-01"), {"currency": "GBP"})
    assert seen[0]["gross"] == 1000


@pytest.mark.parametrize("harm", ["gone", "cut", "folder"])
def test_a_copy_whose_files_are_gone_or_damaged_is_made_anew(london: Flask, harm: str) -> None:
    buy("2026-01-10T12:00+00:00", 1000)
    path = _folder(london) / _refresh(london).facts["purchases"]["2026-01"].path
    if harm == "folder":
        shutil.rmtree(path.parents[1])
    elif harm == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:40])
    assert acquisition.report(period("2026-01", "2026-01"), "GBP").totals.gross == 1000
    assert engine.fresh().manifest.facts["purchases"]["2026-01"].rows == 1


def test_only_another_time_zone_makes_the_copy_anew(london: Flask) -> None:
    buy("2026-01-10T12:00+00:00", 1000)
    first = _refresh(london)
    program.set_rules({"name": "Another", "hold_days": "7"})
    db.session.commit()
    assert _refresh(london).stamp == first.stamp
    for zone in ("Europe/Paris", "Europe/London"):  # there and back: marks were told in Paris
        program.set_rules({"timezone": zone})
        db.session.commit()
    assert _refresh(london).stamp != first.stamp


def test_a_copy_that_is_made_anew_goes_from_whole_to_whole(
    london: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    buy("2026-01-10T12:00+00:00", 1000)
    old = _refresh(london)
    program.set_rules({"timezone": "Europe/Paris"})
    db.session.commit()

    class Killed(BaseException):
        pass

    def stop(*args: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(lake, "_swap", stop)
        with pytest.raises(Killed):
            _refresh(london)
    assert lake.read(_folder(london)) == old
    assert (_folder(london) / old.facts["purchases"]["2026-01"].path).exists()


def test_a_full_disk_leaves_the_old_copy_and_says_so_where_there_is_none(
    london: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    buy("2026-01-10T12:00+00:00", 1000)
    with monkeypatch.context() as patch:
        patch.setattr(lake, "_to_parquet", full)
        with pytest.raises(UnavailableError):
            _refresh(london)
    first = _refresh(london)
    buy("2026-01-11T12:00+00:00", 500)
    with monkeypatch.context() as patch:
        patch.setattr(lake, "_to_parquet", full)
        assert _refresh(london) == lake.read(_folder(london))
    assert _refresh(london).stamp != first.stamp
    assert _marks() == 0


def test_a_database_that_takes_no_writes_still_gives_fresh_figures(
    london: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    buy("2026-01-10T12:00+00:00", 1000)

    def held() -> NoReturn:
        raise sa.exc.OperationalError("BEGIN IMMEDIATE", {}, Exception("database is locked"))

    with monkeypatch.context() as patch:
        patch.setattr(lake, "writing", held)
        assert acquisition.report(period("2026-01", "2026-01"), "GBP").totals.gross == 1000
    assert _marks() > 0
    assert acquisition.report(period("2026-01", "2026-01"), "GBP").totals.gross == 1000
    assert _marks() == 0


def test_long_answers_are_not_kept_in_memory(
    london: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in range(1, 4):
        buy(f"2026-01-0{day}T12:00+00:00", 1000)
    monkeypatch.setattr(engine, "LONGEST_KNOWN", 2)
    monkeypatch.setattr(engine, "_answers", OrderedDict())
    span, copy = period("2026-01", "2026-01"), engine.fresh()
    rows = purchases.page(copy, span, "GBP", purchases.Filter(), limit=3)
    assert [row.day.day for row in rows] == [3, 2, 1]
    assert not engine._answers
    assert list(purchases.every(copy, span, "GBP", purchases.Filter())) == rows
    assert not engine._answers


def test_a_second_refresh_waits_its_turn_and_gives_the_present_copy(london: Flask) -> None:
    with lake._lock(_made(_folder(london)), 0) as is_ours:
        assert is_ours
        with pytest.raises(UnavailableError):
            _refresh(london, wait=0)
    buy("2026-01-10T12:00+00:00", 1000)
    first = _refresh(london)
    buy("2026-01-11T12:00+00:00", 500)
    with lake._lock(_folder(london), 0):
        assert _refresh(london, wait=0).stamp == first.stamp
    assert _refresh(london).stamp != first.stamp


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_a_large_refresh_is_left_to_the_worker(london: Flask) -> None:
    buy("2026-01-10T12:00+00:00", 1000)
    first = _refresh(london)
    with clock.frozen(NOW + timedelta(hours=1)):
        buy("2026-01-11T12:00+00:00", 500)
        assert _refresh(london, most_rows=0).as_of == first.as_of
        assert _refresh(london, most_rows=10).as_of == NOW + timedelta(hours=1)


def test_odd_texts_survive_the_way_into_the_copy(london: Flask) -> None:
    odd = 'a "quoted", ; line\r\nand \\ é 漢 😀 \'x'
    buy("2026-01-10T12:00+00:00", 1000)
    db.session.execute(sa.update(Purchase).values(heard_from=odd))  # no door lets a line break in
    db.session.commit()
    copy = engine.fresh()
    rows = engine.run(copy, "purchases", period("2026-01", "2026-01"), _no_filter())
    assert rows[0]["total"] == 1000
    path = copy.folder / copy.manifest.facts["purchases"]["2026-01"].path
    found = duckdb.connect().execute(f"SELECT heard_from FROM read_parquet('{path}')").fetchone()
    assert found is not None
    assert found[0] == odd


def _no_filter() -> dict[str, Any]:
    return {
        "currency": "GBP", "code": None, "customers": None, "channel": None, "with_code": False,
        "refunded": False, "commission": False, "survey": None, "country": None, "campaign": None,
        "ambassadors": None, "cohort": None, "segment": None, "customer": None,
        "before_at": None, "before_id": None, "limit": 10,
    }  # fmt: skip


def test_both_databases_give_the_same_bytes(make_app: MakeApp) -> None:
    digests = set()
    for kind in ("sqlite", "postgresql"):
        app = make_app(kind)
        with clock.frozen(NOW), app.app_context():
            try:
                digests.add(_digest_of_a_year(app))
            finally:
                db.session.remove()
                _empty(app)
    assert len(digests) == 1


def _digest_of_a_year(app: Flask) -> str:
    program.set_rules({"currency": "GBP", "timezone": "Europe/London"})
    campaign = make_campaign(slug="same", rule={"hold_days": 0}, currency="GBP")
    owner = make_ambassador(
        member=make_member(external_id="crm-1", name="Zoé"),
        enrolled_at=clock.parse_instant("2020-01-01T00:00:00Z"),
    )
    make_code("SAME", campaign_id=campaign.id, ambassador_id=owner.id)
    start = clock.parse_instant("2025-03-28T22:30:00Z")
    for n in range(30):
        fact = purchase_fact(
            external_id=f"o{n}", email=f"same{n % 11}@example.com" if n % 7 else None,
            total=997 * n, currency="GBP", codes=("same",) if n % 3 == 0 else (), discount=n,
            occurred_at=start + timedelta(hours=97 * n, microseconds=n),
        )  # fmt: skip
        intake.take_purchases([fact])
    db.session.commit()
    span = period("2025-03", "2025-08")
    made = [make(span, "GBP") for make in (acquisition.report, codes.report, cac.report)]
    return hashlib.sha256(b"".join(map(exports.to_json, made))).hexdigest()


@settings(
    max_examples=12, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(
    acts=st.lists(
        st.tuples(
            st.sampled_from(["buy", "buy_with_code", "buy_unknown", "refund", "cancel", "look"]),
            st.integers(0, 5),
            st.integers(0, 120),
            st.integers(1, 50_000),
        ),
        max_size=14,
    )
)
def test_the_copy_equals_the_database_after_any_history(
    zoe: Code, acts: list[tuple[str, int, int, int]]
) -> None:
    told: list[facts.Purchase] = []
    for act, who, days, amount in acts:
        if act == "refund" and told:
            fact = told[who % len(told)]
            intake.take_refunds([refund_fact(fact, min(amount, fact.total))])
        elif act == "cancel" and told:
            _cancel(told[who % len(told)])
        elif act == "look":
            engine.fresh()
        elif act.startswith("buy"):
            at = NOW - timedelta(days=days, hours=who)
            told.append(
                buy(
                    at.isoformat(), amount, discount=who, codes=("ZOE10",) if "code" in act else (),
                    email=None if "unknown" in act else f"p{who}@example.com",
                )
            )  # fmt: skip
        db.session.commit()
    assert checks.totals_equal_ledger() == []
    _new_customers_agree()


def _new_customers_agree() -> None:
    """Count new customers straight from the orders: the first paid one of each."""
    paid = db.session.scalars(
        sa.select(Purchase)
        .where(Purchase.status == PurchaseStatus.PAID)
        .order_by(Purchase.occurred_at, Purchase.id)
    )
    firsts: dict[int, str] = {}
    for one in paid:
        if one.customer_id is not None:
            month = clock.local_month(one.occurred_at, "Europe/London")
            firsts.setdefault(one.customer_id, month)
    rows = acquisition.report(period("2025-09", "2026-03"), "GBP").rows
    assert {row.month: row.new_customers for row in rows if row.new_customers} == {
        month: list(firsts.values()).count(month) for month in set(firsts.values())
    }


def test_a_large_import_into_a_month_without_a_file_is_left_to_the_worker(london: Flask) -> None:
    buy("2026-01-10T12:00+00:00", 1000)
    first = _refresh(london)
    for day in (11, 12, 13):
        buy(f"2026-02-{day}T12:00+00:00", 500)
    assert _refresh(london, most_rows=2).stamp == first.stamp
    assert _refresh(london, most_rows=3).facts["purchases"]["2026-02"].rows == 3
