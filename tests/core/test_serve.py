"""The server and the worker as one program: one ends, all end."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from core import serve
from core.serve import Part

STAY = (
    "import signal, time; signal.signal(15, lambda *_: exit(0)); print(flush=True); time.sleep(60)"
)


def stays(name: str, pid_file: Path) -> Part:
    code = (
        f"import os, pathlib; pathlib.Path({str(pid_file)!r}).write_text(str(os.getpid())); {STAY}"
    )
    return Part(name, (sys.executable, "-c", code))


def is_running(pid_file: Path) -> bool:
    try:
        os.kill(int(pid_file.read_text()), 0)
    except ProcessLookupError:
        return False
    return True


def test_when_one_part_ends_the_others_are_ended(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    ends = Part(
        "worker",
        (sys.executable, "-c", f"import os\nwhile not os.path.exists({str(file)!r}): pass"),
    )
    ended = serve.run([stays("server", file), ends], is_up=lambda: False, when_up=lambda: None)
    assert ended == "worker"
    assert not is_running(file)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_parts_and_is_no_failure(tmp_path: Path, number: signal.Signals) -> None:
    files = [tmp_path / "a", tmp_path / "b"]
    before = signal.getsignal(number)
    told: list[str] = []

    def stop() -> None:
        told.append("up")
        os.kill(os.getpid(), number)

    ended = serve.run(
        [stays(file.name, file) for file in files],
        is_up=lambda: all(file.exists() and file.read_text() for file in files),
        when_up=stop,
    )
    assert ended is None
    assert told == ["up"]
    assert not any(map(is_running, files))
    assert signal.getsignal(number) is before


def test_what_a_part_has_started_is_ended_with_it(tmp_path: Path) -> None:
    child = tmp_path / "child"
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); "
    deaf += f"import os, pathlib; pathlib.Path({str(child)!r}).write_text(str(os.getpid())); "
    deaf += "time.sleep(60)"
    code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {deaf!r}]); {STAY}"
    parent = Part("server", (sys.executable, "-c", code))
    serve.run(
        [parent],
        is_up=lambda: child.exists() and bool(child.read_text()),
        when_up=lambda: os.kill(os.getpid(), signal.SIGTERM),
    )
    until = time.monotonic() + 5
    while is_running(child) and time.monotonic() < until:
        pass
    assert not is_running(child)


def test_a_port_that_somebody_uses_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert not serve.is_free("127.0.0.1", port)
    assert serve.is_free("127.0.0.1", port)


def test_nobody_answers_where_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    assert not serve.answers("127.0.0.1", port)
