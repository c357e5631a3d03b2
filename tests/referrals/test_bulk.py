"""Codes in bulk: unique and sorted, stopped and gone on with, and none lost or doubled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import AuditLine, RoleName, Scope
from core import clock, jobs
from core.db import db
from core.errors import InvalidInputError
from core.jobs import Job, JobState
from referrals import code_batches, codes, jobs_codes
from referrals.codes import InvalidCodeError, TooFewCodesError
from referrals.models import Code
from tests.factories import make_campaign, make_key, make_user, sign_in


@pytest.fixture(autouse=True)
def _no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs run when a test says so."""
    monkeypatch.setattr(jobs_codes, "start_thread", lambda _job_id: None)


def order(count: int, pattern: str = "PEAR-####-####") -> int:
    """Ask for codes and return the job."""
    slug = make_campaign(uses_per_code=1).slug
    job = code_batches.create(slug, count, pattern, created_by="a test")
    job_id = job.id
    db.session.commit()
    return job_id


def made(job_id: int) -> list[str]:
    """Return the codes of a job by their ids."""
    db.session.rollback()
    return [row.text for row in code_batches.page(job_id, after=0, limit=1_000_000)]


def state(job_id: int) -> JobState:
    db.session.rollback()
    return code_batches.find(job_id).state


def test_a_job_makes_as_many_codes_as_asked_all_different_and_in_order(app: Flask) -> None:
    job_id = order(3_000)
    jobs_codes.run_job(job_id)
    found = made(job_id)
    assert (len(found), len(set(found))) == (3_000, 3_000)
    assert found == sorted(found)
    assert {text[5] for text in found} == set(codes.ALPHABET)  # every first symbol occurs
    one = db.session.scalars(sa.select(Code).limit(1)).one()
    assert (one.batch_id, one.uses_limit, one.ambassador_id) == (job_id, 1, None)
    assert state(job_id) is JobState.DONE
    line = db.session.scalars(sa.select(AuditLine)).one()
    assert (line.act, line.details["count"]) == ("code.generate", 3_000)


def test_a_runner_that_dies_leaves_whole_parts_and_the_next_goes_on(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code_batches, "PART", 1)  # each first symbol is one
    job_id = order(2_000)
    real, calls = code_batches.make_part, []

    def dying(*args: object) -> object:
        seen = real(*args)  # type: ignore[arg-type]
        calls.append(args)
        if len(calls) == 6:
            raise KeyboardInterrupt  # after the codes, before the commit
        return seen

    monkeypatch.setattr(code_batches, "make_part", dying)
    with pytest.raises(KeyboardInterrupt):
        jobs_codes.run_job(job_id)
    db.session.rollback()
    job = code_batches.find(job_id)
    assert job.state is JobState.RUNNING
    assert len(made(job_id)) == sum(job.payload["plan"][:5]) == job.done
    assert jobs_codes.run_due() == 0  # its lease holds
    with clock.frozen(clock.now() + jobs.LEASE * 2):
        assert jobs_codes.run_due() == 1
    found = made(job_id)
    assert (len(found), len(set(found))) == (2_000, 2_000)
    assert found == sorted(found)
    assert state(job_id) is JobState.DONE


