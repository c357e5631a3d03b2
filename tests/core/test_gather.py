"""What waits together is done together, and nobody gets another's answer or error."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.gather import Gatherer


def test_everybody_gets_their_own_answer() -> None:
    gatherer: Gatherer[int, int] = Gatherer(lambda items: [item * 2 for item in items], most=7)
    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(gatherer.submit, range(500))) == [n * 2 for n in range(500)]


def test_those_who_wait_are_done_in_one_list() -> None:
    lists: list[list[int]] = []
    first_is_running, go_on = threading.Event(), threading.Event()

    def work(items: Sequence[int]) -> list[int]:
        lists.append(sorted(items))
        first_is_running.set()
        go_on.wait(10)
        return list(items)

    gatherer: Gatherer[int, int] = Gatherer(work, most=100)
    with ThreadPoolExecutor(6) as pool:
        leader = pool.submit(gatherer.submit, 0)
        first_is_running.wait(10)
        others = [pool.submit(gatherer.submit, n) for n in range(1, 6)]
        while len(gatherer._queue) < 5:
            threading.Event().wait(0.001)
        go_on.set()
        assert [leader.result(), *(other.result() for other in others)] == [0, 1, 2, 3, 4, 5]
    assert lists == [[0], [1, 2, 3, 4, 5]]


def test_one_bad_item_harms_no_other() -> None:
    def work(items: Sequence[int]) -> list[int]:
        if 13 in items:
            raise ValueError("unlucky")
        return list(items)

    gatherer: Gatherer[int, int] = Gatherer(work, most=50)

    def submit(item: int) -> int | str:
        try:
            return gatherer.submit(item)
        except ValueError as error:
            return str(error)

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(submit, range(40)))
    assert answers == [n if n != 13 else "unlucky" for n in range(40)]


def test_an_error_is_raised_to_the_caller() -> None:
    def work(items: Sequence[int]) -> list[int]:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        Gatherer(work, most=5).submit(1)


def test_what_is_wrong_for_all_is_told_to_all_without_trying_each() -> None:
    calls: list[int] = []
    first_is_running, go_on = threading.Event(), threading.Event()

    def work(items: Sequence[int]) -> list[int]:
        calls.append(len(items))
        first_is_running.set()
        go_on.wait(10)
        raise OSError("away")

    gatherer: Gatherer[int, int] = Gatherer(work, most=50, wrong_for_all=(OSError,))
    with ThreadPoolExecutor(6) as pool:
        waiting = [pool.submit(gatherer.submit, 0)]
        first_is_running.wait(10)
        waiting += [pool.submit(gatherer.submit, n) for n in range(1, 6)]
        while len(gatherer._queue) < 5:
            threading.Event().wait(0.001)
        go_on.set()
        assert [str(one.exception()) for one in waiting] == ["away"] * 6
    assert calls == [1, 5]
