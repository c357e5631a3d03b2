"""Settings: every variable is documented, and all that is wrong is told at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from environs import Env

from core import config

ROOT = config.ROOT
READ = re.compile(r'env\.\w+\(\s*"([A-Z_]+)"')
TOLD = re.compile(r"^([A-Z_]+)=(.*)$", re.MULTILINE)


def documented() -> dict[str, str]:
    return dict(TOLD.findall((ROOT / ".env.example").read_text()))


def test_the_example_names_exactly_the_settings_that_are_read() -> None:
    assert set(documented()) == set(READ.findall(Path(config.__file__).read_text()))


def test_the_example_says_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in documented():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Env, "read_env", lambda *_, **__: None)
    plain = config.load()
    monkeypatch.chdir(ROOT)
    for name, text in documented().items():
        monkeypatch.setenv(name, text)
    told = config.load()
    for name in config.Settings.__dataclass_fields__:
        if name not in {"instance", "lake", "images"}:  # absolute, and relative to here
            assert getattr(told, name) == getattr(plain, name), name
    assert told.instance.resolve() == plain.instance


def test_production_refuses_what_is_fit_for_trying_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Env, "read_env", lambda *_, **__: None)
    monkeypatch.setenv("CERCLE_ENV", "production")
    monkeypatch.setenv("CERCLE_NOW", "2026-03-01T12:00:00Z")
    monkeypatch.delenv("SECRET_KEY", raising=False)
    monkeypatch.delenv("BASE_URL", raising=False)
    with pytest.raises(config.SettingsError) as refused:
        config.load()
    assert {"SECRET_KEY", "BASE_URL", "CERCLE_NOW"} <= set(
        re.findall("[A-Z_]{6,}", str(refused.value))
    )


def test_all_that_is_wrong_is_told_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Env, "read_env", lambda *_, **__: None)
    monkeypatch.setenv("API_PER_MINUTE", "0")
    monkeypatch.setenv("PROXIES", "many")
    with pytest.raises(
        config.SettingsError, match=r"(?s)(API_PER_MINUTE.*PROXIES|PROXIES.*API_PER)"
    ):
        config.load()


def test_what_production_refuses_is_told_with_what_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Env, "read_env", lambda *_, **__: None)
    for name, text in {
        "CERCLE_ENV": "production", "CERCLE_NOW": "noon", "PROXIES": "many", "CACHE_SECONDS": "-1",
        "DATABASE_URL": "mysql://root@db/cercle", "SECRET_KEY": "short",
        "BASE_URL": "http://cercle.example", "REPORT_ENGINE": "abacus",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, text)
    with pytest.raises(config.SettingsError) as refused:
        config.load()
    told = re.findall(r"- ([A-Z_]+): ", str(refused.value))
    assert sorted(told) == [
        "BASE_URL", "CACHE_SECONDS", "CERCLE_NOW", "DATABASE_URL", "PROXIES", "REPORT_ENGINE",
        "SECRET_KEY",
    ]  # fmt: skip


def test_settings_do_not_show_their_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Env, "read_env", lambda *_, **__: None)
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_test_hidden")
    assert "hidden" not in repr(config.load())
