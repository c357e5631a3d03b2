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
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Fault(StrEnum):
    """What goes wrong with one call; a number answers that status and takes nothing."""

    HANG = "hang"  # nothing is taken, and no answer comes
    HANG_AFTER = "hang_after"  # the mail is taken, and no answer comes
    CUT = "cut"  # the mail is taken, then the connection ends without an answer
    GARBLED = "garbled"  # the mail is taken, and the answer cannot be read
    BUSY = "busy"  # 429 with `Retry-After: 90`


class FakeSendGrid:
    """The server, on a port of its own, for the length of a `with` block."""

    def __init__(self) -> None:
        self.faults: list[Fault | int] = []
        self.taken: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.calls = 0
        self.called = threading.Event()  # somebody waits for an answer that does not come
        self.stopping = threading.Event()
        handler = type("Handler", (_Handler,), {"fake": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> FakeSendGrid:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def keys(self) -> list[str]:
        """Our keys of the mails that were taken, in their order."""
        return [mail["custom_args"]["cercle_key"] for mail in self.taken]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away: they were told to."""


class _Handler(BaseHTTPRequestHandler):
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

    def log_message(self, *_: Any) -> None:
        """Stay quiet."""
