"""A worker that kills itself with SIGKILL at a step of the outbox, for tests only.

python -m tests.killed_worker claim     before it claims a message
python -m tests.killed_worker deliver   after that, before it calls the provider
python -m tests.killed_worker settle    after the provider's answer, before it writes it down
python -m tests.killed_worker           never: it does what is due, and stops
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from app import create_app
from core import outbox, worker
from integrations import jobs


def main(step: str) -> None:
    """Send what is due, until the step comes."""
    if step:
        setattr(outbox, f"_{step}", _die)
    job = worker.Job("send messages", 5, jobs.send_messages)
    for ran in worker.run_once(create_app(), [job]):
        sys.exit(ran.error)


def _die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
