"""Logging: one JSON line an event, with the request's id; never an e-mail, secret or full IP."""

from __future__ import annotations

import logging
import sys

import structlog


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
            structlog.dev.ConsoleRenderer() if pretty else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # the error stream: what a command prints belongs to whoever reads it
        logger_factory=lambda *_names: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
