"""Logging: one JSON line an event, with the request's id; never an e-mail, secret or full IP."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_ADDRESS = re.compile(r"[^\s@<>()\"'=,;:]+@[^\s@<>()\"'=,;:]+\.[^\s@<>()\"'=,;:]+")


def init(*, pretty: bool) -> None:
    """Set up structlog for the process.

    Args:
        pretty: Lines for a person's terminal instead of JSON, without requests.
    """
    level = logging.WARNING if pretty else logging.INFO
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            without_addresses,
            structlog.dev.ConsoleRenderer() if pretty else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # the error stream: what a command prints belongs to whoever reads it
        logger_factory=lambda *_names: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def without_addresses(
    logger: object, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Take e-mail addresses out of a line; the text of an error may quote the row it is about."""
    for name, value in event.items():
        if isinstance(value, str) and "@" in value:
            event[name] = _ADDRESS.sub("[e-mail]", value)
    return event
