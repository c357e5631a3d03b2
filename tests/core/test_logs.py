"""What is logged goes to the error stream, so that a command's output stays its own."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import structlog

from core import logs


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Put the logging of the process back."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def test_log_lines_stay_out_of_what_a_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    logs.init(pretty=False)
    structlog.get_logger().info("lake.refresh", months=2)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert json.loads(printed.err)["event"] == "lake.refresh"
