"""Somebody else's program: a real HTTP server that takes webhooks, and fails when told to.

with FakeReceiver() as receiver:
receiver.answers = [500, "cut", 200]     # one a call, then 200
"""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Call:
    """One request as it came over the wire."""

    path: str
    headers: dict[str, str]
    body: bytes


class FakeReceiver:
    """The server, on a port of its own, for the length of a `with` block."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.answers: list[int | str] = []  # a status; cut, hang, or a status with a Retry-After
        self.stopping = threading.Event()
        handler = type("Handler", (_Handler,), {"receiver": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hooks"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> FakeReceiver:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away."""


class _Handler(BaseHTTPRequestHandler):
    receiver: FakeReceiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.receiver.calls.append(Call(self.path, headers, body))
        answer = self.receiver.answers.pop(0) if self.receiver.answers else 200
        if answer == "cut":
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if answer == "hang":
            self.receiver.stopping.wait(5)
            return
        status, _, wait = str(answer).partition(" ")
        self.send_response(int(status))
        if wait:
            self.send_header("Retry-After", wait)
        if status == "302":
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Stay quiet."""