def test_a_runner_given_up_writes_nothing_more(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = order(1_000)
    with clock.frozen(clock.now() - jobs.LEASE * 2):
        db.session.rollback()
        silent = jobs.claim(job_id)
        assert silent is not None
        seen_at, payload = silent.seen_at, dict(silent.payload)
        db.session.commit()
    jobs_codes.run_job(job_id)
    assert len(made(job_id)) == 1_000
    assert seen_at is not None
    with pytest.raises(code_batches.PartLostError):
        code_batches.make_part(job_id, seen_at, payload, {"part": 3})
    db.session.rollback()
    assert len(made(job_id)) == 1_000


def test_of_many_runners_at_once_one_makes_the_codes(app: Flask) -> None:
    job_id = order(2_000)

    def run() -> None:
        with app.app_context():
            jobs_codes.run_job(job_id)
            db.session.remove()

    threads = [threading.Thread(target=run) for _n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = made(job_id)
    assert (len(found), len(set(found))) == (2_000, 2_000)


def test_a_cancelled_job_stops_and_what_it_made_stays(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code_batches, "PART", 1)
    job_id = order(1_000)

    def stop(done: int) -> None:
        if done > 300:
            jobs.cancel(job_id)
            db.session.commit()

    jobs_codes.run_job(job_id, on_part=stop)
    job = code_batches.find(job_id)
    assert job.state is JobState.CANCELLED
    assert 300 < len(made(job_id)) == job.done < 1_000
    assert jobs_codes.run_due() == 0


def test_jobs_that_take_turns_keep_their_codes_apart(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code_batches, "PART", 300)
    first, second = order(1_000, "PEAR-####-####"), order(1_000, "PLUM-####-####")

    def other(done: int) -> None:
        jobs_codes.run_job(second, stop=lambda: True)

    with clock.frozen(clock.now()):
        jobs_codes.run_job(first, on_part=other)
    with clock.frozen(clock.now() + jobs.LEASE * 2):
        jobs_codes.run_job(second)
    for job_id, stem in ((first, "PEAR"), (second, "PLUM")):
        found = made(job_id)
        assert (len(found), {text[:4] for text in found}) == (1_000, {stem})
        assert found == sorted(set(found))


def test_codes_that_exist_are_drawn_anew_and_the_order_holds(app: Flask) -> None:
    codes.fill(codes.Pattern("PEAR-A##A"), 100, campaign=make_campaign())
    campaign = make_campaign()
    found = codes.fill(codes.Pattern("PEAR-A##A"), 300, campaign=campaign)
    assert len(set(found)) == 300
    ids = db.session.execute(
        sa.select(Code.text).where(Code.campaign_id == campaign.id).order_by(Code.id)
    ).scalars()
    assert list(ids) == found == sorted(found)


@pytest.mark.parametrize(
    ("count", "pattern", "error"),
    [
        (1_000_001, "####-####-####", InvalidInputError), (0, "####-####", InvalidInputError),
        (10_000, "A-####", TooFewCodesError), (5, "FUCK-####", InvalidCodeError),
        (5, "no sign", InvalidCodeError),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_refused_before_there_is_a_job(
    app: Flask, count: int, pattern: str, error: type[Exception]
) -> None:
    slug = make_campaign().slug
    with pytest.raises(error):
        code_batches.create(slug, count, pattern, created_by="a test")
    assert db.session.scalars(sa.select(Job)).all() == []


def test_no_code_spells_a_word_that_we_do_not_print(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter([b"FUCKPEAR", b"PLUM"])
    monkeypatch.setattr(codes, "_symbols", lambda _count: next(drawn))
    assert codes._random_texts(codes.Pattern("A-##-##"), 2) == {"A-PE-AR", "A-PL-UM"}


def test_the_console_orders_watches_stops_and_sends_the_file(client: FlaskClient) -> None:
    sign_in(client, make_user(RoleName.MARKETER))
    slug = make_campaign(name="Pear").slug
    form = {"campaign": slug, "count": "600", "pattern": "PEAR-####"}
    refused = client.post("/console/codes/batches?lang=en", data=form | {"count": "9999"})
    assert (refused.status_code, "1 % of them" in refused.text) == (422, True)
    placed = client.post("/console/codes/batches", data=form)
    job_id = int(placed.location.rpartition("/")[2])
    page = client.get(f"{placed.location}?lang=en").text
    assert "0 of 600 codes" in page
    assert "Stop the job" in page
    jobs_codes.run_job(job_id)
    page = client.get(f"{placed.location}?lang=en").text
    assert "The codes are ready" in page
    file = client.get(f"{placed.location}/codes.csv")
    assert (file.mimetype, file.text.splitlines()) == ("text/csv", ["code", *made(job_id)])
    assert client.get(f"{placed.location}/cards?in=fr").text.count('<li class="print-card"') == 80
    client.post(f"{placed.location}/cancel")
    assert state(job_id) is JobState.DONE  # it had ended
    assert "code.export" in db.session.scalars(sa.select(AuditLine.act)).all()
    assert client.get("/console/codes/batches/999").status_code == 404


def test_the_api_answers_202_above_20_000_and_the_job_is_polled(client: FlaskClient) -> None:
    key = make_key(Scope.CODES)
    make_campaign(slug="winter")
    path = "/api/v1/campaigns/winter/codes"
    again = key | {"Idempotency-Key": "one"}
    placed = client.post(path, json={"count": 20_001, "pattern": "W-####-####"}, headers=again)
    assert placed.status_code == 202
    told = placed.get_json()
    assert client.post(
        path, json={"count": 20_001, "pattern": "W-####-####"}, headers=again
    ).get_json() == told  # fmt: skip
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Job)) == 1
    jobs_codes.run_job(told["id"])
    done = client.get(told["url"], headers=key).get_json()
    assert (done["state"], done["done"]) == ("done", 20_001)
    lines = client.get(told["file"], headers=key).text.splitlines()
    assert (len(lines), lines[1:]) == (20_002, sorted(set(lines[1:])))
    assert client.post(f"{told['url']}/cancel", headers=key).status_code == 409
    for body in ({"count": 1_000_001}, {"count": 0}, {"count": 30_000, "ambassador": "x"}):
        assert client.post(path, json=body, headers=key).status_code == 422
    tight = {"count": 30_000, "pattern": "####"}
    assert client.post(path, json=tight, headers=key).get_json()["type"].endswith("too_few_codes")
    assert client.get("/api/v1/code-jobs/999", headers=key).status_code == 404
    assert client.get(told["file"], headers=make_key(Scope.READ)).status_code == 403


@pytest.mark.parametrize("app", ["sqlite"], indirect=True)
def test_a_command_killed_at_any_moment_loses_and_doubles_nothing(
    app: Flask, tmp_path: Path
) -> None:
    slug = make_campaign().slug
    db.session.commit()
    environment = os.environ | {
        "DATABASE_URL": str(db.engine.url), "CERCLE_INSTANCE": app.instance_path,
    }  # fmt: skip
    command = [sys.executable, "-m", "flask", "--app", "app", "codes", "generate", "--campaign"]
    command += [slug, "--count", "60000", "--out", str(tmp_path / "codes.txt")]
    with subprocess.Popen(  # noqa: S603  our own command
        command, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if " of 60,000" in line and not line.startswith("Job"):
                os.kill(process.pid, signal.SIGKILL)
                break
    job_id = db.session.scalars(sa.select(Job.id)).one()
    assert 0 < code_batches.find(job_id).done < 60_000
    with clock.frozen(clock.now().replace(year=2100)):
        assert jobs_codes.run_due() == 1
    found = made(job_id)
    assert (len(found), len(set(found))) == (60_000, 60_000)
    assert state(job_id) is JobState.DONE
