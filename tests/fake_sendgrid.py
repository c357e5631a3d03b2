"""A SendGrid of our own: a real HTTP server that takes mail, and fails when told to.

with FakeSendGrid() as fake:
fake.faults = [500, Fault.CUT]     # one a call, then 202
settings = dataclasses.replace(settings, sendgrid_api_base=fake.url, ...)
"""

from __future__ import annotations

import json
import socket
import threading
from enum import StrEnum
from typing import Any

from tests.fake_server import FakeServer, QuietHandler


class Fault(StrEnum):
    """What goes wrong with one call; a number answers that status and takes nothing."""

    HANG = "hang"  # nothing is taken, and no answer comes
    HANG_AFTER = "hang_after"  # the mail is taken, and no answer comes
    CUT = "cut"  # the mail is taken, then the connection ends without an answer
    GARBLED = "garbled"  # the mail is taken, and the answer cannot be read
    BUSY = "busy"  # 429 with `Retry-After: 90`


class FakeSendGrid(FakeServer):
    """The server, on a port of its own, for the length of a `with` block."""

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.faults: list[Fault | int] = []
        self.taken: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.calls = 0
        self.called = threading.Event()  # somebody waits for an answer that does not come

    @property
    def keys(self) -> list[str]:
        """Our keys of the mails that were taken, in their order."""
        return [mail["custom_args"]["cercle_key"] for mail in self.taken]


class _Handler(QuietHandler):
    fake: FakeSendGrid
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.close_connection = True
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.fake.calls += 1
        fault = self.fake.faults.pop(0) if self.fake.faults else 202
        if fault in {202, Fault.HANG_AFTER, Fault.CUT, Fault.GARBLED}:
            self.fake.taken.append(json.loads(body))
            self.fake.headers.append({"path": self.path, **dict(self.headers)})
        match fault:
            case Fault.HANG | Fault.HANG_AFTER:
                self.fake.called.set()
                self.fake.stopping.wait(30)
            case Fault.CUT:
                self.connection.shutdown(socket.SHUT_RDWR)
            case Fault.GARBLED:
                self.wfile.write(b"HTTP/9 nonsense\r\n\r\n")
            case Fault.BUSY:
                self._answer(429, {"Retry-After": "90"})
            case _:
                self._answer(int(fault), {})

    def _answer(self, status: int, headers: dict[str, str]) -> None:
        said = b"" if status == 202 else b'{"errors": [{"message": "no"}]}'
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(said))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(said)
