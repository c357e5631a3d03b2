"""What Spark needs is looked for at the start, and told with what to do."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from environs import Env

from core import config, spark


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine with neither PySpark nor Java; returns the folder of its programs."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def _add_java(folder: Path, said: str) -> None:
    (folder / "java").write_text(f"#!/bin/sh\necho '{said}' >&2\n")
    (folder / "java").chmod(0o755)


def test_a_start_with_spark_but_without_its_parts_says_what_to_install(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Env, "read_env", lambda *_, **__: None)
    config.load()
    monkeypatch.setenv("REPORT_ENGINE", "spark")
    monkeypatch.setenv("SPARK_MASTER", "sc://connect:15002")
    with pytest.raises(config.SettingsError) as refused:
        config.load()
    for told in ("requirements-spark.txt", "JAVA_HOME", "SPARK_MASTER: use local"):
        assert told in str(refused.value)


@pytest.mark.parametrize(
    ("said", "is_enough"),
    [
        ('openjdk version "17.0.15" 2025-04-15', True), ('java version "21" 2023-09-19 LTS', True),
        ('openjdk version "11.0.2" 2019-01-15', False), ('java version "1.8.0_202"', False),
        ("Segmentation fault", False),
    ],
)  # fmt: skip
def test_a_java_that_is_too_old_is_told(bare: Path, said: str, is_enough: bool) -> None:
    _add_java(bare, said)
    assert not any("Java" in line for line in spark.lacking())
    assert any("too old" in line for line in spark.lacking(look_closer=True)) is not is_enough


def test_the_java_of_java_home_goes_first(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _add_java(bare, 'openjdk version "17.0.15" 2025-04-15')
    monkeypatch.setenv("JAVA_HOME", str(bare / "gone"))
    assert any("JAVA_HOME" in line for line in spark.lacking())
