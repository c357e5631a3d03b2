"""Somebody else's program: a real HTTP server that takes webhooks, and fails when told to.

with FakeReceiver() as receiver:
receiver.answers = [500, "cut", 200]     # one a call, then 200
"""

from __future__ import annotations

import socket
from dataclasses import dataclass

from tests.fake_server import FakeServer, QuietHandler


@dataclass(frozen=True)
class Call:
    """One request as it came over the wire."""

    path: str
    headers: dict[str, str]
    body: bytes


class FakeReceiver(FakeServer):
    """The server, on a port of its own, for the length of a `with` block."""

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.calls: list[Call] = []
        self.answers: list[int | str] = []  # a status; cut, hang, or a status with a Retry-After
        self.url += "/hooks"


class _Handler(QuietHandler):
    fake: FakeReceiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.fake.calls.append(Call(self.path, headers, body))
        answer = self.fake.answers.pop(0) if self.fake.answers else 200
        if answer == "cut":
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if answer == "hang":
            self.fake.stopping.wait(5)
            return
        status, _, wait = str(answer).partition(" ")
        self.send_response(int(status))
        if wait:
            self.send_header("Retry-After", wait)
        if status == "302":
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()
