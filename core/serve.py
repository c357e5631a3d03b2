"""The server and the worker as one program: started together, ended together.

Each part is a process of its own.  The web server loads the application in its
own workers, after they are started, so no database connection crosses a fork.
When one part ends, or a person presses Ctrl-C, the others are ended too.
"""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

THREADS = 4  # of one server process: purchases that wait together share one commit
PATIENCE = 35  # seconds for a part to finish what it has in hand
_LOOK = 0.2  # seconds between two looks at the parts
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Part:
    """One program beside others."""

    name: str
    command: Sequence[str]


def web(*, host: str, port: int, workers: int, threads: int = THREADS) -> Part:
    """Return the web server: granian with so many processes of so many threads."""
    return Part("server", (
        sys.executable, "-m", "granian", "--interface", "wsgi", "--factory",
        "--host", host, "--port", str(port), "--http", "1", "--no-ws",
        "--workers", str(workers), "--blocking-threads", str(threads),
        "--respawn-failed-workers", "--log-level", "warning", "app:create_app",
    ))  # fmt: skip


def worker() -> Part:
    """Return the background work."""
    return Part("worker", (sys.executable, "-m", "flask", "--app", "app", "worker"))


def is_free(host: str, port: int) -> bool:
    """Tell whether nobody listens on a port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def run(
    parts: Sequence[Part], *, is_up: Callable[[], bool], when_up: Callable[[], None]
) -> str | None:
    """Run parts until a signal comes or one of them ends; then end them all.

    Args:
        parts: In the order to start them; ended the other way round.
        is_up: Tells whether they can be used; asked until it says yes.
        when_up: Called once they can.

    Returns:
        The name of the part that ended by itself, None after a signal.
    """
    with _told_to_stop() as stop:
        running = [(part.name, _start(part)) for part in parts]
        try:
            was_up = False
            while not stop.wait(_LOOK):
                ended = next((name for name, one in running if one.poll() is not None), None)
                if ended:
                    return ended
                if not was_up and is_up():
                    was_up = True
                    when_up()
        finally:
            _end([process for _, process in reversed(running)])
    return None


def answers(host: str, port: int) -> bool:
    """Tell whether the server at an address is alive."""
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _start(part: Part) -> subprocess.Popen[bytes]:
    # In a session of its own: Ctrl-C reaches us alone, and we end the parts in order.
    return subprocess.Popen(part.command, start_new_session=True)  # noqa: S603  our own words


@contextmanager
def _told_to_stop() -> Iterator[threading.Event]:
    """Give an event that a signal sets, and the former handlers back at the end."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in _SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """End parts with all they have started: by a word first, after `PATIENCE` by force."""
    for process in processes:
        _tell(process, signal.SIGTERM)
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
        _tell(process, signal.SIGKILL)
        process.wait()


def _tell(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal a part's whole session: a server that is killed alone leaves its workers behind."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
