"""Files of rates: those of the European Central Bank, and a simple one of one's own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from accounts.models import AuditLine
from campaigns.models import RewardKind
from core import clock
from core.db import db
from integrations.tables import Table
from rewards import intake, jobs_rates, rate_files, verify
from rewards.models import Commission, CurrencyRate, RateWait
from tests.conftest import NOW
from tests.factories import make_campaign, make_code, purchase_fact

HISTORY = """Date,USD,JPY,CYP,ISK,
2026-02-27,1.0823,162.35,N/A,145.1,
2026-02-26,1.0801,161.9,N/A,N/A,
2003-01-02,1.0423,124.4,0.57316,,
"""
DAILY = "Date, USD, JPY, \n27 February 2026, 1.0823, 162.35, \n"
FRIDAY = date(2026, 2, 27)


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write(text: str) -> Path:
        path = tmp_path / "rates.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def run(app: Flask, *args: str) -> Any:
    db.session.commit()
    return app.test_cli_runner().invoke(args=["rates", *args])


def recorded() -> list[tuple[str, str, str, str, str]]:
    db.session.rollback()
    rows = db.session.scalars(sa.select(CurrencyRate).order_by(CurrencyRate.on, CurrencyRate.quote))
    return [(r.on.isoformat(), r.base, r.quote, f"{r.value:f}", r.source) for r in rows]


def test_the_history_of_the_bank_is_read_with_days_without_a_rate(app: Flask, write: Any) -> None:
    done = run(app, "import", str(write(HISTORY)))
    assert done.exit_code == 0, done.output
    assert recorded() == [
        ("2003-01-02", "EUR", "JPY", "124.4", "ecb"),
        ("2003-01-02", "EUR", "USD", "1.0423", "ecb"),
        ("2026-02-26", "EUR", "JPY", "161.9", "ecb"),
        ("2026-02-26", "EUR", "USD", "1.0801", "ecb"),
        ("2026-02-27", "EUR", "ISK", "145.1", "ecb"),
        ("2026-02-27", "EUR", "JPY", "162.35", "ecb"),
        ("2026-02-27", "EUR", "USD", "1.0823", "ecb"),
    ]
    assert "left out, as they exist no longer: CYP" in done.output
    assert "7 created, 0 unchanged, 0 corrected, 0 rejected" in done.output
    again = run(app, "import", str(write(HISTORY)))
    assert "0 created, 7 unchanged" in again.output


def test_the_daily_file_of_the_bank_is_read(app: Flask, write: Any) -> None:
    assert run(app, "import", str(write(DAILY))).exit_code == 0
    assert [row[:4] for row in recorded()] == [
        ("2026-02-27", "EUR", "JPY", "162.35"), ("2026-02-27", "EUR", "USD", "1.0823"),
    ]  # fmt: skip


def test_a_file_of_one_s_own_names_its_source_and_may_be_turned_round(
    app: Flask, write: Any
) -> None:
    own = "date;currency;rate\n2026-02-27;USD;1,0823\n2026-02-27;CHF;0,94\n"
    assert run(app, "import", str(write(own)), "--source", "Bank").exit_code == 0
    assert recorded() == [
        ("2026-02-27", "EUR", "CHF", "0.94", "bank"),
        ("2026-02-27", "EUR", "USD", "1.0823", "bank"),
    ]
    turned = "date,currency,rate\n2026-02-26,USD,0.9239\n"
    assert run(app, "import", str(write(turned)), "--turned").exit_code == 0
    assert recorded()[0] == ("2026-02-26", "USD", "EUR", "0.9239", "own")


def test_lines_that_cannot_be_read_are_kept_with_their_reasons(app: Flask, write: Any) -> None:
    lines = [
        "date,currency,rate", "2026-02-27,USD,1.0823", "2026-02-30,USD,1.1", "27.02.2026,USD,1.1",
        "2026-02-26,XXY,1.1", "2026-02-26,USD,-1", "2026-02-26,USD,N/A", "2026-02-26,EUR,1",
        "2026-02-25", "2030-01-01,USD,1.1", "2026-02-24,GBP,0.8",
    ]  # fmt: skip
    path = write("\n".join(lines))
    done = run(app, "import", str(path))
    assert done.exit_code == 0, done.output
    assert "2 created, 0 unchanged, 0 corrected, 8 rejected" in done.output
    kept = path.with_name("rates.csv.rejected.csv").read_text()
    assert [line.split(",")[0] for line in kept.splitlines()[1:]] == [*list("3456789"), "10"]


def test_one_bad_cell_refuses_its_line_and_no_other(app: Flask, write: Any) -> None:
    text = HISTORY.replace("161.9", "x61.9")
    done = run(app, "import", str(write(text)))
    assert "5 created, 0 unchanged, 0 corrected, 1 rejected" in done.output
    assert "2026-02-26" not in {row[0] for row in recorded()}


@pytest.mark.parametrize(
    "text", ["a,b\n1,2\n", "date,currency,rate\n2026-02-27,USD,1,234\n", "", "Date\n2026-02-27\n"]
)
def test_a_file_that_is_none_of_rates_is_refused_in_a_sentence(
    app: Flask, write: Any, text: str
) -> None:
    done = run(app, "import", str(write(text)))
    assert recorded() == []
    assert done.exit_code == 1 or "1 rejected" in done.output


def test_a_rate_that_could_be_read_in_two_ways_is_asked_about(app: Flask, write: Any) -> None:
    path = str(write("date;currency;rate\n2026-02-27;USD;1,082\n"))
    assert "two ways" in run(app, "import", path).output
    assert run(app, "import", path, "--decimal", ",").exit_code == 0
    assert recorded()[0][3] == "1.082"


def test_a_correction_is_kept_in_the_audit_log_with_both_values(app: Flask, write: Any) -> None:
    run(app, "import", str(write(HISTORY)))
    done = run(app, "import", str(write(HISTORY.replace("1.0823", "1.0832"))))
    assert "0 created, 6 unchanged, 1 corrected" in done.output
    lines = db.session.scalars(sa.select(AuditLine).order_by(AuditLine.id))
    acts = {line.act: line.details for line in lines}
    assert acts["rates.correct"]["rates"] == [
        {"on": "2026-02-27", "pair": "EUR/USD", "before": "1.0823", "after": "1.0832"}
    ]
    assert acts["rates.import"]["corrected"] == 1


def test_a_dry_run_tells_the_same_and_writes_nothing(app: Flask, write: Any) -> None:
    done = run(app, "import", str(write(HISTORY)), "--dry-run")
    assert "Would be: 7 created" in done.output
    assert recorded() == []
    assert db.session.scalars(sa.select(AuditLine)).all() == []


def foreign_order(**told: Any) -> None:
    rule = {"kind": RewardKind.FIXED, "rate": None, "amount": 500}
    make_code("ZOE10", campaign_id=make_campaign(rule=rule).id)
    intake.take_purchases([purchase_fact(codes=("ZOE10",), currency="USD", **told)])
    db.session.commit()


def test_importing_the_rate_pays_what_awaited_it(app: Flask, write: Any) -> None:
    foreign_order()
    assert "1 await EUR/USD of 2026-03-01 to 2026-03-01" in run(app, "waiting").output
    assert "0 left the queue, 1 wait" in run(app, "settle").output
    assert "1 purchases that awaited a rate are settled" in run(
        app, "import", str(write(HISTORY))
    ).output  # fmt: skip
    assert db.session.scalars(sa.select(Commission.amount)).one() == 541
    assert "No purchase awaits a rate" in run(app, "waiting").output


def test_two_imports_at_once_settle_the_queue_once(app: Flask, write: Any) -> None:
    foreign_order()
    path, start = write(HISTORY), Barrier(2)

    def work(_number: int) -> None:
        with app.app_context(), clock.frozen(NOW):
            table = Table(path)
            layout = rate_files.recognise(table, currency="EUR")
            db.session.rollback()
            start.wait(timeout=5)
            jobs_rates.import_file(table, layout, name="rates.csv")
            jobs_rates.settle_waiting()
            db.session.remove()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))
    assert len(recorded()) == 7
    assert db.session.scalars(sa.select(Commission.amount)).all() == [541]
    assert db.session.scalars(sa.select(RateWait)).all() == []
    assert verify.breaches() == []
