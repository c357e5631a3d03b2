"""Which failures of the mail provider certainly sent nothing."""

from __future__ import annotations

import socket
import urllib.error

import pytest
from python_http_client.exceptions import HTTPError  # type: ignore[import-untyped]

from integrations import mail


@pytest.mark.parametrize(
    ("error", "is_refused"),
    [
        (HTTPError(429, "Too many", b"", {}), True),
        (HTTPError(500, "Error", b"", {}), True),
        (mail.MailError("no address"), True),
        (urllib.error.URLError(ConnectionRefusedError()), True),
        (urllib.error.URLError(socket.gaierror()), True),
        (urllib.error.URLError(TimeoutError()), False),
        (TimeoutError("10 s"), False),
        (ConnectionResetError(), False),
    ],
)
def test_only_an_answer_or_no_connection_is_a_refusal(error: Exception, is_refused: bool) -> None:
    assert mail.was_refused(error) is is_refused
