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


@pytest.mark.parametrize("pretty", [True, False])
def test_no_address_is_logged_even_in_the_words_of_an_error(
    capsys: pytest.CaptureFixture[str], *, pretty: bool
) -> None:
    logs.init(pretty=pretty)
    told = ValueError("Key (email)=(ann.o'neil+shop@mail.example.co.uk) already exists.")
    structlog.get_logger().error(
        "job.failed", exc_info=told, error="<bob@b.example>: refused", done=2
    )
    line = capsys.readouterr().err
    assert "job.failed" in line
    assert "already exists" in line
    assert "mail.example" not in line
    assert "b.example" not in line
