"""What Spark needs on this machine: an operator hears of it at the start, not at the first page."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

OLDEST_JAVA = 17
_VERSION = re.compile(r'version "(?:1\.)?(\d+)')


def lacking(*, look_closer: bool = False) -> list[str]:
    """Return what is missing, each as a sentence that says what to do.

    Args:
        look_closer: Also start Java, to see its version; that takes a moment.
    """
    found = []
    if importlib.util.find_spec("pyspark") is None:
        found.append("PySpark is not here: `pip install -r requirements-spark.txt`.")
    java = _java()
    if java is None:
        found.append(f"Java is not here: install version {OLDEST_JAVA}, or set JAVA_HOME.")
    elif look_closer and _version(java) < OLDEST_JAVA:
        found.append(f"{java} is too old: install Java {OLDEST_JAVA}, or set JAVA_HOME.")
    return found


def _java() -> str | None:
    """Return the Java that Spark would start."""
    home = os.environ.get("JAVA_HOME")
    return shutil.which(Path(home) / "bin" / "java" if home else "java")


def _version(java: str) -> int:
    """Return the main version of a Java, 0 where it does not say."""
    try:
        told = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=20)  # noqa: S603  found by name
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = _VERSION.search(told.stderr)
    return int(found[1]) if found else 0
