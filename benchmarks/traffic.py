"""A load generator: prepared requests over kept connections, from a process of its own.

It reads no more of an answer than its length and status, so that one core
drives more requests than the servers under test can answer.
"""

from __future__ import annotations

import functools
import json
import multiprocessing
import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any

HOST = "127.0.0.1"


@dataclass(slots=True)
class _Client:
    socket: socket.socket
    buffer: bytearray = field(default_factory=bytearray)


def get(path: str, headers: dict[str, str] | None = None) -> bytes:
    """Return a prepared GET."""
    return _head("GET", path, headers or {}) + b"\r\n"


def post(path: str, body: Any, headers: dict[str, str]) -> bytes:
    """Return a prepared POST of JSON."""
    content = json.dumps(body).encode()
    length = {"Content-Type": "application/json", "Content-Length": str(len(content))}
    return _head("POST", path, headers | length) + b"\r\n" + content


def rate(port: int, requests: Sequence[bytes], *, seconds: float, clients: int = 16) -> float:
    """Return how many requests a second a server answers.

    Args:
        port: Of the server, on this machine.
        requests: Sent in turn, from the start again unless the time is over first.
        seconds: For how long.
        clients: Connections at once.

    Raises:
        RuntimeError: An answer was neither 2xx nor 3xx.
    """
    _process().submit(_drive, port, list(requests), seconds / 4, clients).result()  # warms up
    return _process().submit(_drive, port, list(requests), seconds, clients).result()


def once(port: int, requests: Sequence[bytes], *, clients: int = 16) -> float:
    """Send each request once and return how many a second were answered; raises as `rate`."""
    return _process().submit(_drive, port, list(requests), None, clients).result()


@functools.cache
def _process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))


def _head(method: str, path: str, headers: dict[str, str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n"


def _turn(requests: Sequence[bytes], *, again: bool) -> Iterator[bytes]:
    yield from requests
    while again:
        yield from requests


def _drive(port: int, requests: list[bytes], seconds: float | None, clients: int) -> float:
    turn = _turn(requests, again=seconds is not None)
    answers: Counter[bytes] = Counter()
    with selectors.DefaultSelector() as waiting:
        begun = time.perf_counter()
        for _ in range(clients):
            client = _Client(socket.create_connection((HOST, port)))
            client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            waiting.register(client.socket, selectors.EVENT_READ, client)
            _send(waiting, client, turn)
        while waiting.get_map():
            for key, _ in waiting.select(timeout=10):
                if status := _answered(key.data):
                    answers[status] += 1
                    if seconds is not None and time.perf_counter() - begun > seconds:
                        turn = iter(())
                    _send(waiting, key.data, turn)
        took = time.perf_counter() - begun
    refused = {status: n for status, n in answers.items() if status[:1] not in {b"2", b"3"}}
    if refused:
        raise RuntimeError(f"the server answered {refused}")
    return answers.total() / took


def _send(waiting: selectors.BaseSelector, client: _Client, turn: Iterator[bytes]) -> None:
    request = next(turn, None)
    if request is None:
        waiting.unregister(client.socket)
        client.socket.close()
        return
    client.socket.sendall(request)


def _answered(client: _Client) -> bytes | None:
    """Return the status once a whole answer is there."""
    data = client.socket.recv(1 << 16)
    if not data:
        raise RuntimeError("the server closed a connection")
    client.buffer += data
    end = client.buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = bytes(client.buffer[:end]).lower()
    _, found, rest = head.partition(b"content-length:")
    length = int(rest.split(b"\r\n", 1)[0]) if found else 0
    if len(client.buffer) < end + 4 + length:
        return None
    del client.buffer[: end + 4 + length]
    return head[9:12]
