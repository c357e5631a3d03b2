"""Where the benchmarks run: an instance of their own, and servers on free ports."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from core import serve
from core.config import ROOT

HOST = "127.0.0.1"


@contextlib.contextmanager
def environment(folder: Path, database_url: str | None) -> Iterator[None]:
    """Point the settings of this process and its children at an instance of the benchmarks."""
    named = {
        "CERCLE_ENV": "development", "CERCLE_INSTANCE": str(folder), "LAKE": str(folder / "lake"),
        "DATABASE_URL": database_url or f"sqlite:///{folder / 'cercle.db'}", "REDIS_URL": "",
        "API_PER_MINUTE": "1000000000", "CLICK_DURABLE": "0", "CERCLE_NOW": "",
    }  # fmt: skip
    before = {name: os.environ.get(name) for name in named}
    os.environ.update(named)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def postgresql(server: str) -> Iterator[str]:
    """Make a database on a server for the length of a block, and return its address."""
    name = f"cercle_bench_{os.getpid()}"
    base, _, _ = server.rpartition("/")
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"'.encode())
        try:
            yield f"{base}/{name}"
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@contextlib.contextmanager
def server(target: str, path: str, **extra: str) -> Iterator[int]:
    """Serve an application with granian for the length of a block, and return its port.

    Args:
        target: As granian names it; a factory if it ends in `create_app`.
        path: Answers as soon as the server is up.
        extra: More settings for its environment.
    """
    with socket.create_server((HOST, 0)) as probe:
        port = probe.getsockname()[1]
    command = [*serve.web(host=HOST, port=port, workers=2).command[:-1], target]
    if not target.endswith("create_app"):
        command.remove("--factory")
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | extra)
    try:
        _wait(port, path, process)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _wait(port: int, path: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1) as probe:
            probe.sendall(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
            if probe.recv(64).startswith(b"HTTP/1.1 2"):
                return
        time.sleep(0.1)
    sys.exit(f"the server for {path} did not come up")
