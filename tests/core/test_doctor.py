"""The doctor's checks that need no application."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from core import db, doctor


@pytest.mark.parametrize(
    ("version", "is_affected"),
    [
        ((3, 6, 23), False), ((3, 7, 0), True), ((3, 40, 1), True), ((3, 44, 5), True),
        ((3, 44, 6), False), ((3, 45, 0), True), ((3, 50, 6), True), ((3, 50, 7), False),
        ((3, 51, 0), True), ((3, 51, 2), True), ((3, 51, 3), False), ((3, 52, 0), False),
    ],
)  # fmt: skip
def test_versions_of_sqlite_that_can_lose_a_commit_are_known(
    version: tuple[int, int, int], is_affected: bool
) -> None:
    assert db.has_wal_bug(version) is is_affected


def test_production_keeps_no_log_that_can_lose_a_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 40, 1))
    assert db.safe_journal_mode(is_production=True) == "TRUNCATE"
    assert db.safe_journal_mode(is_production=False) == "WAL"


@pytest.mark.parametrize(
    ("off", "verdict"), [(0, doctor.Verdict.OK), (600, doctor.Verdict.FAIL), (-600, "fail")]
)
def test_a_clock_that_is_off_is_told_from_a_providers(off: int, verdict: str) -> None:
    told = datetime.now(UTC) + timedelta(seconds=off)
    assert doctor.reach("Stripe", "https://x", lambda host: told).verdict == verdict


def test_a_provider_that_does_not_answer_is_named() -> None:
    def refuse(host: str) -> datetime | None:
        raise ConnectionRefusedError

    check = doctor.reach("Stripe", "https://x", refuse)
    assert (check.verdict, check.name) == (doctor.Verdict.FAIL, "Stripe")
