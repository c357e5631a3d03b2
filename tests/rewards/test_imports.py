"""Importing files: what is recorded, what is refused, and what an interruption leaves."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import signal
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import sqlalchemy.exc
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import AuditLine, RoleName
from ambassadors.models import Ambassador, Member
from core import clock, jobs
from core.db import db
from core.jobs import Job, JobState
from integrations import facts
from referrals.models import (
    Attribution,
    Code,
    Customer,
    CustomerIdentity,
    Purchase,
    PurchaseStatus,
    Refund,
)  # fmt: skip
from rewards import imports, intake, jobs_imports
from rewards.models import Commission, Entry
from tests.conftest import NOW
from tests.factories import (
    make_ambassador,
    make_campaign,
    make_code,
    make_member,
    make_user,
    purchase_fact,
    refund_fact,
    sign_in,
)  # fmt: skip

DATA = Path(__file__).parents[1] / "data"
HEADER = "external_id,occurred_at,currency,total,email,codes,refunded"
COUNTED = (Purchase, Refund, Attribution, Commission, Entry, Customer)

Import = Callable[..., Result]


@pytest.fixture
def run(app: Flask) -> Import:
    """Return the command `flask import`."""

    def invoke(*args: object) -> Result:
        db.session.commit()  # what the test prepared
        return app.test_cli_runner().invoke(args=["import", *map(str, args)])

    return invoke


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "BATCH_ROWS", 2)


def order(number: int, **told: object) -> str:
    row = {
        "external_id": f"A-{number}", "occurred_at": f"2026-02-01T10:{number:02}:00Z",
        "currency": "EUR", "total": "100.00", "email": f"friend{number}@example.com", "codes": "",
        "refunded": "",
    } | told  # fmt: skip
    return ",".join(str(row[name]) for name in HEADER.split(","))


def written(folder: Path, *lines: str, name: str = "orders.csv") -> Path:
    path = folder / name
    path.write_text("\n".join([HEADER, *lines]) + "\n")
    return path


def rows_of(*tables: Any) -> list[int]:
    db.session.rollback()
    return [db.session.scalar(sa.select(sa.func.count()).select_from(t)) or 0 for t in tables]


def rejected_of(path: Path) -> list[dict[str, str]]:
    with path.with_name(f"{path.name}.rejected.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def audited(act: str) -> list[dict[str, Any]]:
    query = sa.select(AuditLine.details).where(AuditLine.act == act).order_by(AuditLine.id)
    return list(db.session.scalars(query))


def test_an_export_becomes_purchases_refunds_and_commissions(run: Import) -> None:
    make_code("AMB001")
    result = run("purchases", DATA / "shopify_orders.csv")
    assert result.exit_code == 0, result.output
    assert "Shopify" in result.output
    assert "7 created, 0 updated, 0 unchanged, 0 rejected" in result.output
    second = db.session.scalars(sa.select(Purchase).filter_by(external_id="#1002")).one()
    assert (second.source, second.refunded, second.net_amount) == ("shopify", 2_000, 5_000)
    assert rows_of(Purchase, Refund, Commission) == [7, 2, 2]
    assert audited("purchases.import")[0]["created"] == 7


def test_a_second_run_adds_nothing(run: Import, tmp_path: Path) -> None:
    make_code("AMB001")
    run("purchases", DATA / "shopify_orders.csv")
    before = rows_of(*COUNTED)
    result = run("purchases", DATA / "shopify_orders.csv")
    assert "0 created, 0 updated, 7 unchanged, 0 rejected" in result.output
    assert rows_of(*COUNTED) == before


def test_a_later_export_adds_only_the_difference_of_its_refunds(
    run: Import, tmp_path: Path
) -> None:
    for refunded in ("10.00", "10.00", "25.00", "10.00"):
        result = run("purchases", written(tmp_path, order(1, refunded=refunded)))
        assert result.exit_code == 0
    refunds = db.session.execute(sa.select(Refund.external_id, Refund.amount).order_by(Refund.id))
    assert [tuple(row) for row in refunds] == [("A-1:1000", 1_000), ("A-1:2500", 1_500)]


def test_a_refund_that_is_known_from_elsewhere_is_not_recorded_again(
    run: Import, tmp_path: Path
) -> None:
    path = written(tmp_path, order(1))
    run("purchases", path)
    told = purchase_fact(source="import", external_id="A-1")
    intake.take_refunds([refund_fact(told, 1_000)])
    result = run("purchases", written(tmp_path, order(1, refunded="10.00")))
    assert "1 unchanged" in result.output
    assert rows_of(Refund) == [1]


def test_a_state_moves_forward_with_a_later_export(run: Import, tmp_path: Path) -> None:
    source = (DATA / "shopify_orders.csv").read_text()
    run("purchases", DATA / "shopify_orders.csv")
    later = tmp_path / "later.csv"
    later.write_text(re.sub(r"(#1006,,)pending", r"\1paid", source))
    result = run("purchases", later)
    assert "1 updated" in result.output
    paid = db.session.scalars(sa.select(Purchase).filter_by(external_id="#1006")).one()
    assert paid.status is PurchaseStatus.PAID


def test_the_same_order_with_other_facts_is_rejected_with_its_reason(
    run: Import, tmp_path: Path
) -> None:
    path = written(tmp_path, order(1), order(1, total="90.00"), order(2))
    result = run("purchases", path)
    assert "2 created, 0 updated, 0 unchanged, 1 rejected" in result.output
    (refused,) = rejected_of(path)
    assert refused["rejected_line"] == "3"
    assert "other facts" in refused["rejected_reason"]
    assert db.session.scalars(sa.select(Purchase.total).order_by(Purchase.id)).all() == [10_000] * 2


def test_a_dry_run_writes_nothing_and_still_tells_what_is_wrong(
    run: Import, tmp_path: Path
) -> None:
    path = written(tmp_path, order(1, refunded="5.00"), order(2, total="NaN"))
    result = run("purchases", path, "--dry-run")
    assert "Would be: 1 created, 0 updated, 0 unchanged, 1 rejected" in result.output
    assert rows_of(*COUNTED, AuditLine) == [0] * (len(COUNTED) + 1)
    assert rejected_of(path)[0]["external_id"] == "A-2"


def test_refused_lines_can_be_mended_and_imported(run: Import, tmp_path: Path) -> None:
    path = written(
        tmp_path, order(1), order(2, currency="XXX"), order(3, total="-1"), order(4, refunded="999")
    )
    assert "1 created, 0 updated, 0 unchanged, 3 rejected" in run("purchases", path).output
    kept = path.with_name("orders.csv.rejected.csv")
    mended = kept.read_text().replace("XXX", "EUR").replace("-1,", "7.00,").replace("999", "9.00")
    kept.write_text(mended)
    assert "3 created, 0 updated, 0 unchanged, 0 rejected" in run("purchases", kept).output
    assert rows_of(Purchase, Refund) == [4, 1]


def test_columns_are_named_by_the_operator(run: Import, tmp_path: Path) -> None:
    path = tmp_path / "till.csv"
    path.write_text("Ticket;Jour;Somme\n7;31/01/2026;12,50\n")
    said = [f"--map={pair}" for pair in ("external_id=Ticket", "occurred_at=Jour", "total=Somme")]
    result = run("purchases", path, *said, "--source", "fair")
    assert "amounts as 12,50" in result.output
    assert "no currency in the file: EUR" in result.output
    purchase = db.session.scalars(sa.select(Purchase)).one()
    assert (purchase.source, purchase.external_id, purchase.total) == ("fair", "7", 1_250)


@pytest.mark.parametrize(
    ("content", "args", "why"),
    [
        (None, (), "cannot be read"),
        ("", (), "empty"),
        ("a,b\n1,2\n", (), "No column was found"),
        (f"{HEADER}\n{order(1)}", ("--map", "total"), "FIELD=COLUMN"),
        (f"{HEADER}\n{order(1)}", ("--map", "total=Nowhere"), "no column"),
        (f"{HEADER}\n{order(1, occurred_at='03/04/2026')}", (), "dmy or mdy"),
    ],
)
def test_a_file_that_cannot_be_read_fails_with_a_sentence(
    run: Import, tmp_path: Path, content: str | None, args: Sequence[str], why: str
) -> None:
    path = tmp_path / "file.csv"
    if content is not None:
        path.write_text(content)
    result = run("purchases", path, *args)
    assert result.exit_code != 0
    assert why in result.output
    assert "Traceback" not in result.output
    assert rows_of(Purchase) == [0]


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a maker of trouble: what to do when the nth batch comes."""
    real = intake.take_purchases

    def at(number: int, act: Callable[[], None]) -> None:
        seen = iter(range(1, 1000))

        def take(told: Sequence[facts.Purchase], **how: Any) -> Any:
            if next(seen) == number:
                act()
            return real(told, **how)

        monkeypatch.setattr(intake, "take_purchases", take)

    return at


