"""Attempts are counted in the database: by all processes together, exactly."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from core import clock, limits
from core.db import db
from core.errors import TooManyError
from core.limits import AttemptCount

MINUTE = timedelta(minutes=1)


def test_the_eleventh_attempt_of_a_minute_is_refused_and_told_when_to_come_back(app: Flask) -> None:
    for n in range(10):
        assert limits.hit("check", "1.2.3.4", limit=10, per=MINUTE) == n + 1
    clock.set_now(clock.now() + timedelta(seconds=20))
    with pytest.raises(TooManyError) as refused:
        limits.hit("check", "1.2.3.4", limit=10, per=MINUTE)
    assert refused.value.retry_after == 40
    assert refused.value.status == 429
    limits.hit("check", "1.2.3.5", limit=10, per=MINUTE)
    limits.hit("other", "1.2.3.4", limit=10, per=MINUTE)
    clock.set_now(clock.now() + timedelta(seconds=40))
    assert limits.hit("check", "1.2.3.4", limit=10, per=MINUTE) == 1


def test_a_minute_and_an_hour_are_counted_apart(app: Flask) -> None:
    limits.hit("check", "a", limit=10, per=MINUTE)
    assert limits.hit("check", "a", limit=100, per=timedelta(hours=1)) == 1


def test_room_is_asked_for_without_counting(app: Flask) -> None:
    for _n in range(3):
        limits.require_room("miss", "key:1", limit=1, per=MINUTE)
    limits.hit("miss", "key:1", limit=1, per=MINUTE)
    with pytest.raises(TooManyError):
        limits.require_room("miss", "key:1", limit=1, per=MINUTE)
    clock.set_now(clock.now() + MINUTE)
    limits.require_room("miss", "key:1", limit=1, per=MINUTE)


def test_many_at_once_pass_exactly_the_limit(app: Flask) -> None:
    passed = []
    start = threading.Barrier(8)

    def knock() -> None:
        with app.app_context():
            start.wait()
            for _n in range(3):
                try:
                    passed.append(limits.hit("check", "a", limit=10, per=MINUTE))
                except TooManyError:
                    continue
                finally:
                    db.session.remove()

    threads = [threading.Thread(target=knock) for _n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(passed) == list(range(1, 11))


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        (None, "unknown"),
        ("not an address", "unknown"),
    ],
)
def test_an_ipv6_caller_is_its_whole_network(address: str | None, counted: str) -> None:
    assert limits.network(address) == counted


def test_no_address_is_stored_in_clear(app: Flask) -> None:
    limits.hit("check", "203.0.113.9", limit=10, per=MINUTE)
    row = db.session.scalars(sa.select(AttemptCount)).one()
    assert "203" not in row.key_hash or len(row.key_hash) == 64
    assert row.key_hash == limits.digest("check", str(MINUTE), "203.0.113.9")


def test_ended_windows_are_swept(app: Flask) -> None:
    limits.hit("check", "a", limit=10, per=MINUTE)
    assert limits.sweep() == 0
    clock.set_now(clock.now() + MINUTE)
    assert limits.sweep() == 1
