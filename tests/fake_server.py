"""What the fakes of the outside share: a real HTTP server, on a port of its own, that keeps quiet.

A fake is a `FakeServer` with a `QuietHandler` of its own; the handler finds it as `self.fake`.
"""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class FakeServer:
    """The server, for the length of a `with` block."""

    def __init__(self, handler: type[QuietHandler]) -> None:
        self.stopping = threading.Event()  # whoever hangs waits for it
        self._server = _Server(("127.0.0.1", 0), type("Handler", (handler,), {"fake": self}))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class QuietHandler(BaseHTTPRequestHandler):
    """Answers one call, and writes nothing to the console."""

    fake: Any

    def log_message(self, *_: Any) -> None:
        """Stay quiet."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away: they were told to."""