def test_a_crash_loses_only_the_batch_in_hand_and_a_rerun_completes(
    run: Import,
    tmp_path: Path,
    small_batches: None,
    interrupted: Callable[..., None],
) -> None:
    path = written(tmp_path, *map(order, range(1, 6)))

    def crash() -> None:
        raise RuntimeError("the machine stopped")

    interrupted(2, crash)
    assert run("purchases", path).exit_code == 1
    assert rows_of(Purchase) == [2]
    assert "3 created, 0 updated, 2 unchanged" in run("purchases", path).output
    assert sorted(p.name for p in tmp_path.iterdir()) == ["orders.csv"]


def test_sigterm_ends_between_two_batches(
    run: Import, tmp_path: Path, small_batches: None, interrupted: Callable[..., None]
) -> None:
    path = written(tmp_path, *map(order, range(1, 6)))
    interrupted(1, lambda: os.kill(os.getpid(), signal.SIGTERM))
    result = run("purchases", path)
    assert result.exit_code == 143
    assert "again to go on" in result.output
    assert rows_of(Purchase) == [2]
    assert audited("purchases.import")[0]["stopped"] is True
    assert "3 created, 0 updated, 2 unchanged" in run("purchases", path).output


def test_a_busy_database_is_tried_again(
    run: Import,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    interrupted: Callable[..., None],
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("rewards.jobs_imports.time.sleep", waits.append)

    def busy() -> None:
        raise sqlalchemy.exc.OperationalError("", {}, Exception("database is locked"))

    interrupted(1, busy)
    path = written(tmp_path, order(1), order(2, total="x"))
    assert "1 created, 0 updated, 0 unchanged, 1 rejected" in run("purchases", path).output
    assert waits == [1]
    assert len(rejected_of(path)) == 1


def test_the_real_export_is_recorded_once(run: Import, shared_data: Path, tmp_path: Path) -> None:
    path = tmp_path / "export.csv.gz"
    shutil.copy(shared_data / "orders" / "shopify_orders_export.csv.gz", path)
    result = run("purchases", path)
    assert "8,890 created, 0 updated, 0 unchanged, 0 rejected" in result.output
    assert "0 created, 0 updated, 8,890 unchanged, 0 rejected" in run("purchases", path).output
    totals = sa.select(sa.func.sum(Purchase.total), sa.func.sum(Purchase.refunded))
    assert tuple(db.session.execute(totals).one()) == (381_534_640, 19_191_802)
    with_code = db.session.scalars(sa.select(Purchase.codes)).all()
    assert sum(bool(codes) for codes in with_code) == 1_684


def people(folder: Path, text: str) -> Path:
    path = folder / "people.csv"
    path.write_text(text)
    return path


def test_ambassadors_come_with_their_codes_and_only_once(run: Import, tmp_path: Path) -> None:
    make_campaign(slug="spring")
    path = people(tmp_path, (
        "external_id,email,name,kind,country,locale,joined_on,codes,campaign\n"
        "m1,zoe@example.com,Zoé,customer,FR,fr,2025-06-01,ZOE10 ZOEGIFT,spring\n"
        "m2,,Tom,partner,GB,en,,TOM15,spring\n"
    ))  # fmt: skip
    result = run("ambassadors", path)
    assert "2 created, 0 updated, 0 unchanged, 0 rejected" in result.output, result.output
    assert rows_of(Member, Ambassador, Code) == [2, 2, 3]
    assert "0 created, 0 updated, 2 unchanged, 0 rejected" in run("ambassadors", path).output
    assert rows_of(Member, Ambassador, Code) == [2, 2, 3]
    assert len(audited("ambassadors.import")) == 2


def test_wrong_lines_of_ambassadors_harm_no_other(run: Import, tmp_path: Path) -> None:
    make_campaign(slug="spring")
    make_code("TAKEN")
    path = people(tmp_path, (
        "external_id,email,name,kind,joined_on,codes\n"
        "m1,,Zoé,customer,,ZOE10\n"
        "m2,,Tom,robot,,\n"
        "m3,,Ana,customer,31.12.2025,\n"
        "m4,,Eve,customer,,TAKEN\n"
        ",,Nobody,customer,,\n"
    ))  # fmt: skip
    result = run("ambassadors", path, "--campaign", "spring")
    assert "1 created, 0 updated, 0 unchanged, 4 rejected" in result.output
    reasons = [row["rejected_reason"] for row in rejected_of(path)]
    assert "somebody else's" in reasons[2]
    assert db.session.scalars(sa.select(Code.key).order_by(Code.key)).all() == ["TAKEN", "ZOE10"]


def test_customers_are_linked_to_members_and_their_credit_decided_again(
    run: Import, tmp_path: Path
) -> None:
    ambassador = make_ambassador(member=make_member(external_id="m1"))
    ambassador_id, member_id = ambassador.id, ambassador.member_id
    make_code("ZOE10", ambassador_id=ambassador_id)
    told = purchase_fact(
        source="shop", external_id="1", email=None, customer_external_id="c1", codes=("ZOE10",)
    )
    intake.take_purchases([told])
    assert db.session.scalars(sa.select(Attribution.ambassador_id)).one() == ambassador_id
    path = people(tmp_path, (
        "external_id,email,country,member_external_id\n"
        "c1,zoe@example.com,France,m1\n"
        "c2,,,nobody\n"
        ",new@example.com,,\n"
    ))  # fmt: skip
    result = run("customers", path, "--source", "shop")
    assert "1 created, 1 updated, 0 unchanged, 1 rejected" in result.output, result.output
    linked = db.session.scalars(sa.select(Customer).where(Customer.member_id.is_not(None))).one()
    assert (linked.member_id, linked.country) == (member_id, "FR")
    assert db.session.scalars(sa.select(Attribution.ambassador_id)).one() is None
    assert rows_of(CustomerIdentity) == [4]


def test_a_line_of_people_that_cannot_be_is_refused_in_a_sentence_and_harms_no_other(
    run: Import, tmp_path: Path
) -> None:
    path = people(tmp_path, (
        "external_id,country\n"
        "c1,Nowhereland\n"
        f"{'x' * 151},\n"
        "c2,France\n"
    ))  # fmt: skip
    result = run("customers", path, "--source", "shop")
    assert "1 created, 0 updated, 0 unchanged, 2 rejected" in result.output, result.output
    assert db.session.scalars(sa.select(Customer.country)).all() == ["FR"]
    reasons = [row["rejected_reason"] for row in rejected_of(path)]
    assert ["not a country" in reasons[0], "150 characters" in reasons[1]] == [True, True]
    path = people(tmp_path, (
        "external_id,name,kind,joined_on\n"
        "m1,Ana,blogger,\n"
        "m2,Zoé,customer,31/03/2026\n"
    ))  # fmt: skip
    assert "2 rejected" in run("ambassadors", path).output
    reasons = [row["rejected_reason"] for row in rejected_of(path)]
    assert reasons[0].startswith("“blogger” is not a kind of ambassador; one of customer, ")
    assert reasons[1].startswith("“31/03/2026” is not a day such as 2026-03-31.")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the jobs for which a thread would have been started."""
    ids: list[int] = []
    monkeypatch.setattr(jobs_imports, "start_thread", ids.append)
    return ids


@pytest.fixture
def marketer(app: Flask, client: FlaskClient) -> FlaskClient:
    shutil.rmtree(Path(app.instance_path) / "uploads", ignore_errors=True)
    sign_in(client, make_user(RoleName.MARKETER))
    return client


def upload(browser: FlaskClient, text: str, *, name: str = "shop/orders été.csv") -> Any:
    file = (io.BytesIO(text.encode()), name)
    return browser.post("/console/imports", data={"file": file}, follow_redirects=True)


def job_of(browser: FlaskClient, text: str, **said: str) -> int:
    page = upload(browser, text)
    answer = browser.post(page.request.path, data={"act": "start", "format": "cercle", **said})
    assert answer.status_code == 302, answer.text
    return int(answer.location.rpartition("/")[2])


def fetched(browser: FlaskClient, job_id: int) -> str:
    """Return the refused lines as a person downloads them."""
    with browser.get(f"/console/imports/{job_id}/rejected") as answer:
        assert "attachment" in answer.headers["Content-Disposition"]
        return str(answer.get_data(as_text=True))


def content(*lines: str) -> str:
    return "\n".join([HEADER, *lines]) + "\n"


def test_a_person_imports_a_file_from_upload_to_mended_lines(
    marketer: FlaskClient, started: list[int]
) -> None:
    assert "No import yet" in marketer.get("/console/imports").text
    page = upload(marketer, content(order(1), order(2, total="1O.00"), order(3)))
    assert "Nothing is recorded yet" in page.text
    assert "orders été.csv" in page.text
    assert "“1O.00” is not an amount" in page.text
    assert rows_of(Purchase, Job) == [0, 0]
    answer = marketer.post(page.request.path, data={"act": "start", "format": "cercle"})
    job_id = started[0]
    waiting = marketer.get(answer.location).text
    assert 'http-equiv="refresh"' in waiting
    jobs_imports.run_job(job_id)
    done = marketer.get(answer.location)
    assert 'http-equiv="refresh"' not in done.text
    assert "The import is done" in done.text
    assert "1O.00" in fetched(marketer, job_id)
    assert rows_of(Purchase) == [2]
    assert audited("purchases.import.start")[0]["file"] == "orders été.csv"
    assert audited("purchases.import")[0] | {"file": ""} == {
        "file": "", "state": "done", "created": 2, "updated": 0, "unchanged": 0, "rejected": 1,
        "skipped": 0,
    }  # fmt: skip
    assert len(audited("purchases.import.download")) == 1
    assert "orders été.csv" in marketer.get("/console/imports").text


def test_an_upload_is_gone_once_it_is_imported(
    app: Flask, marketer: FlaskClient, started: list[int]
) -> None:
    jobs_imports.run_job(job_of(marketer, content(order(1))))
    assert list((Path(app.instance_path) / "uploads").glob("*")) == []


def test_columns_are_chosen_on_the_page(marketer: FlaskClient, started: list[int]) -> None:
    page = upload(marketer, "Ticket;Jour;Somme\n7;03/04/2026;12,50\n")
    assert "No column was found" in page.text
    said = {
        "format": "cercle", "columns_of": "cercle", "column_0": "external_id",
        "column_1": "occurred_at", "column_2": "total", "source": "fair",
    }  # fmt: skip
    assert "dmy or mdy" in marketer.post(page.request.path, data=said).text
    assert "5 Mar" not in marketer.post(page.request.path, data=said | {"dates": "dmy"}).text
    marketer.post(page.request.path, data=said | {"dates": "mdy", "act": "start"})
    jobs_imports.run_job(started[0])
    purchase = db.session.scalars(sa.select(Purchase)).one()
    assert (purchase.source, purchase.total) == ("fair", 1_250)
    assert f"{purchase.occurred_at:%m-%d}" == "03-03"  # 4 March at midnight in Paris


def test_an_unclear_file_is_not_started(marketer: FlaskClient, started: list[int]) -> None:
    page = upload(marketer, content(order(1, occurred_at="03/04/2026")))
    answer = marketer.post(page.request.path, data={"act": "start", "format": "cercle"})
    assert answer.status_code == 200
    assert started == []
    assert rows_of(Job) == [0]


def test_the_preview_tells_new_from_known_orders(
    marketer: FlaskClient, run: Import, tmp_path: Path
) -> None:
    run("purchases", written(tmp_path, order(1), order(2)))
    page = upload(marketer, content(order(1), order(2, refunded="5.00"), order(3)))
    figures = re.findall(r'tile-value">\s*(\d+)', page.text)
    assert figures == ["1", "1", "1", "0"]


def test_an_import_survives_its_process_and_goes_on_at_the_next_batch(
    marketer: FlaskClient,
    started: list[int],
    small_batches: None,
    interrupted: Callable[..., None],
) -> None:
    lines = [order(n, total="x" if n in {2, 4} else "100.00") for n in range(1, 8)]
    job_id = job_of(marketer, content(*lines))

    def die() -> None:
        raise SystemExit

    interrupted(3, die)
    with pytest.raises(SystemExit):
        jobs_imports.run_job(job_id)
    assert rows_of(Purchase) == [2]
    assert jobs_imports.run_due() == 0  # its runner may still be alive
    with clock.frozen(NOW + jobs.LEASE + timedelta(seconds=1)):
        assert jobs_imports.run_due() == 1
    job = db.session.get_one(Job, job_id)
    assert job.state is JobState.DONE
    assert job.result["counts"]["created"] == 5
    refused = fetched(marketer, job_id).splitlines()
    assert [line.split(",")[2] for line in refused[1:]] == ["A-2", "A-4"]
    assert len(audited("purchases.import")) == 1


def test_a_page_takes_up_an_import_that_was_left_behind(
    marketer: FlaskClient, started: list[int]
) -> None:
    job_id = job_of(marketer, content(order(1)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(imports, "batches", lambda found: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            jobs_imports.run_job(job_id)
    started.clear()
    marketer.get(f"/console/imports/{job_id}")
    assert started == []  # it may still be running
    with clock.frozen(NOW + jobs.LEASE + timedelta(seconds=1)):
        marketer.get(f"/console/imports/{job_id}")
    assert started == [job_id]


def test_one_runner_at_a_time(marketer: FlaskClient, started: list[int]) -> None:
    job_id = job_of(marketer, content(order(1)))
    assert jobs.claim(job_id) is not None
    assert jobs.claim(job_id) is None
    db.session.rollback()


def test_an_import_is_stopped_by_a_person(
    marketer: FlaskClient, started: list[int], small_batches: None
) -> None:
    job_id = job_of(marketer, content(*map(order, range(1, 8))))

    def cancel() -> bool:
        marketer.post(f"/console/imports/{job_id}/cancel")
        return False

    jobs_imports.run_job(job_id, stop=cancel)
    assert rows_of(Purchase) == [2]
    assert db.session.get_one(Job, job_id).state is JobState.CANCELLED
    assert "was cancelled" in marketer.get(f"/console/imports/{job_id}").text
    assert len(audited("purchases.import.cancel")) == 1


def test_a_worker_that_stops_leaves_the_import_to_the_next(
    marketer: FlaskClient, started: list[int], small_batches: None
) -> None:
    job_id = job_of(marketer, content(*map(order, range(1, 4))))
    jobs_imports.run_job(job_id, stop=lambda: True)
    assert db.session.get_one(Job, job_id).state is JobState.RUNNING
    with clock.frozen(NOW + jobs.LEASE + timedelta(seconds=1)):
        jobs_imports.run_due()
    assert rows_of(Purchase) == [3]


def test_an_import_that_fails_says_so(marketer: FlaskClient, started: list[int]) -> None:
    job_id = job_of(marketer, content(order(1)))
    Path(db.session.get_one(Job, job_id).payload["path"]).unlink()
    jobs_imports.run_job(job_id)
    page = marketer.get(f"/console/imports/{job_id}").text
    assert "The import stopped" in page
    assert "cannot be read" in page


@pytest.mark.parametrize("text", ["", "PK\x03\x04 workbook", "%PDF-1.7 document"])
def test_a_file_that_is_no_table_is_refused_on_the_page(
    app: Flask, marketer: FlaskClient, text: str
) -> None:
    page = upload(marketer, text)
    assert page.request.path == "/console/imports"
    assert any(word in page.text for word in ("empty", "workbook", "not a table"))
    assert list((Path(app.instance_path) / "uploads").glob("*")) == []


def test_a_line_with_bytes_that_are_no_text_is_shown_as_refused(marketer: FlaskClient) -> None:
    bad = content(order(1, email="caf\N{BULLET}@x.example")).encode().replace("•".encode(), b"\x81")
    page = marketer.post(
        "/console/imports", data={"file": (io.BytesIO(bad), "a\x1b.csv")}, follow_redirects=True
    )
    assert page.status_code == 200
    assert "bytes that are no text" in page.text


def test_bytes_that_are_no_text_are_refused_on_the_page(app: Flask, marketer: FlaskClient) -> None:
    file = (io.BytesIO(b"\x1b[2Jname\x8d,caf\x81\n1,2\n"), "orders.csv")
    page = marketer.post("/console/imports", data={"file": file}, follow_redirects=True)
    assert page.status_code == 200
    assert "not a row of column names" in page.text
    assert list((Path(app.instance_path) / "uploads").glob("*")) == []


def test_no_file_is_answered_with_a_sentence(marketer: FlaskClient) -> None:
    assert "Choose a file" in marketer.post("/console/imports", follow_redirects=True).text


@pytest.mark.parametrize(
    "path",
    ["/console/imports/preview/" + "0" * 32, "/console/imports/preview/..%2f..%2fcercle.db",
     "/console/imports/999", "/console/imports/999/rejected"],
)  # fmt: skip
def test_what_is_not_there_is_not_found(marketer: FlaskClient, path: str) -> None:
    assert marketer.get(path).status_code == 404


def test_large_files_pass_this_door_only_for_those_who_may_import(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = content(order(1)) + " " * 9_000_000
    stranger = upload(client, large)
    assert stranger.status_code in {413, 401} or "/sign-in" in stranger.request.path
    sign_in(client, make_user(RoleName.MARKETER))
    assert "Nothing is recorded yet" in upload(client, large).text


def test_finance_may_not_import(client: FlaskClient) -> None:
    sign_in(client, make_user(RoleName.FINANCE))
    assert client.get("/console/imports").status_code == 403
    assert upload(client, content(order(1))).status_code == 403
