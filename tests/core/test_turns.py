"""Writers to an SQLite file wait in turn, and are told when it does not come."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from core import turns
from core.db import hook


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    hook(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE sale (id INTEGER PRIMARY KEY)"))
    return engine


def test_sixteen_writers_at_once_all_get_their_turn(engine: sa.Engine) -> None:
    def write(_number: int) -> None:
        for _ in range(20):
            with engine.begin() as connection:
                connection.execute(sa.text("INSERT INTO sale DEFAULT VALUES"))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(write, range(16)))
    with engine.begin() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM sale")) == 320


def test_a_turn_that_does_not_come_is_an_error_in_time_and_the_next_one_comes(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "LONGEST_WAIT", 0.05)
    with engine.begin(), ThreadPoolExecutor(1) as pool:
        began = time.monotonic()
        refused = pool.submit(engine.begin().__enter__).exception()
        assert time.monotonic() - began < 1
    assert isinstance(refused, sa.exc.OperationalError)
    with engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO sale DEFAULT VALUES"))
